"""What is measured, read where Ray's collectors read it: from a node's metrics port."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from pad_ray.serving.backend import DecoderLost, Overloaded
from tests.serving.backends import ANSWER, Told, step
from tests.serving.web import app_of, chat, solve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    import ray

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        [node] = ray.nodes()
        yield int(node["MetricsExportPort"])
    finally:
        ray.shutdown()


def _read(port: int) -> dict[str, float]:
    """Our figures by name and tags, once they are there: they travel every few seconds."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
    found: dict[str, float] = {}
    for name, tags, value in re.findall(r"^ray_(pad_ray_serve_\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        kept = re.findall(r'(?:route|outcome|cause|kind)="[^"]*"', tags)
        found[f"{name}{{{','.join(sorted(kept))}}}"] = float(value)
    return found


def _await(port: int, name: str) -> dict[str, float]:
    import time

    end = time.monotonic() + 90
    while name not in (found := _read(port)):
        assert time.monotonic() < end, sorted(found)
        time.sleep(0.5)
    return found


def test_requests_are_counted_by_how_they_ended(port: int) -> None:
    solve(app_of(Told([step(1), ANSWER])))
    chat(app_of(Told([step(1), ANSWER])), stream=True)
    solve(app_of(Told([Overloaded("full")])))
    solve(app_of(Told([DecoderLost("died")])))
    solve(app_of(Told([ANSWER])), beams=99)
    chat(app_of(Told([ANSWER])), model="last")
    requests = 'pad_ray_serve_requests_total{outcome="%s",route="%s"}'
    found = _await(port, requests % ("refused", "/v1/chat/completions"))
    for outcome in ("answered", "overloaded", "lost", "refused"):
        assert found[requests % (outcome, "/v1/solve")] == 1, sorted(found)
    assert found[requests % ("answered", "/v1/chat/completions")] == 1
    assert found['pad_ray_serve_dropped_candidates_total{cause="NameError"}'] == 2
    assert found['pad_ray_serve_sandbox_seconds_count{route="/v1/solve"}'] == 1
    assert found['pad_ray_serve_first_step_seconds_count{route="/v1/chat/completions"}'] == 1
    assert found["pad_ray_serve_in_flight{}"] == 0
