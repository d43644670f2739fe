"""Judged samples problem by problem, some thousands at a time, so that they may be more than memory holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pad_ray.records import Row
from pad_ray.run_folder import ROW_GROUP, Stage
from pad_ray.synthesis.attempts import RowGroups, latest_of


def by_problem(samples: Stage, verdicts: Stage, size: int = ROW_GROUP) -> Iterator[list[Row]]:
    """Samples with the verdicts of a stage laid over their first ones.

    Args:
        samples: a stage of sample rows; its ids stay in memory, and nothing else.
        verdicts: a stage of later verdicts.
        size: least number of rows of a batch; the last one may have fewer.

    Yields:
        All rows of some problems, sorted by problem and id.
    """
    told, first, second = _told(samples, verdicts), RowGroups(samples), RowGroups(verdicts)
    start = 0
    for end in _ends(told["problem_id"], size):
        part = told.slice(start, end - start)
        laid = {row["id"]: row for row in _rows(second, part["later"].drop_null())}
        rows = [{**row, **laid.get(row["id"], {})} for row in _rows(first, part["place"])]
        yield sorted(rows, key=_in_order)
        start = end


def _told(samples: Stage, verdicts: Stage) -> Any:
    """Problem ids in order; of each sample that counts its place in the files, and that of a later verdict or null."""
    import numpy
    import pyarrow
    import pyarrow.compute as pc

    found = samples.columns(["id", "rid", "attempt", "problem_id"])
    found = latest_of(found.append_column("place", pyarrow.array(numpy.arange(len(found)))))
    found = found.sort_by([("problem_id", "ascending"), ("id", "ascending")])
    later = pc.index_in(found["id"], verdicts.columns(["id"])["id"].combine_chunks())
    return found.select(["problem_id", "place"]).append_column("later", later).combine_chunks()


def _in_order(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["problem_id"], row["id"]


def _rows(groups: RowGroups, places: Any) -> Iterator[Row]:
    import numpy

    for table in groups.at(numpy.sort(places.to_numpy())):
        yield from table.to_pylist()


def _ends(problem_ids: Any, size: int) -> Iterator[int]:
    """Where problems end, at least so many rows apart."""
    import pyarrow.compute as pc

    if not len(problem_ids):
        return
    runs = pc.run_end_encode(problem_ids.combine_chunks()).run_ends.to_numpy()
    end = 0
    while end < runs[-1]:
        end = int(runs[min(runs.searchsorted(end + size), len(runs) - 1)])
        yield end
