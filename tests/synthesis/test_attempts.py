"""Which attempt counts is the same told from columns as told from rows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import pyarrow
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.run_folder import RunFolder, latest
from pad_ray.synthesis.attempts import gathered, latest_of, sorted_rows, tables_at

_ATTEMPTS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=30)


def _table(attempts: list[tuple[str, int]]) -> Any:
    rows = [{"id": f"{rid}-{attempt}", "rid": rid, "attempt": attempt} for rid, attempt in attempts]
    schema = pyarrow.schema([("id", pyarrow.string()), ("rid", pyarrow.string()), ("attempt", pyarrow.int32())])
    return pyarrow.Table.from_pylist(rows, schema=schema)


@given(_ATTEMPTS)
def test_the_latest_by_columns_are_the_latest_by_rows(attempts: list[tuple[str, int]]) -> None:
    found = _table(attempts)
    assert list(sorted_rows(latest_of(found), "id", found.column_names)) == latest(found.to_pylist())


def test_sorted_rows_are_all_rows_in_order() -> None:
    ids = [f"{number:05d}" for number in numpy.random.default_rng(0).permutation(10_000)]
    found = pyarrow.table({"id": ids, "of": ids})
    assert [row["of"] for row in sorted_rows(found, "id", ["id", "of"])] == sorted(ids)


def test_rows_are_found_by_their_places_over_row_groups_and_files(tmp_path: Path) -> None:
    stage = RunFolder.open(str(tmp_path), "run").stage("requests", [], record="request")
    stage.write_rows({"id": f"{number}", "rid": f"{number}"} for number in range(10_000))
    stage.storage.write_parquet("more.parquet", stage.columns(["id", "rid"]).slice(0, 1))  # sorts before rows.parquet
    assert len(list(stage.groups())) == 4
    places = numpy.array([0, 1, 4096, 4097, 10_000], dtype=numpy.uint64)  # as Arrow counts
    found = [row["id"] for rows in tables_at(stage, places) for row in rows.to_pylist()]
    assert found == ["0", "0", "4095", "4096", "9999"]


@given(st.lists(st.integers(1, 7), max_size=12))
def test_gathered_tables_hold_all_rows_in_order(sizes: list[int]) -> None:
    values = list(range(sum(sizes)))
    ends = numpy.cumsum([0, *sizes]).tolist()
    tables = [pyarrow.table({"n": values[start:end]}) for start, end in pairwise(ends)]
    gathering = list(gathered(tables, rows=5))
    assert [n for table in gathering for n in table["n"].to_pylist()] == values
    assert all(len(table) >= 5 for table in gathering[:-1])
