"""Serving from a shell: settings from files and options, a Ray and a port, the application, and a clean end."""

from __future__ import annotations

import math
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pad_ray.asking import Asking, check_stepwise
from pad_ray.config import ResourcesConfig, apply_override, first_problem
from pad_ray.errors import ConfigError, PlacementError, StageError
from pad_ray.export import Student, merge_adapter
from pad_ray.models import cache_folder, local_folder
from pad_ray.rounds import read_rounds
from pad_ray.serving.model import resolve_student
from pad_ray.serving.settings import ReplicasConfig, ServeConfig
from pad_ray.storage import Storage
from pad_ray.yaml_text import parse_mapping, text_of

APPLICATION = "pad-ray"


def serve_config(file: Path | None, overrides: Sequence[str], given: dict[str, Any]) -> ServeConfig:
    """The settings of a file, with overrides and then options upon them.

    Args:
        file: YAML; None for the defaults.
        overrides: `key.path=value`.
        given: options by key; those that are None were not given.

    Raises:
        ConfigError: no file, no YAML, an unknown key, an impossible value.
    """
    raw = parse_mapping(text_of(file), str(file)) if file is not None else {}
    for override in overrides:
        apply_override(raw, override)
    raw |= {key: value for key, value in given.items() if value is not None}
    try:
        config = ServeConfig.model_validate(raw)
    except ValidationError as error:
        place = str(file) if file else "settings"
        raise ConfigError(f"{place}: {first_problem(error, ServeConfig)}") from None
    check_stepwise(config.decoder)
    return config


def student_of(run: Storage) -> str:
    """The folder of a run's student, that of its last round where there were rounds; an adapter is merged first.

    Raises:
        InputError: the run has no finished student, or two.
    """
    rounds = [one for one in read_rounds(run) if one.number and one.place]
    student = Student.of(run, Storage.open(rounds[-1].place) if rounds else None)
    if not student.adapter:
        return local_folder(student.storage)
    # By the training's id, so an adapter that was trained anew is merged anew.
    merged = cache_folder() / "merged" / student.id
    if not (merged / "config.json").is_file():
        merge_adapter(run, Storage.open(str(merged)), student=student)
    return str(merged)


def check_config(config: ServeConfig) -> str:
    """Refuses at once what would end in a replica that cannot start.

    Returns:
        The resolved model.

    Raises:
        ModelError, ConfigError: no such model or recipe, or one that writes no programs.
        PlacementError: the port is in use.
    """
    model = resolve_student(config.model)
    asking = Asking.of(model, config.recipe)
    if not asking.writes_programs:
        raise ConfigError(
            f"recipe `{asking.recipe.name}` writes no programs, so no step of it can be run",
            "Serve a student of another recipe",
        )
    check_port(config.host, config.port)
    return model


def check_port(host: str, port: int) -> None:
    """Refuses an address that cannot be listened on.

    Raises:
        PlacementError: another process has the port, or the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or "there is no such address"
            raise PlacementError(f"cannot listen on {host}:{port}: {reason}", "Give another --host or --port") from None


def needed_cpus(config: ServeConfig) -> int:
    """Logical CPUs of all replicas that there always are, and of one more of each that may have more."""
    engine = config.resources.engine_cpus * max(1, config.resources.engine_gpus) + config.models.cpus
    parts: list[tuple[ReplicasConfig, float]] = [
        (config.ingress, config.ingress.cpus),
        (config.decoders, config.decoders.cpus),
        (config.sandboxes, config.sandboxes.cpus),
        (config.models, engine),
    ]
    return math.ceil(sum(replicas.most * cpus for replicas, cpus in parts)) + 1


@contextmanager
def serving(config: ServeConfig) -> Iterator[str]:
    """The application while the body runs, on the Ray that is here or one of its own.

    Yields:
        The address that it answers at.

    Raises:
        StageError: it does not come up.
    """
    import ray
    from ray import serve

    from pad_ray.runtime import cluster_address

    # Of a cluster that was there before, only the application is taken away.
    own = not ray.is_initialized() and cluster_address() is None
    begins = _begin(config)
    try:
        serve.start(http_options={"host": config.host, "port": config.port})
        from pad_ray.serving.app import build_app

        try:
            serve.run(build_app(config), name=APPLICATION)
        except RuntimeError as error:
            raise StageError(f"the application did not come up: {' '.join(str(error).split())[:300]}") from None
        yield f"http://{_reachable(config.host)}:{config.port}"
    finally:
        with suppress(Exception):  # what cannot be told to end is ended with Ray
            serve.shutdown() if own else serve.delete(APPLICATION)
        if begins:
            ray.shutdown()


def log_folder() -> Storage:
    """Where what Ray and the engine say goes."""
    return Storage.open(str(cache_folder() / "serving"))


def answers(address: str, within: float = 300) -> bool:
    """Whether the service answers questions.

    Args:
        within: seconds that it may take to be ready; an engine's first tokens take longest.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=30):
                return True
        except urllib.error.HTTPError as error:
            if error.code != 503:
                return False
        except (urllib.error.URLError, OSError):
            return False
        time.sleep(0.5)
    return False


def _reachable(host: str) -> str:
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"[{named}]" if ":" in named and "[" not in named else named


def _begin(config: ServeConfig) -> bool:
    """Joins the Ray that is here, or starts one that has room for the application."""
    from pad_ray.runtime import start_ray

    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")
    resources = config.resources
    cpus = max(resources.cpus or 0, needed_cpus(config), os.cpu_count() or 1)
    return start_ray(ResourcesConfig(**{**resources.model_dump(), "cpus": cpus}))
