"""The teacher `annotations`: programs from the calculator notes in GSM8K's own solutions; no model is loaded."""

from __future__ import annotations

from typing import Any

from pad_ray.generation.completion import answered, failed
from pad_ray.programs.annotations import HEADER, has_notes, program_of
from pad_ray.records import Row, table


class AnnotationsTeacher:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out.

    The prompt of a request is a worked solution with notes `<<…>>`. Its completion is the program after the header,
    which the recipe `pad` puts back.
    """

    def __call__(self, batch: Any) -> Any:
        """`batch` is a `pyarrow.Table` with the columns of a request, one row for each completion."""
        return table("completion", [_completion(request) for request in batch.to_pylist()])


def _completion(request: Row) -> Row:
    rationale = request["prompt"] or ""
    program = program_of(rationale)
    if program is not None:
        return answered(request, program.removeprefix(HEADER))
    return failed(request, _UNREADABLE if has_notes(rationale) else _NO_NOTES)


_NO_NOTES = "the rationale has no <<…>> notes"
_UNREADABLE = "a <<…>> note of the rationale is no arithmetic"
