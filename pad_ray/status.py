"""How far a run is, told from its folder alone: while it runs, from another terminal, or when it is over."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pad_ray.errors import InputError, PadRayError
from pad_ray.run_folder import PROGRESS, Stage
from pad_ray.run_lock import holder
from pad_ray.run_tables import run_names
from pad_ray.saved_run import PLACES, SavedRun, tests_by
from pad_ray.storage import Storage

_SAYS_NOTHING = {"id", "seconds", "digest", "rows", "first_error"}


@dataclass(frozen=True)
class StageStatus:
    """One stage of a run.

    Attributes:
        name: as the plan calls it.
        state: `done`, `begun` or `to do`.
        id: its id, once it has one.
        rows: rows that are on disk; None where it has no table.
        seconds: what it took, once it is done.
        facts: further counts of its done mark, such as samples by verdict.
    """

    name: str
    state: str
    id: str = ""
    rows: int | None = None
    seconds: float | None = None
    facts: dict[str, Any] | None = None


@dataclass(frozen=True)
class RunStatus:
    """A run.

    Attributes:
        name, folder: the run, and where it is.
        state: `running`, `finished` (there are results) or `stopped` (the same command goes on).
        stages: in order.
        holder: who is at work on it: `host`, `pid`, `beat`.
        progress: the last progress line: `title`, `unit`, `done`, `total`, `line`, `time` and, once they are known,
            `yield`, `loss`, `tokens_per_second`, `seconds_left`, `nodes`, `restarts`; None unless it is running.
        rounds: `round`, `n` and `correct` of the rounds that are over, on validation problems; 0 is before any.
        results: rows of results.json.
        report: the report, if it is written.
    """

    name: str
    folder: str
    state: str
    stages: list[StageStatus]
    holder: dict[str, Any] | None
    progress: dict[str, Any] | None
    rounds: list[dict[str, int]]
    results: list[dict[str, Any]]
    report: str | None


def status_of(run: SavedRun) -> RunStatus:
    """The status of a run, now."""
    who = holder(run.storage)
    progress = _progress(run.storage, who)
    stages = [_seen(stage, run.places[stage.name], progress) for stage in _stages(run)]
    tests = [stage for stage in stages if stage.name.startswith("student_test")]
    finished = bool(run.results) and all(stage.state == "done" for stage in tests)
    return RunStatus(
        name=run.name,
        folder=run.storage.uri,
        state="running" if who else "finished" if finished else "stopped",
        stages=stages,
        holder=who,
        progress=progress,
        rounds=[{"round": one.number, "n": len(one.right), "correct": sum(one.right.values())} for one in run.rounds],
        results=run.results if finished else [],
        report=(run.storage / "report.html").uri if run.storage.has("report.html") else None,
    )


def all_runs(runs: str) -> Iterator[RunStatus]:
    """The runs in a folder, sorted by name; one that cannot be read is passed over."""
    for name in run_names(runs):
        try:
            yield status_of(SavedRun(Storage.open(runs) / name))
        except PadRayError:
            continue


def _stages(run: SavedRun) -> Iterator[StageStatus]:
    lacking = _wanted(run)
    for name in run.places:
        stage = run.stages.get(name)
        if stage is not None:
            yield _stage(name, stage)
        elif name in lacking:
            yield StageStatus(name, "to do")


def _wanted(run: SavedRun) -> set[str]:
    """Stages that every run has, and those that its settings ask for."""
    try:
        decoders: Sequence[str] = run.config.evaluation.decoders
    except InputError:
        decoders = ("greedy",)
    tests = {tests_by(decoder) for decoder in decoders}
    return {name for name in PLACES if name in tests or not name.startswith(("student_test", "base_validation"))}


def _stage(name: str, stage: Stage) -> StageStatus:
    mark = stage.done
    if mark is None:
        there = stage.count() if stage.record else 0
        return StageStatus(name, "begun" if there else "to do", stage.id, there)
    facts = {key: value for key, value in mark.items() if key not in _SAYS_NOTHING}
    rows = mark.get("rows") if stage.record else None
    return StageStatus(name, "done", stage.id, rows, mark.get("seconds"), facts)


def _seen(stage: StageStatus, place: str, progress: dict[str, Any] | None) -> StageStatus:
    """A stage that the progress line is about is begun, though its own folder may hold nothing yet."""
    told = progress or {}
    work = str((told.get("tags") or {}).get("stage", ""))
    if stage.state != "to do" or not work or place not in (work, f"{work}/samples", f"{work}/predictions"):
        return stage
    return replace(stage, state="begun", rows=int(told["done"]) if told["unit"] == "rows" else None)


def _progress(storage: Storage, who: dict[str, Any] | None) -> dict[str, Any] | None:
    """The last line, of who is at work now and not of a driver before."""
    if who is None:
        return None
    try:
        found: dict[str, Any] = json.loads(storage.read_text(PROGRESS) or "null")
    except ValueError:
        return None
    # A holder on a disk signs once, when it begins; in object storage again and again.
    return found if found and (storage.scheme or found["time"] >= who.get("beat", 0)) else None


def age(seconds_since_1970: float) -> str:
    """`3s ago`, `12m ago`, `5h ago`, `2d ago`."""
    passed = max(0.0, time.time() - seconds_since_1970)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if passed >= size:
            return f"{passed / size:.0f}{unit} ago"
    return f"{passed:.0f}s ago"
