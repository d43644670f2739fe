"""The status of runs as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pad_ray.console import print_results
from pad_ray.progress import duration
from pad_ray.status import RunStatus, StageStatus, age
from pad_ray.style import BOLD, DIM, GREEN, YELLOW, styled, table

_COLOURS = {"running": YELLOW, "finished": GREEN, "stopped": DIM, "done": GREEN, "begun": YELLOW, "to do": DIM}


def print_runs(found: Sequence[RunStatus], runs: str) -> None:
    """A line for each run."""
    if not found:
        print(f"there are no runs in {runs}")
        return
    rows = [(status.name, status.state, _in_short(status)) for status in found]
    for (_, state, _), line in zip(rows, table(rows), strict=True):
        print(line.replace(state, styled(state, _COLOURS[state]), 1) if state not in line.split()[0] else line)


def _in_short(status: RunStatus) -> str:
    if status.progress:
        return str(status.progress["line"])
    done = sum(stage.state == "done" for stage in status.stages)
    tests = [row for row in status.results if row["split"] == "test"]
    several = len({row["benchmark"] for row in tests}) > 1
    figures = ", ".join(
        f"{row['model']}{' on ' + row['benchmark'] if several else ''} {100 * row['accuracy']:.1f} %" for row in tests
    )
    return figures or f"{done} of {len(status.stages)} stages done"


def print_status(status: RunStatus) -> None:
    """Who is at work, the stages, the last progress line; of a finished run the results."""
    print(
        f"{styled(status.name, BOLD)} in {status.folder}: {styled(status.state, _COLOURS[status.state])}{_by(status)}"
    )
    rows = [(stage.state, stage.name, stage.id, _note(stage, status)) for stage in status.stages]
    for stage, line in zip(status.stages, table(rows, indent="  "), strict=True):
        print(line.replace(stage.state, styled(stage.state, _COLOURS[stage.state]), 1))
    if status.progress:
        print(f"\n{_line(status.progress)} ({age(status.progress['time'])})")
    if status.rounds:
        rounds = (f"{one['round']}: {100 * one['correct'] / max(1, one['n']):.1f} %" for one in status.rounds)
        print(f"\nright on validation after round {', '.join(rounds)}")
    if status.state == "stopped":
        print("\nThe same command again goes on from here, and does only what is missing.")
    if status.results:
        print_results(status.results, status.report or "none yet; `pad-ray report` writes it")


def _line(progress: dict[str, Any]) -> str:
    """The progress line, and where it is made."""
    nodes, restarts = progress.get("nodes", 1), progress.get("restarts", 0)
    parts = [progress["line"]]
    parts += [f"{nodes} nodes"] if nodes > 1 else []
    parts += [f"{restarts} started anew"] if restarts else []
    return " · ".join(parts)


def _by(status: RunStatus) -> str:
    if not status.holder:
        return ""
    since = f", a sign of life {age(status.holder['beat'])}" if "://" in status.folder else ""
    return f", process {status.holder.get('pid')} on {status.holder.get('host')}{since}"


def _note(stage: StageStatus, status: RunStatus) -> str:
    parts = []
    if stage.rows is not None:
        asked = next((other.rows for other in status.stages if other.name == "requests"), None)
        of = f" of {asked:,}" if stage.state == "begun" and stage.name == "samples" and asked else ""
        parts.append(f"{stage.rows:,}{of} rows")
    facts = stage.facts or {}
    if "ok" in facts and stage.rows:
        parts.append(f"yield {100 * facts['ok'] / stage.rows:.1f} %")
    if "used" in facts:
        parts.append(f"{facts['used']:,} to learn from")
    for task, one in (facts.get("students") or {"": facts}).items():
        if one.get("steps"):
            loss = one.get("loss", float("nan"))
            parts.append(f"{task}{task and ': '}{one['steps']:,.0f} steps, loss {loss:.3f}")
    if facts.get("cost"):
        parts.append(f"cost {facts['cost']:,.2f}")
    if stage.seconds is not None and stage.seconds >= 1:
        parts.append(f"took {duration(stage.seconds)}")
    return " · ".join(parts)
