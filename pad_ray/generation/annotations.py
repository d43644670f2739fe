"""The teacher `annotations`: what a data set itself holds, in place of a model's answers; no model is loaded.

For recipes of programs these are the problems' own programs, or made from the calculator notes in GSM8K's own
solutions; what other recipes take is in the request already, see `Recipe.given`.
"""

from __future__ import annotations

from typing import Any

from pad_ray.generation.completion import answered, failed
from pad_ray.programs.annotations import HEADER, has_notes, program_of
from pad_ray.recipes import Material, recipe_named
from pad_ray.records import Row, table


class AnnotationsTeacher:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out.

    Args:
        recipe: name of the recipe that reads completions. Of one whose material are programs the prompt of a request
            is a program or a worked solution with notes `<<…>>`, and its completion the program after the header,
            which the recipe puts back. Of another it is the completion.
    """

    def __init__(self, recipe: str = "pad") -> None:
        self._programs = recipe_named(recipe).material is Material.PROGRAM

    def __call__(self, batch: Any) -> Any:
        """`batch` is a `pyarrow.Table` with the columns of a request, one row for each completion."""
        completion = _program if self._programs else _given
        return table("completion", [completion(request) for request in batch.to_pylist()])


def _given(request: Row) -> Row:
    return answered(request, request["prompt"]) if request["prompt"] else failed(request, _NOTHING)


def _program(request: Row) -> Row:
    rationale = request["prompt"] or ""
    program = rationale if rationale.startswith(HEADER) else program_of(rationale)
    if program is not None:
        return answered(request, program.removeprefix(HEADER))
    return failed(request, _UNREADABLE if has_notes(rationale) else _NO_NOTES)


_NO_NOTES = "the rationale has no <<…>> notes"
_UNREADABLE = "a <<…>> note of the rationale is no arithmetic"
_NOTHING = "the data set holds nothing for this problem that the recipe takes"
