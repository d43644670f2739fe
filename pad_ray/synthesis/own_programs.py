"""A student's own right programs, of which those that are new join what it learns from."""

from __future__ import annotations

from collections.abc import Iterable

from pad_ray.programs.duplicates import identity
from pad_ray.records import Row


def new_programs(samples: Iterable[Row], known: Iterable[Row]) -> list[Row]:
    """Right programs that are not known for their problem, and differ from one another by more than names and layout.

    Args:
        samples: a student's sample rows for training problems, with their latest verdicts.
        known: sample rows of the teacher, and of the student in earlier rounds.

    Returns:
        Sample rows sorted by id. Of several that are the same program the first by id; none that may have forged its
        value.
    """
    seen = {_key(row) for row in known if row["verdict"] == "ok"}
    found = []
    for row in sorted(samples, key=lambda row: str(row["id"])):
        if row["verdict"] == "ok" and not row["forged"] and _key(row) not in seen:
            seen.add(_key(row))
            found.append(row)
    return found


def _key(row: Row) -> tuple[str, str]:
    return row["problem_id"], identity(row["program"] or row["completion"] or "")
