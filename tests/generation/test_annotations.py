"""The teacher `annotations`: completions that a recipe reads, failures as rows."""

from __future__ import annotations

from typing import Any

import pyarrow
import pytest

from pad_ray.generation.annotations import AnnotationsTeacher
from pad_ray.generation.vllm import REQUEST_COLUMNS
from pad_ray.programs.annotations import program_of
from pad_ray.recipes.pad import Pad
from pad_ray.records import schema

SOLVED = "Half is <<48/2=24>>24, and together <<48+24=72>>72.\n#### 72"


def _answered(*rationales: str) -> Any:
    rows = [
        {**dict.fromkeys(REQUEST_COLUMNS, "-"), "id": f"r{n}", "prompt": text, "attempt": 0, "k": n}
        for n, text in enumerate(rationales)
    ]
    return AnnotationsTeacher()(pyarrow.Table.from_pylist(rows))


def test_the_recipe_reads_the_program_out_of_the_completion() -> None:
    [row] = _answered(SOLVED).to_pylist()
    assert Pad().solution(row["completion"]) == program_of(SOLVED)
    assert (row["finish_reason"], row["teacher_error"], row["cost"]) == ("stop", None, 0.0)


def test_a_program_in_place_of_a_rationale_is_read_back_as_it_is() -> None:
    program = "def solution():\n    # <<2+2=4>>\n    return 'yes'\n"
    [row] = _answered(program).to_pylist()
    assert Pad().solution(row["completion"]) == program


def test_rows_are_completions_one_for_each_request_in_order() -> None:
    table = _answered(SOLVED, "It is 5.", SOLVED)
    assert table.schema == schema("completion")
    assert table["id"].to_pylist() == ["r0", "r1", "r2"]


@pytest.mark.parametrize(
    ("rationale", "error"),
    [
        ("It is 5.\n#### 5", "the rationale has no <<…>> notes"),
        ("", "the rationale has no <<…>> notes"),
        ("<<3x+5=11>>", "a <<…>> note of the rationale is no arithmetic"),
    ],
)
def test_a_rationale_that_gives_no_program_is_a_failed_row(rationale: str, error: str) -> None:
    [row] = _answered(rationale).to_pylist()
    assert (row["completion"], row["finish_reason"], row["teacher_error"]) == (None, "error", error)
