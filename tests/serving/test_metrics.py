"""What is measured, read where Ray's collectors read it: from a node's metrics port."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from pad_ray.errors import DataError
from pad_ray.serving.backend import DecoderLost, Overloaded
from tests.serving.backends import ANSWER, Told, step
from tests.serving.web import QUESTION, app_of, ask, chat, served, solve

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
        kept = re.findall(r'(?:route|outcome|status|cause|kind)="[^"]*"', tags)
        found[f"{name}{{{','.join(sorted(kept))}}}"] = float(value)
    return found


def _await(port: int, told: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    import time

    end = time.monotonic() + 180
    while not told(found := _read(port)):
        assert time.monotonic() < end, sorted(found)
        time.sleep(0.5)
    return found


def _requests(outcome: str, status: int, route: str = "/v1/solve") -> str:
    return f'pad_ray_serve_requests_total{{outcome="{outcome}",route="{route}",status="{status}"}}'


def test_requests_are_counted_by_how_they_ended(port: int) -> None:
    solve(app_of(Told([step(1), ANSWER])))
    chat(app_of(Told([step(1), ANSWER])), stream=True)
    solve(app_of(Told([Overloaded("full")])))
    solve(app_of(Told([DecoderLost("died")])))
    solve(app_of(Told([ANSWER])), beams=99)
    solve(app_of(Told([DataError("too long for the model")])), max_tokens=5)
    chat(app_of(Told([ANSWER])), model="last")
    last = _requests("refused", 404, "/v1/chat/completions")
    found = _await(port, lambda found: last in found)
    for outcome, status in (("answered", 200), ("overloaded", 503), ("lost", 503)):
        assert found[_requests(outcome, status)] == 1, sorted(found)
    assert found[_requests("refused", 400)] == 2
    assert found[_requests("answered", 200, "/v1/chat/completions")] == 1
    assert found['pad_ray_serve_dropped_candidates_total{cause="NameError"}'] == 2
    assert found['pad_ray_serve_sandbox_seconds_count{route="/v1/solve"}'] == 1
    assert found['pad_ray_serve_first_step_seconds_count{route="/v1/chat/completions"}'] == 1


def test_requests_that_guards_turn_away_are_counted_by_status(port: int, tmp_path: Path) -> None:
    class Loading(Told):
        async def ready(self) -> bool:
            return False

    (tmp_path / "tokens").write_text("open-sesame")
    solve(app_of(Told([ANSWER]), token_file=str(tmp_path / "tokens")))
    ask(app_of(Told([ANSWER]), maxima={"body_bytes": 1024}), "POST", "/v1/solve", content=b" " * 2000)
    solve(app_of(Loading([ANSWER])))
    ask(app_of(Told([ANSWER]), maxima={"body_bytes": 1024}), "POST", "/nowhere", content=b" " * 2000)
    last = _requests("refused", 413, "none")
    found = _await(port, lambda found: last in found)
    assert found[_requests("refused", 401)] == found[_requests("refused", 413)] == 1, sorted(found)
    assert found[_requests("not_ready", 503)] == 1


def test_what_is_in_flight_is_told_as_long_as_it_lasts(port: int) -> None:
    from ray.util.metrics import Gauge

    asked, in_flight = {"question": QUESTION, "stream": True}, "pad_ray_serve_in_flight{}"
    other = Gauge("pad_ray_serve_other", "Nobody keeps it in sight, so Ray forgets it.")

    def is_told(found: dict[str, float]) -> bool:
        other.set(1)  # again: one export may be lost
        return "pad_ray_serve_other{}" in found

    with (
        served(app_of(Told([step(1), asyncio.Event(), ANSWER]))) as address,
        httpx.stream("POST", f"{address}/v1/solve", json=asked, timeout=180) as response,
    ):
        assert response.status_code == 200
        _await(port, is_told)
        assert _await(port, lambda found: "pad_ray_serve_other{}" not in found)[in_flight] == 1
