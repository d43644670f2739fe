"""The same figures by a field of the problems: how many operations they take, their level, their kind."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.records import Row
from pad_ray.report.facts import Count

_MOST_VALUES = 12
_PREFERRED = "operations"


@dataclass(frozen=True)
class Group:
    """Problems that share a value of the field.

    Attributes:
        value: as text.
        held: samples of the teacher whose verdict is ok, of all samples.
        solved: training problems with at least one of those, of all that were asked.
        base: problems of the measured splits that base got right.
        student: the same of the student.
    """

    value: str
    held: Count
    solved: Count
    base: Count
    student: Count


@dataclass(frozen=True)
class Grouping:
    """A field and its groups."""

    field: str
    groups: list[Group]


def grouping(
    problems: Sequence[Row], samples: Sequence[Row], base: Sequence[Row], student: Sequence[Row]
) -> Grouping | None:
    """Figures by `operations`, or else by the first field of `meta` with few values.

    Returns:
        None where there is no such field.
    """
    metas = {row["id"]: _meta(row["meta"]) for row in problems}
    field = _field(list(metas.values()))
    if field is None:
        return None
    by_value: defaultdict[Any, set[str]] = defaultdict(set)
    for problem, meta in metas.items():
        by_value[meta[field]].add(problem)
    groups = [_group(str(value), ids, samples, base, student) for value, ids in _in_order(by_value)]
    return Grouping(field, groups)


def _meta(text: str | None) -> dict[str, Any]:
    meta = json.loads(text or "{}")
    return meta if isinstance(meta, dict) else {}


def _field(metas: Sequence[dict[str, Any]]) -> str | None:
    fields = sorted(metas[0], key=lambda field: (field != _PREFERRED, field)) if metas else []
    return next((field for field in fields if _has_few_values([meta.get(field) for meta in metas])), None)


def _has_few_values(values: Sequence[Any]) -> bool:
    """A field that tells nearly every problem apart is a name, not a kind."""
    if not all(isinstance(value, int | str) for value in values):
        return False
    return 2 <= len(set(values)) <= min(_MOST_VALUES, len(values) // 2)


def _in_order(by_value: dict[Any, set[str]]) -> list[tuple[Any, set[str]]]:
    """Numbers by size, words by the alphabet."""
    return sorted(by_value.items(), key=lambda item: (str(item[0]), 0) if isinstance(item[0], str) else ("", item[0]))


def _group(value: str, ids: set[str], samples: Sequence[Row], base: Sequence[Row], student: Sequence[Row]) -> Group:
    mine = [row for row in samples if row["problem_id"] in ids]
    solved = {row["problem_id"] for row in mine if row["verdict"] == "ok"}
    asked = {row["problem_id"] for row in mine}
    return Group(
        value,
        _right("samples", mine),
        Count("problems", len(solved), len(asked)),
        _right("base", [row for row in base if row["problem_id"] in ids]),
        _right("student", [row for row in student if row["problem_id"] in ids]),
    )


def _right(name: str, rows: Sequence[Row]) -> Count:
    return Count(name, sum(row["verdict"] == "ok" for row in rows), len(rows))
