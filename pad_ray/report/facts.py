"""From rows to the numbers of the report: yield, exclusions, errors, loss, time."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.decoding.settings import NAMES
from pad_ray.records import Row
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.saved_run import tests_by

_STAGES = {
    "problems": "problems",
    "requests": "requests",
    "samples": "teacher: write and judge",
    "verdicts": "judge again",
    "examples": "examples",
    "base_validation": "base on validation",
    "base": "base on the tests",
    "student": "training",
    "student_test": "student on the tests",
    **{tests_by(name): f"student on the tests, {name}" for name in NAMES if name != "greedy"},
}


@dataclass(frozen=True)
class Count:
    """So many of so many."""

    name: str
    count: int
    total: int

    @property
    def share(self) -> float:
        """0 to 1; 0 of nothing is 0."""
        return self.count / self.total if self.total else 0.0


def verdict_counts(rows: Sequence[Row]) -> list[Count]:
    """How many rows got each verdict: ok first, then the most frequent."""
    counts = Counter({"ok": 0} if rows else {})
    counts.update(row["verdict"] for row in rows)
    order = sorted(counts, key=lambda verdict: (verdict != "ok", -counts[verdict], verdict))
    return [Count(verdict, counts[verdict], len(rows)) for verdict in order]


@dataclass(frozen=True)
class Excluded:
    """Samples that did not become examples, by the first reason that applies; a negative count was added."""

    reason: str
    count: int


def exclusions(samples: Sequence[Row], examples: Sequence[Row] | None) -> list[Excluded]:
    """Why samples are not learnt from, most frequent first after the verdict.

    Args:
        samples: all samples, of which `verdict` is read.
        examples: all example rows, of which `used` and `why_not` are read; None while they are not made.
    """
    failed = Excluded("the verdict is not ok", sum(row["verdict"] != "ok" for row in samples))
    reasons = Counter(row["why_not"] for row in examples or () if not row["used"])
    return [failed, *(Excluded(reason or "not said", count) for reason, count in reasons.most_common())]


@dataclass(frozen=True)
class ErrorPair:
    """How often base and student failed in one way, and the exceptions behind it.

    Attributes:
        verdict: the way.
        base: count, of all problems that base was measured on.
        student: the same of the student.
        classes: exception classes of both, most frequent first ("SyntaxError 12, IndentationError 3").
    """

    verdict: str
    base: Count
    student: Count
    classes: str


def error_pairs(base: Sequence[Row], student: Sequence[Row]) -> list[ErrorPair]:
    """Verdicts but ok of two models' predictions, most frequent first."""
    counts = [Counter(row["verdict"] for row in rows) for rows in (base, student)]
    verdicts = (counts[0] + counts[1]).keys() - {"ok"}
    return [
        ErrorPair(
            verdict,
            Count("base", counts[0][verdict], len(base)),
            Count("student", counts[1][verdict], len(student)),
            _classes([row for row in (*base, *student) if row["verdict"] == verdict]),
        )
        for verdict in sorted(verdicts, key=lambda name: (-counts[0][name] - counts[1][name], name))
    ]


def _classes(rows: Sequence[Row], most: int = 4) -> str:
    found = Counter(row["error_class"] for row in rows if row["error_class"])
    return ", ".join(f"{name} {count:,}" for name, count in found.most_common(most))


@dataclass(frozen=True)
class LossCurve:
    """The training loss.

    Attributes:
        points: step and loss (nats per target token), finite ones only.
        broken: steps whose loss was not a finite number.
    """

    points: list[tuple[int, float]]
    broken: list[int]

    @property
    def first(self) -> float:
        """Loss of the first step."""
        return self.points[0][1]

    @property
    def last(self) -> float:
        """Mean loss of the last tenth of the steps."""
        tail = self.points[-max(1, len(self.points) // 10) :]
        return math.fsum(loss for _, loss in tail) / len(tail)


def loss_curve(student: Stage | None, task: str = "") -> LossCurve | None:
    """What `metrics.jsonl` of the student says, or of the one of a task; None without it."""
    if student is None:
        return None
    text = (student.storage / task if task else student.storage).read_text("metrics.jsonl")
    if not text or not text.strip():
        return None
    records = [json.loads(line) for line in text.splitlines() if line.strip()]
    steps = [(int(record["step"]), record.get("loss")) for record in records]
    finite = [(step, float(loss)) for step, loss in steps if loss is not None and math.isfinite(loss)]
    return LossCurve(finite, sorted({step for step, _ in steps} - {step for step, _ in finite}))


@dataclass(frozen=True)
class Cost:
    """What a stage took.

    Attributes:
        stage: its name for readers.
        seconds: wall time.
        share: of the time of all stages, 0 to 1.
        rows: rows written, in training examples learnt from.
        tokens: tokens written, in training those of all steps; None where there are none.
        money: what an endpoint charged for it, in the currency of its prices; 0 where nothing was charged.
        finished: seconds since 1970.
    """

    stage: str
    seconds: float
    share: float
    rows: int | None
    tokens: int | None
    money: float
    finished: float | None


def costs(folder: RunFolder, marks: Mapping[str, dict[str, Any] | None]) -> list[Cost]:
    """Time and tokens of the stages that are done, in the order in which they run.

    Args:
        folder: its events tell when a stage was finished.
        marks: done marks by the stage's key.
    """
    events = [event for event in folder.events() if "id" in event]
    finished = {event["id"]: event["time"] for event in events}
    done = {name: [mark, *_behind(mark, events)] for name, mark in marks.items() if mark is not None}
    total = math.fsum(_sum(parts, "seconds") for parts in done.values())
    return [
        Cost(
            _STAGES.get(name, name.replace("-", " ", 1)),
            _sum(parts, "seconds"),
            _sum(parts, "seconds") / total if total else 0.0,
            parts[0].get("rows", parts[0].get("examples")),
            int(_sum(parts, "tokens")) if any("tokens" in part for part in parts) else None,
            _sum(parts, "cost"),
            finished.get(parts[0]["id"]),
        )
        for name, parts in done.items()
    ]


def _sum(parts: Sequence[Mapping[str, Any]], name: str) -> float:
    return math.fsum(part.get(name) or 0.0 for part in parts)


def _behind(mark: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Events of the answers that predictions were made from: the latest of each kind before them."""
    made = [number for number, event in enumerate(events) if event["id"] == mark["id"]]
    place, _, kind = events[made[-1]]["event"].rpartition("/") if made else ("", "", "")
    if kind != "predictions":
        return []
    before = {event["event"]: event for event in events[: made[-1]]}
    names = (f"{place}/{kind}" for kind in ("requests", "samples", "verdicts"))
    return [before[name] for name in names if name in before]
