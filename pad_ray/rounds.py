"""Rounds of refinement as records: what a round read, sampled, kept and made, and how it differs from the one before.

    student k-1 ─▶ samples ─▶ lessons ─▶ student k ─▶ predictions ─▶ rounds/k.json

Pure, but for the two functions that read and write manifests; `pad_ray.refinement` runs rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pad_ray.errors import DataError
from pad_ray.evaluation.paired import pair
from pad_ray.evaluation.stopping import Standing
from pad_ray.records import Row, content_hash
from pad_ray.storage import Storage

ROUNDS = "rounds"  # the folder of manifests
REASONING = "reasoning"
OK = "ok"


@dataclass(frozen=True, slots=True)
class Change:
    """What a round changed, over the problems that it and the round before it answered.

    Attributes:
        gained: validation problems that are right now and were not, sorted.
        lost: those that were right and are not, sorted.
        errors: verdict to its count before and after, of all but `ok` that occur.
        difference: accuracy now minus before, -1 to 1.
        low, high: its 95 % interval, problem by problem.
        p_value: McNemar's.
    """

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    errors: dict[str, tuple[int, int]]
    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Round:
    """The manifest of one round.

    Attributes:
        number: 0 for the student before any round.
        inputs: what it read, by name, as hashes: problems, the student before, settings, verifier.
        sampled: verdict to the number of samples that it was given.
        kept: lesson (`reasoning`, `injected:…`, `mined:…`) to how many are learnt.
        left_out: reason to how many are not.
        checkpoint: id of the student's stage.
        place: where the student is, a path or an address.
        tokens: tokens trained on, prompts and all epochs included.
        evaluation: rows of results.json that belong to it.
        verdicts: validation problem to its verdict.
        change: the difference from the round before; None of round 0.
    """

    number: int
    inputs: dict[str, str]
    checkpoint: str
    verdicts: dict[str, str]
    sampled: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    place: str = ""
    tokens: int = 0
    evaluation: list[dict[str, Any]] = field(default_factory=list)
    change: Change | None = None

    @property
    def id(self) -> str:
        """A hash of number and inputs: a manifest of other inputs is another round's."""
        return content_hash(self.number, self.inputs, length=12)

    @property
    def right(self) -> dict[str, bool]:
        """Validation problem to whether it was right."""
        return {problem: verdict == OK for problem, verdict in self.verdicts.items()}

    def to_json(self) -> str:
        """The text of `rounds/<number>.json`."""
        text: bytes = _adapter().dump_json(self, indent=2)
        return text.decode() + "\n"

    @classmethod
    def from_json(cls, text: str) -> Round:
        """The round of that text.

        Raises:
            ValueError: the text is no manifest, or one that was cut off.
        """
        found: Round = _adapter().validate_json(text)
        return found


@lru_cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Round)


def write_round(run: Storage, one: Round) -> None:
    """Writes the manifest of a round into a run's folder, last of all that belongs to the round."""
    (run / ROUNDS).write_text(f"{one.number}.json", one.to_json())


def read_round(run: Storage, number: int) -> Round | None:
    """The manifest of a round; None where it is not over.

    Raises:
        DataError: somebody changed it.
    """
    place = run / ROUNDS
    text = place.read_text(f"{number}.json")
    try:
        return Round.from_json(text) if text else None
    except ValueError:
        raise DataError(f"{place.uri}/{number}.json is no manifest of a round", "Remove it: it is made again") from None


def read_rounds(run: Storage) -> list[Round]:
    """The manifests in a run's folder, from 0 as far as they go."""
    found: list[Round] = []
    while (one := read_round(run, len(found))) is not None:
        found.append(one)
    return found


def change_of(before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    """The difference between two rounds.

    Args:
        before, after: problem to verdict; problems that only one has do not count.
    """
    both = sorted(before.keys() & after.keys())
    right = [{problem: verdicts[problem] == OK for problem in both} for verdicts in (before, after)]
    errors = [Counter(verdicts[problem] for problem in both) for verdicts in (before, after)]
    table = pair(*right)
    low, high = table.interval()
    return Change(
        gained=tuple(problem for problem in both if right[1][problem] and not right[0][problem]),
        lost=tuple(problem for problem in both if right[0][problem] and not right[1][problem]),
        errors={name: (errors[0][name], errors[1][name]) for name in sorted({*errors[0], *errors[1]} - {OK})},
        difference=table.difference,
        low=low,
        high=high,
        p_value=table.p_value,
    )


def taught(examples: Iterable[Row]) -> tuple[dict[str, int], dict[str, int]]:
    """What a round learns and what it leaves out: `kept` and `left_out` of a manifest.

    Args:
        examples: rows of the round's lessons, used or not.
    """
    kept: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for row in examples:
        if row["used"]:
            kept[row["lesson"] or REASONING] += 1
        else:
            left_out[row["why_not"]] += 1
    return dict(sorted(kept.items())), dict(sorted(left_out.items()))


def standings(rounds: Sequence[Round]) -> list[Standing]:
    """What the stop rule reads, by number of the round.

    Raises:
        ValueError: a round is missing.
    """
    ordered = sorted(rounds, key=lambda one: one.number)
    if [one.number for one in ordered] != list(range(len(ordered))):
        raise ValueError(f"rounds {[one.number for one in ordered]}: they go from 0 without a gap")
    return [Standing(one.right, one.tokens) for one in ordered]


def table_of(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """A line for each round, for `rounds --json` and the report's curve."""
    lines = []
    for one in sorted(rounds, key=lambda one: one.number):
        right, change = one.right, one.change
        lines.append(
            {
                "round": one.number,
                "n": len(right),
                "correct": sum(right.values()),
                "gained": len(change.gained) if change else None,
                "lost": len(change.lost) if change else None,
                "p_value": change.p_value if change else None,
                "sampled": sum(one.sampled.values()),
                "reasoning": one.kept.get(REASONING, 0),
                "repairs": sum(count for lesson, count in one.kept.items() if lesson != REASONING),
                "tokens": one.tokens,
                "checkpoint": one.checkpoint,
            }
        )
    return lines
