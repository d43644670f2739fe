"""The question that the report answers first: did the student learn, by how much, and how sure is that?

Two signs are read. That Wilson's intervals of the two accuracies do not touch is a strict test. Both models
answer the same problems, so the exact sign test over those where they differ (McNemar 1947) is a sharper one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.evaluation.metrics import place_names
from pad_ray.evaluation.paired import sign_test
from pad_ray.records import Row
from pad_ray.report.words import counted, interval, percent

_NOT_MEASURED = ("train", "validation")
_LEVEL = 0.05


@dataclass(frozen=True)
class Match:
    """Base and student on one split.

    Attributes:
        benchmark: name of the problems.
        split: test, unseen or another that nothing was learnt or chosen on.
        base: the base model's row of results, if there is one.
        student: the row of results of the student before any round, if there is one.
        gained: problems that base got wrong and the student right; None where the two cannot be paired.
        lost: problems that base got right and the student wrong.
        name: what readers call the place; by default the split.
        refined: the row of the last round's student by the same decoder, if there was a round.
    """

    benchmark: str
    split: str
    base: dict[str, Any] | None
    student: dict[str, Any] | None
    gained: int | None = None
    lost: int | None = None
    name: str = ""
    refined: dict[str, Any] | None = None

    @property
    def gain(self) -> float:
        """Student's accuracy minus base's, -1 to 1; 0 where one is missing."""
        return self.student["accuracy"] - self.base["accuracy"] if self.student and self.base else 0.0

    @property
    def touching(self) -> bool:
        """Whether the two intervals have a point in common."""
        if not (self.student and self.base):
            return True
        return bool(self.student["low"] <= self.base["high"] and self.base["low"] <= self.student["high"])

    @property
    def p_value(self) -> float | None:
        """Of the sign test; None where the two cannot be paired."""
        return None if self.gained is None or self.lost is None else sign_test(self.gained, self.lost)


@dataclass(frozen=True)
class Answer:
    """The first lines of the report: a verdict in a few words, the figures, and how the doubt is weighed."""

    title: str
    sentence: str
    doubt: str = ""


def matches(results: Sequence[dict[str, Any]], base: Sequence[Row], student: Sequence[Row]) -> list[Match]:
    """Base against student on every measured split, `test` first, benchmarks in the order of the results.

    Args:
        results: rows of results.json.
        base: predictions of the base model.
        student: predictions of the student.
    """
    names = place_names(row for row in results if row["split"] not in _NOT_MEASURED)
    found = []
    for benchmark, split in sorted(names, key=lambda place: place[1] != "test"):
        rows = [row for row in results if (row["benchmark"], row["split"]) == (benchmark, split)]
        first = _student(rows)
        pair = (_best([row for row in rows if row["model"] == "base"]), first)
        changes = count_changes(*(_right_on(rows, benchmark, split) for rows in (base, student)))
        name = names[benchmark, split]
        found.append(Match(benchmark, split, *pair, *changes, name, _refined(rows, first)))
    return found


def count_changes(base: dict[str, bool], student: dict[str, bool]) -> tuple[int | None, int | None]:
    """Problems gained and lost, of those that both answered; None and None if there are none."""
    both = base.keys() & student.keys()
    if not both:
        return None, None
    gained = sum(student[problem] and not base[problem] for problem in both)
    return gained, sum(base[problem] and not student[problem] for problem in both)


def _right_on(rows: Sequence[Row], benchmark: str, split: str) -> dict[str, bool]:
    here = (row for row in rows if (row["benchmark"], row["split"]) == (benchmark, split))
    return {row["problem_id"]: row["verdict"] == "ok" for row in here}


def _best(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return max(rows, key=lambda row: row["accuracy"], default=None)


def _student(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Greedy first: it is how base is measured."""
    students = [row for row in rows if row["model"] != "base"]
    return min(students, key=lambda row: row["decoder"] != "greedy", default=None)


def _refined(rows: Sequence[dict[str, Any]], student: dict[str, Any] | None) -> dict[str, Any] | None:
    """The last round's; results tell rounds in their order."""
    rounds = [row for row in rows if student and row["model"].startswith("round-")]
    return next((row for row in reversed(rounds) if student and row["decoder"] == student["decoder"]), None)


def answer(found: Sequence[Match]) -> Answer:
    """The answer on the first split, or why there is none."""
    if not found:
        return Answer("Nothing was measured.", "The run holds no results on problems kept for measuring.")
    match = found[0]
    if match.student is None:
        sentence = f"On {_problems(match)}, {_base_part(match)}. There is no result of a student."
        return Answer("There is no student yet.", sentence)
    if match.base is None:
        sentence = f"{_subject(match)}, {_student_part(match)}. Base was not measured, so the gain is not known."
        return Answer("The gain is not known.", sentence)
    sentence = f"{_subject(match)}, {_student_part(match)}; {_base_part(match)}. {outcome(match)}"
    return Answer(_title(match), sentence, _doubt(match))


def outcome(match: Match) -> str:
    """`Gain 29.3 points, intervals do not touch.`"""
    size = f"{abs(100 * match.gain):.1f}\u00a0points"
    if match.gain == 0:
        return "No gain: both are level."
    word = "Gain" if match.gain > 0 else "Loss"
    if not match.touching:
        return f"{word} {size}, intervals do not touch."
    return f"{word} {size}, but the intervals touch."


def _title(match: Match) -> str:
    assert match.student
    certain = not match.touching or (match.p_value is not None and match.p_value < _LEVEL)
    if match.student["correct"] == 0:
        return "The student answers nothing right."
    if match.gain == 0:
        return "The student did not learn."
    if match.gain > 0:
        return "The student learnt." if certain else "The student is ahead, but that may be chance."
    return "The student got worse." if certain else "The student did not get better."


def _problems(match: Match) -> str:
    row = match.student or match.base
    assert row
    return counted(row["n"], "problem")


def _subject(match: Match) -> str:
    what = " of kinds" if match.split == "unseen" else ""
    of = f" of {match.name}" if match.name == match.benchmark else ""
    return f"On {_problems(match)}{of}{what} that it was not trained on"


def _student_part(match: Match) -> str:
    row, after = match.student, match.refined
    assert row
    part = f"the student answers {percent(row['accuracy'])} ({interval(row['low'], row['high'])}) right"
    if after is None:
        return part
    told = f"{percent(after['accuracy'])} ({interval(after['low'], after['high'])})"
    return f"{part}, and {told} after {after['model'].replace('-', ' ')}"


def _base_part(match: Match) -> str:
    row = match.base
    assert row
    verb = "" if match.student else " answers"
    right = "" if match.student else " right"
    figures = f"{percent(row['accuracy'])} ({interval(row['low'], row['high'])})"
    return f"the base model at its best prompt{verb} {figures}{right}"


def _doubt(match: Match) -> str:
    """The sign test in words; empty where the two cannot be paired."""
    if match.p_value is None:
        return ""
    if not (match.gained or match.lost):
        return "Problem by problem, both get the same ones right."
    p_value = "<\u00a00.001" if match.p_value < 0.001 else f"=\u00a0{match.p_value:.3f}"
    verdict = "chance alone hardly does that" if match.p_value < _LEVEL else "chance alone could do that"
    return (
        f"Problem by problem, the student gained {match.gained:,} and lost {match.lost:,}: "
        f"{verdict} (sign test, p\u00a0{p_value})."
    )


def in_short(match: Match) -> str:
    """One sentence on a further split."""
    if match.student is None or match.base is None:
        return ""
    place = match.name or match.split
    return f"{_subject(match)} ({place}), {_student_part(match)}; {_base_part(match)}. {outcome(match)}"
