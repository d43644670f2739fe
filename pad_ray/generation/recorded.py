"""The teacher `recorded`: completions that somebody bought before, from a JSON Lines file; no model is loaded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pad_ray.errors import DataError
from pad_ray.generation.completion import answered, failed
from pad_ray.jsonl import json_type, read_rows
from pad_ray.records import table

_LARGEST = 2**63 - 1  # of SQLite's numbers


class RecordedTeacher:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out.

    Completions lie in a database of SQLite's that is a file without a name: there may be more than memory holds.

    Args:
        path: JSON Lines with `problem_id` and `completion`; the n-th line of a problem, from 0, answers its sample
            k = n, unless the line has a `k` of its own. A completion of null is a failure of the teacher.

    Raises:
        DataError: no such file, or a line that lacks something.
    """

    def __init__(self, path: str) -> None:
        self._completions = sqlite3.connect("", check_same_thread=False)
        self._completions.execute(
            "CREATE TABLE completions (problem TEXT, k INTEGER, text TEXT, PRIMARY KEY (problem, k)) WITHOUT ROWID"
        )
        self._completions.executemany("INSERT OR REPLACE INTO completions VALUES (?, ?, ?)", read_recorded(Path(path)))

    def __call__(self, batch: Any) -> Any:
        rows = []
        for request in batch.to_pylist():
            text = self._find(request["problem_id"], request["k"])
            rows.append(failed(request, "no recorded completion") if text is None else answered(request, text))
        return table("completion", rows)

    def _find(self, problem: str, k: int) -> str | None:
        asked = "SELECT text FROM completions WHERE problem = ? AND k = ?"
        found = self._completions.execute(asked, (problem, k)).fetchone()
        return found[0] if found else None


def read_recorded(path: Path) -> Iterator[tuple[str, int, str | None]]:
    """Problem, k and completion of each line; the last of several with the same problem and k counts."""
    counts: dict[str, int] = {}
    for problem, told, text in _lines(path):
        k = counts.get(problem, 0) if told is None else told
        counts[problem] = k + 1
        yield problem, k, text


def check_recorded(path: Path) -> None:
    """Reads all of a file, and keeps none of it.

    Raises:
        DataError: no such file, or a line that lacks something.
    """
    for _ in _lines(path):
        pass


def _lines(path: Path) -> Iterator[tuple[str, int | None, str | None]]:
    with closing(read_rows(path)) as rows:
        for row in rows:
            problem, k = row.text("problem_id"), row.fields.get("k")
            if "k" in row.fields and (not isinstance(k, int) or isinstance(k, bool) or not 0 <= k <= _LARGEST):
                raise DataError(
                    f"{row.place}: field `k` is {json_type(k)}", "Give a whole number from 0, or leave it out."
                )
            text = row.fields.get("completion", 0)
            yield problem, k, text if text is None or isinstance(text, str) else row.text("completion")
