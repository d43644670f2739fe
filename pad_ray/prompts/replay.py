"""The worked examples that PaD's paper shows its teacher. CONTAMINATED: they are GSM8K test questions.

The 8 sets of 4 are the first 32 questions of the GSM8K test set, of which the paper leaves only the first 4 out of the
1,315 that it measures on (arXiv 2305.13888, tables 8 to 15, and the released data): its teacher saw evaluation
questions. They are here to replay the paper. The built-in `arithmetic` holds no question of any benchmark.

The programs are not the paper's: they are made from the calculator notes of the set's own solutions. The questions come
from `gsm8k/test.jsonl` in the data folder, which `PAD_RAY_DATA` names.
"""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from pathlib import Path

from pad_ray.errors import DataError
from pad_ray.jsonl import Row, read_rows
from pad_ray.problem_sources import data_folder
from pad_ray.programs.annotations import program_of
from pad_ray.prompts.worked_example import WorkedExample

NAME = "paper-replay"

_FILE = "gsm8k/test.jsonl"
_COUNT = 32
_SET = 4
# Solutions whose last steps stand in words only.
_MISSING_NOTES = {
    13: "<<12/(2/3)=18>>",
    14: "<<12/20*100=60>>",
    24: "<<100-25=75>> <<19.50/(75/100)=26>>",
    29: "<<99+5=104>>",
}


def replay_examples(folder: str | Path | None = None) -> list[WorkedExample]:
    """The first 32 questions of the GSM8K test set, in sets 1 to 8 of four.

    Args:
        folder: the data folder; by default the one that `PAD_RAY_DATA` names.

    Raises:
        DataError: no data folder, or no whole GSM8K test set in it.
    """
    root = data_folder(folder)
    if root is None:
        raise DataError(f"worked examples `{NAME}` need {_FILE} of the data folder", "Name the folder in PAD_RAY_DATA")
    path = root / _FILE
    with closing(read_rows(path)) as lines:
        rows = list(islice(lines, _COUNT))
    if len(rows) < _COUNT:
        raise DataError(f"{path}: {len(rows)} rows, and worked examples `{NAME}` are the first {_COUNT}", _MEND)
    return [_example(number, row) for number, row in enumerate(rows)]


_MEND = "Give the GSM8K test set, with its solutions as `rationale`"


def contaminates(name: str | Path) -> str | None:
    """The sentence to print where these worked examples spoil a measurement; None where they do not."""
    if str(name) != NAME:
        return None
    return (
        f"Worked examples `{NAME}` are the first {_COUNT} GSM8K test questions, as in the PaD paper: "
        "accuracy on GSM8K and GSM-hard is contaminated; `gsm8k_paper` leaves out only the first four."
    )


def _example(number: int, row: Row) -> WorkedExample:
    program = program_of(row.text("rationale") + _MISSING_NOTES.get(number, ""))
    if program is None:
        raise DataError(f"{row.place}: the solution has no calculator notes that can be read", _MEND)
    return WorkedExample(number // _SET + 1, row.text("question").strip(), program.strip(), row.fields.get("answer"))
