"""Rounds of refinement for readers: accuracy from round to round, and what each of them did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.evaluation.metrics import place_names, wilson
from pad_ray.report.facts import Count
from pad_ray.rounds import REASONING, Round


@dataclass(frozen=True)
class RoundLine:
    """A round, for the curve and the table.

    Attributes:
        number: 0 for the student before any round.
        right: validation problems that are right.
        low, high: 95 % interval of that share, 0 to 1.
        tests: name of the split or the benchmark to test problems of it that are right, greedy.
        gained, lost, p_value: against the round before; None of round 0.
        sampled: programs that the student before it wrote.
        programs, repairs: lessons that it taught.
        errors: verdicts of validation problems that changed in number, most first ("runtime_error 12 → 5").
    """

    number: int
    right: Count
    low: float
    high: float
    tests: dict[str, Count]
    gained: int | None
    lost: int | None
    p_value: float | None
    sampled: int
    programs: int
    repairs: int
    errors: str


def round_lines(rounds: Sequence[Round]) -> list[RoundLine]:
    """A line for each round that was measured."""
    return [_line(one) for one in rounds if one.verdicts]


def _line(one: Round) -> RoundLine:
    right, change = one.right, one.change
    low, high = wilson(sum(right.values()), len(right))
    return RoundLine(
        number=one.number,
        right=Count("validation", sum(right.values()), len(right)),
        low=low,
        high=high,
        tests=_tests(one),
        gained=len(change.gained) if change else None,
        lost=len(change.lost) if change else None,
        p_value=change.p_value if change else None,
        sampled=sum(one.sampled.values()),
        programs=one.kept.get(REASONING, 0),
        repairs=sum(count for lesson, count in one.kept.items() if lesson != REASONING),
        errors=_errors(change.errors) if change else "",
    )


def _tests(one: Round) -> dict[str, Count]:
    rows = [row for row in one.evaluation if row["decoder"] == "greedy" and row["split"] != "validation"]
    names = place_names(rows)
    called = [(names[row["benchmark"], row["split"]], row) for row in rows]
    return {name: Count(name, row["correct"], row["n"]) for name, row in called}


def _errors(errors: dict[str, tuple[int, int]], most: int = 3) -> str:
    changed = sorted(errors.items(), key=lambda item: -abs(item[1][1] - item[1][0]))
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in changed[:most] if before != after)
