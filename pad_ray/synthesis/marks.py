"""What is noteworthy about samples. A mark deletes nothing: which marks keep a sample from training is a setting.

forged               the program may have altered the value reported for itself
duplicate            another sample of the problem has the same program, but for names and layout
contaminated:<set>   the problem's question overlaps with the evaluation set of that name
constant_program     right answers by suspicious ways, see `pad_ray.programs.shortcuts`
unused_steps
ignores_question
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import get_args

from pad_ray.config import Mark
from pad_ray.programs.duplicates import identity
from pad_ray.programs.shortcuts import shortcuts
from pad_ray.records import Row

MARKS: tuple[str, ...] = get_args(Mark)


def mark_samples(
    samples: Iterable[Row],
    questions: Mapping[str, str],
    overlap: Callable[[str], Sequence[str]] = lambda question: (),
) -> dict[str, tuple[str, ...]]:
    """The marks of every sample.

    Args:
        samples: sample rows with their latest verdicts, in any order; of their columns `id`, `problem_id`, `verdict`,
            `forged`, `program` and `completion` are read.
        questions: problem id to question.
        overlap: names of the evaluation sets that a question overlaps with; asked once for each problem.

    Returns:
        Sample id to marks, in the order of `MARKS`. Only samples with the verdict `ok` are looked at for more than
        contamination. Of several samples with one program the first by id that is not forged has no mark `duplicate`.
    """
    rows = sorted(samples, key=lambda row: (bool(row["forged"]), str(row["id"])))
    sets = {id: tuple(overlap(questions[id])) for id in dict.fromkeys(row["problem_id"] for row in rows)}
    seen: set[tuple[str, str]] = set()
    marks = {}
    for row in rows:
        found = [f"contaminated:{name}" for name in sets[row["problem_id"]]]
        if row["verdict"] == "ok":
            key = (row["problem_id"], identity(row["program"] or row["completion"] or ""))
            found += ["forged"] * bool(row["forged"]) + ["duplicate"] * (key in seen)
            found += shortcuts(row["program"], questions[row["problem_id"]]) if row["program"] else []
            seen.add(key)
        marks[row["id"]] = tuple(sorted(found, key=lambda mark: MARKS.index(kind_of(mark))))
    return marks


def kind_of(mark: str) -> str:
    """The mark without the name of a set: `contaminated` for `contaminated:gsm8k`."""
    return mark.partition(":")[0]
