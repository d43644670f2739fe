"""Problems whose answer changed with training: what the student gained, and what it lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.records import Row, content_hash
from pad_ray.report.words import plain_value, shortened

_PROGRAM_CHARS = 2_000


@dataclass(frozen=True)
class Attempt:
    """One model's answer to a problem.

    Attributes:
        program: the program as it was run, or the completion where no program was found in it.
        value: what it gave; empty where it gave nothing.
        verdict: see `pad_ray.verification.Verdict`.
        error: the exception and its message.
    """

    program: str
    value: str
    verdict: str
    error: str


@dataclass(frozen=True)
class Change:
    """A problem that one model got right and the other wrong."""

    split: str
    question: str
    gold: str
    base: Attempt
    student: Attempt


@dataclass(frozen=True)
class Changes:
    """All changes in number, a few of them in full."""

    gained: int
    lost: int
    shown_gained: list[Change]
    shown_lost: list[Change]


def find_changes(base: Sequence[Row], student: Sequence[Row], shown: int = 5) -> Changes | None:
    """Changes from base to student over all measured problems; None where no problem was answered by both.

    Which ones are shown is decided by a hash of the problem's id, so that nobody picks them.
    """
    after = {row["problem_id"]: row for row in student}
    pairs = [(row, after[row["problem_id"]]) for row in base if row["problem_id"] in after]
    if not pairs:
        return None
    pairs.sort(key=lambda pair: content_hash(pair[0]["problem_id"]))
    gained = [pair for pair in pairs if pair[0]["verdict"] != "ok" and pair[1]["verdict"] == "ok"]
    lost = [pair for pair in pairs if pair[0]["verdict"] == "ok" and pair[1]["verdict"] != "ok"]
    return Changes(
        len(gained),
        len(lost),
        [_change(*pair) for pair in gained[:shown]],
        [_change(*pair) for pair in lost[:shown]],
    )


def _change(base: Row, student: Row) -> Change:
    gold = plain_value(base["gold"])
    return Change(base["split"], base["question"], gold, _attempt(base), _attempt(student))


def _attempt(row: Row) -> Attempt:
    error = ": ".join(part for part in (row["error_class"], row["error"]) if part)
    program = row["program"] or row["completion"] or ""
    return Attempt(shortened(program.strip("\n"), _PROGRAM_CHARS), plain_value(row["value"]), row["verdict"], error)
