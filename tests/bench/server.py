"""The service that a bench asks: one that it starts, one that runs elsewhere, or one with a scripted model."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import psutil

from tests.ray_cluster import free_ports

# Of Serve, for every deployment, and of the ingress.
_GAUGES = ("ray_serve_replica_processing_queries", "ray_pad_ray_serve_in_flight")
# Of vLLM itself.
_ENGINE = ("ray_vllm_num_requests_running", "ray_vllm_num_requests_waiting")
REPORTED = 15.0  # seconds; Ray's nodes report every ten
_SETTLES = 120.0
_STARTS = 900.0
_MIB = 1 << 20


@dataclass(frozen=True)
class Server:
    """A service.

    Attributes:
        url: where it answers.
        processes: those that serve; none of one that runs elsewhere.
        at_work: how many calls it has at work; None where it does not say.
        in_engine: how many requests its engines run or let wait, by their own count, as of their last step; None where
            they do not say.
        lag: seconds after which `at_work` and `in_engine` know of a change.
    """

    url: str
    processes: Callable[[], list[psutil.Process]]
    at_work: Callable[[], float | None]
    in_engine: Callable[[], float | None]
    lag: float = REPORTED

    def memory(self) -> dict[str, float]:
        """Resident memory in MiB, by process."""
        found = {}
        for process in self.processes():
            try:
                found[f"{process.pid} {_named(process)}"] = process.memory_info().rss / _MIB
            except psutil.NoSuchProcess:
                continue
        return found

    def settles(self) -> float | None:
        """Waits until nothing is at work; what is left after two minutes, None where it does not say."""
        time.sleep(self.lag)
        limit = time.monotonic() + _SETTLES
        while (left := self.at_work()) and time.monotonic() < limit:
            time.sleep(1)
        return left


def elsewhere(url: str, metrics: str | None) -> Server:
    """One that runs already.

    Args:
        url: where it answers.
        metrics: where a node of Ray tells its figures.
    """
    endpoints = [metrics] if metrics else []
    return Server(url, lambda: [], lambda: _sum(endpoints, _GAUGES), lambda: _sum(endpoints, _ENGINE))


@contextmanager
def started(model: str, settings: Sequence[str] = ()) -> Iterator[Server]:
    """`pad-ray serve` on a free port, until the end of the block.

    Args:
        model: what it serves.
        settings: `key=value`, as `--set` takes them.

    Raises:
        RuntimeError: it ended before it answered.
    """
    [port] = free_ports(1)
    options = [word for one in settings for word in ("--set", one)]
    pad_ray = str(Path(sys.executable).with_name("pad-ray"))
    command = [pad_ray, "serve", "--model", model, "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _await_ready(url, process)
        tree = psutil.Process(process.pid)
        yield Server(
            url,
            lambda: [tree, *tree.children(recursive=True)],
            lambda: _sum(_metrics_of(tree), _GAUGES),
            lambda: _sum(_metrics_of(tree), _ENGINE),
        )
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)


@contextmanager
def scripted() -> Iterator[Server]:
    """One in this process, whose model is a script: to try the bench itself."""
    from pad_ray.sandbox import Sandbox
    from tests.serving.page_server import Gated, served, shopping

    engine = Gated(shopping)
    engine.allow()
    with Sandbox() as sandbox, served(engine, sandbox, queue={"in_flight": 24, "retry_after": 1}) as url:
        own = psutil.Process(os.getpid())
        at_work = partial(getattr, engine, "at_work")
        yield Server(url, lambda: [own, *own.children(recursive=True)], at_work, at_work, 0.0)


@contextmanager
def application(model: str, settings: Sequence[str], replicas: dict[str, Any], script: bool) -> Iterator[str]:
    """The address of an application in a Ray of this process, whose replicas can be looked at.

    Args:
        model: what it serves, unless that is a script.
        settings: `key=value`, as `--set` takes them.
        replicas: of its deployments.
        script: the model is one.
    """
    from pad_ray.serving.launch import answers, serve_config, serving
    from tests.serving.scripted_app import scripted_application

    if script:
        with TemporaryDirectory() as folder, scripted_application(Path(folder), **replicas) as url:
            yield url
        return
    config = serve_config(None, settings, {**replicas, "model": model, "port": free_ports(1)[0]})
    with serving(config) as url:
        if not answers(url, _STARTS):
            raise RuntimeError(f"{url} did not answer within {_STARTS:.0f} s")
        yield url


def _sum(endpoints: Sequence[str], names: Sequence[str]) -> float | None:
    """The sum of what Ray's nodes tell by these names; None where they say nothing of it."""
    from prometheus_client.parser import text_string_to_metric_families

    found = []
    for endpoint in endpoints:
        text = httpx2.get(endpoint, timeout=30, trust_env=False).text
        for family in text_string_to_metric_families(text):
            found += [sample.value for sample in family.samples if sample.name in names]
    return sum(found) if found else None


def _metrics_of(tree: psutil.Process) -> list[str]:
    """Where the nodes among some processes tell their figures: Ray chooses ports, and notes them in its session."""
    sessions = set()
    for process in tree.children(recursive=True):
        try:
            sessions |= set(re.findall(r"--session[-_]dir=(\S+)", " ".join(process.cmdline())))
        except psutil.NoSuchProcess:
            continue
    noted = (path for session in sorted(sessions) for path in Path(session).glob("metrics_export_port_*"))
    return [f"http://127.0.0.1:{path.read_text().strip()}/metrics" for path in noted]


def _await_ready(url: str, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + _STARTS
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise RuntimeError(f"pad-ray serve ended with code {process.returncode} before it answered")
        try:
            if httpx2.get(f"{url}/readyz", timeout=30, trust_env=False).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(1)
    raise RuntimeError(f"pad-ray serve did not answer within {_STARTS:.0f} s")


def _named(process: psutil.Process) -> str:
    words = process.cmdline() or [process.name()]
    return next((word for word in words[:1] if word.startswith("ray::")), Path(words[0]).name)[:48]
