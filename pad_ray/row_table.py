"""Rows in the memory that an Arrow table takes, a quarter of what as many dictionaries do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, overload

from pad_ray.records import Row, schema, table

_BATCH = 4096


class RowTable(Sequence[Row]):
    """A sequence of rows of a record, each made when it is asked for.

    Args:
        record: name of the record.
        rows: taken as they come.
    """

    def __init__(self, record: str, rows: Iterable[Row]) -> None:
        import pyarrow

        coming = iter(rows)
        batches = [table(record, batch) for batch in iter(lambda: list(islice(coming, _BATCH)), [])]
        self._table: Any = pyarrow.concat_tables(batches or [schema(record).empty_table()])

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Row]:
        for batch in self._table.to_batches(_BATCH):
            yield from batch.to_pylist()

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        places = range(len(self))[place]
        if isinstance(places, int):
            [row] = self._table.slice(places, 1).to_pylist()
            return dict(row)
        if places.step != 1:
            return [self[one] for one in places]
        return list(self._table.slice(places.start, len(places)).to_pylist())

    def having(self, column: str, value: str) -> RowTable:
        """The rows with this value in a column, in the same order."""
        import pyarrow.compute as pc

        found = RowTable.__new__(RowTable)
        found._table = self._table.filter(pc.equal(self._table[column], value))
        return found
