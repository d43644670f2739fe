"""A table of rows is the sequence of rows that it was made of."""

from __future__ import annotations

import pytest

from pad_ray.records import Row, columns
from pad_ray.row_table import RowTable

ROWS: list[Row] = [
    {**dict.fromkeys(columns("problem"), "é"), "id": f"p{number}", "split": "train" if number % 3 else "test"}
    for number in range(10_000)
]


@pytest.fixture(scope="module")
def rows() -> RowTable:
    return RowTable("problem", iter(ROWS))


def test_all_rows_come_in_order(rows: RowTable) -> None:
    assert list(rows) == ROWS
    assert len(rows) == len(ROWS)


@pytest.mark.parametrize("place", [0, 4095, 4096, -1])
def test_a_row_is_found_by_its_place(rows: RowTable, place: int) -> None:
    assert rows[place] == ROWS[place]


@pytest.mark.parametrize("place", [slice(4000, 4200), slice(9990, None), slice(3, 3), slice(10, 2, -3), slice(20_000)])
def test_a_slice_is_the_list_of_its_rows(rows: RowTable, place: slice) -> None:
    assert rows[place] == ROWS[place]


def test_a_place_beyond_the_end_is_none(rows: RowTable) -> None:
    with pytest.raises(IndexError):
        rows[10_000]


def test_rows_are_chosen_by_a_value(rows: RowTable) -> None:
    assert list(rows.having("split", "test")) == [row for row in ROWS if row["split"] == "test"]


def test_of_no_rows_there_is_an_empty_table() -> None:
    assert list(RowTable("problem", [])) == []
