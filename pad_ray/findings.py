"""Figures of an experiment: those of several folds as one, and each held against the reference's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pad_ray.decoding.settings import TURNS
from pad_ray.evaluation.metrics import wilson
from pad_ray.evaluation.paired import pair


@dataclass(frozen=True)
class Finding:
    """One figure of an experiment: a student, or the base, on a split by a decoder.

    Attributes:
        arm, fraction, seed: the cell; the base belongs to none, and has the arm `base`.
        student: `student`, `round-1`, …; `base` of the base.
        last: it is the last student of its cell.
        decoder, benchmark, split: how and on what it was measured.
        n, correct, accuracy, low, high, executable_rate: as rows of results.json have them; of folds over all that
            were measured.
        repaired: of a decoder with repair, see `pad_ray.evaluation.repaired`.
        tokens: tokens that it was trained on, prompts and targets of all passes; of folds the mean.
        difference: its accuracy minus that of the reference's last student, same share, seed and decoder, with a 95 %
            interval and McNemar's p; None of the reference itself, and of what has no counterpart.
    """

    arm: str
    fraction: float
    seed: int
    student: str
    last: bool
    decoder: str
    benchmark: str
    split: str
    n: int
    correct: int
    accuracy: float
    low: float
    high: float
    executable_rate: float | None
    repaired: dict[str, int] | None
    tokens: int
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None

    def arm_of(self, several: bool) -> str:
        """The arm, with its share of the data where an experiment has several: a share alone reads like an accuracy."""
        return f"{self.arm} {100 * self.fraction:g} %" if several and self.fraction < 1 else self.arm


@dataclass(frozen=True)
class Measured:
    """A figure, and the answers that it is made of."""

    finding: Finding
    right: dict[str, bool]

    @property
    def key(self) -> tuple[float, int, str, str, str]:
        """What is the same of figures that are compared: share, seed, decoder, benchmark, split."""
        one = self.finding
        decoder = "greedy" if one.decoder == TURNS else one.decoder  # two students write what is likeliest, too
        return one.fraction, one.seed, decoder, one.benchmark, one.split


def pooled(measured: Sequence[Measured]) -> list[Measured]:
    """The figures of each arm, those of all its folds as one: no problem is in two of them."""
    groups: dict[tuple[object, ...], list[Measured]] = {}
    for one in measured:
        groups.setdefault((one.key, one.finding.arm, one.finding.student, one.finding.decoder), []).append(one)
    return [group[0] if len(group) == 1 else _as_one(group) for group in groups.values()]


def _as_one(group: Sequence[Measured]) -> Measured:
    found = [one.finding for one in group]
    n, correct = sum(one.n for one in found), sum(one.correct for one in found)
    low, high = wilson(correct, n)
    rates = [(one.executable_rate, one.n) for one in found if one.executable_rate is not None]
    repairs = [one.repaired for one in found if one.repaired]
    finding = replace(
        found[0],
        n=n,
        correct=correct,
        accuracy=correct / n,
        low=low,
        high=high,
        executable_rate=sum(rate * count for rate, count in rates) / n if len(rates) == len(found) else None,
        repaired={name: sum(one[name] for one in repairs) for name in repairs[0]} if repairs else None,
        tokens=round(sum(one.tokens for one in found) / len(found)),
    )
    return Measured(finding, {name: right for one in group for name, right in one.right.items()})


def paired(one: Measured, reference: Measured | None) -> Finding:
    """The figure with its difference from the reference's, over the problems that both answered."""
    if reference is None or reference is one or not one.right.keys() & reference.right.keys():
        return one.finding
    table = pair(reference.right, one.right)
    low, high = table.interval()
    return replace(
        one.finding, difference=table.difference, difference_low=low, difference_high=high, p_value=table.p_value
    )
