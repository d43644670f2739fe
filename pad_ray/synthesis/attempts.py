"""Which of several attempts at a request counts, from columns alone: no row is made of millions for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pad_ray.records import Row, schema
from pad_ray.run_folder import ROW_GROUP, Stage


def latest_of(table: Any) -> Any:
    """Of several attempts at a request the last.

    Args:
        table: a `pyarrow.Table` with the columns `rid` and `attempt`.

    Returns:
        The rows that count. Of the same attempt twice (a task that Ray ran again after it had written) the first does.
    """
    import pyarrow.compute as pc

    rids = table["rid"]
    if pc.count_distinct(rids).as_py() == len(rids):  # mostly so, and then nothing is sorted or copied
        return table
    order = pc.sort_indices(table, sort_keys=[("rid", "ascending"), ("attempt", "descending")])  # stable
    ordered = rids.take(order).combine_chunks()
    again = pc.equal(ordered.slice(1), ordered.slice(0, len(ordered) - 1))
    first = [True, *pc.invert(again).to_numpy(zero_copy_only=False)]
    return table.take(order.filter(first))


def sorted_rows(table: Any, by: str, only: Sequence[str]) -> Iterator[Row]:
    """Rows of a `pyarrow.Table`, sorted by a column, a few thousand at a time."""
    import pyarrow.compute as pc

    wanted = table.select(list(only)).combine_chunks()
    order = pc.sort_indices(wanted[by])
    for start in range(0, len(order), ROW_GROUP):
        yield from wanted.take(order.slice(start, ROW_GROUP)).to_pylist()


class RowGroups:
    """The row groups of a stage's files, by the numbers of their rows; each is read when one of its rows is asked for.

    Args:
        stage: its files are listed once, here.
    """

    def __init__(self, stage: Stage) -> None:
        import numpy

        self._schema = schema(stage.record)
        self._groups = list(stage.groups())
        sizes = [group.row_groups[0].num_rows for group in self._groups]
        self._starts = numpy.cumsum([0, *sizes])

    def at(self, places: Any) -> Iterator[Any]:
        """Whole rows as a `pyarrow.Table` for each row group that has some of them.

        Args:
            places: numbers of rows in the order of files, from 0, as a sorted `numpy.ndarray`.
        """
        import numpy

        places = places.astype(numpy.int64)  # unsigned ones less a signed one would be floats
        for number in numpy.unique(self._starts.searchsorted(places, side="right") - 1):
            start, end = self._starts[number], self._starts[number + 1]
            first, last = places.searchsorted([start, end])
            yield self._groups[number].to_table(schema=self._schema).take(places[first:last] - start)


def tables_at(stage: Stage, places: Any) -> Iterator[Any]:
    """`RowGroups.at`, of a stage that is read once."""
    yield from RowGroups(stage).at(places)


def gathered(tables: Iterable[Any], rows: int = ROW_GROUP) -> Iterator[Any]:
    """The same rows in tables of at least so many, but for the last."""
    import pyarrow

    held: list[Any] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= rows:
            yield pyarrow.concat_tables(held)
            held = []
    if held:
        yield pyarrow.concat_tables(held)
