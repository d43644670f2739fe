"""The teacher `recorded`: completions that somebody bought before, from a JSON Lines file; no model is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pad_ray.errors import DataError
from pad_ray.generation.completion import answered, failed
from pad_ray.jsonl import json_type, read_rows
from pad_ray.records import table


class RecordedTeacher:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out.

    Args:
        path: JSON Lines with `problem_id` and `completion`; the n-th line of a problem, from 0, answers its sample
            k = n, unless the line has a `k` of its own. A completion of null is a failure of the teacher.

    Raises:
        DataError: no such file, or a line that lacks something.
    """

    def __init__(self, path: str) -> None:
        self._completions = read_recorded(Path(path))

    def __call__(self, batch: Any) -> Any:
        rows = []
        for request in batch.to_pylist():
            text = self._completions.get((request["problem_id"], request["k"]))
            rows.append(failed(request, "no recorded completion") if text is None else answered(request, text))
        return table("completion", rows)


def read_recorded(path: Path) -> dict[tuple[str, int], str | None]:
    """Completions by problem and k."""
    completions: dict[tuple[str, int], str | None] = {}
    counts: dict[str, int] = {}
    for row in list(read_rows(path)):
        problem = row.text("problem_id")
        k = row.fields.get("k", counts.get(problem, 0))
        if not isinstance(k, int) or isinstance(k, bool) or k < 0:
            raise DataError(f"{row.place}: field `k` is {json_type(k)}", "Give a whole number from 0, or leave it out.")
        counts[problem] = k + 1
        text = row.fields.get("completion", 0)
        completions[problem, k] = text if text is None or isinstance(text, str) else row.text("completion")
    return completions
