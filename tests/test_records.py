"""Records keep their types through Parquet, and content hashes name content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pad_ray.records import columns, content_hash, file_hash, list_hash, schema, table
from pad_ray.storage import Storage

RECORDS = ["problem", "request", "completion", "sample", "verdict", "example", "prediction"]


def _through_parquet(folder: Path, record: str, *batches: list[dict[str, Any]]) -> Any:
    storage = Storage.open(str(folder))
    for number, rows in enumerate(batches):
        storage.write_parquet(f"{number}.parquet", table(record, rows))
    found = storage.parquet(schema(record))
    assert found
    return found.to_table(columns(record))


@pytest.mark.parametrize("record", RECORDS)
def test_a_file_of_nulls_keeps_its_types(tmp_path: Path, record: str) -> None:
    from pyarrow import parquet

    found = _through_parquet(tmp_path, record, [{}, {}])
    assert found.schema.equals(schema(record))
    assert parquet.read_schema(tmp_path / "0.parquet").equals(schema(record))
    assert found.to_pylist() == [dict.fromkeys(columns(record))] * 2


@pytest.mark.parametrize("record", RECORDS)
def test_a_table_without_rows_keeps_its_types(tmp_path: Path, record: str) -> None:
    found = _through_parquet(tmp_path, record, [])
    assert found.schema.equals(schema(record))
    assert found.num_rows == 0


def test_integers_stay_integers_beside_nulls(tmp_path: Path) -> None:
    found = _through_parquet(tmp_path, "sample", [{"line": None}], [{"line": 3}, {"line": None}])
    assert [row["line"] for row in found.to_pylist()] == [None, 3, None]
    assert type(found.to_pylist()[1]["line"]) is int


def test_a_row_comes_back_as_it_went(tmp_path: Path) -> None:
    row = {"id": "a-0", "k": 2, "forged": True, "cpu_seconds": 0.1, "completion": "é\n\0", "gold": 'str:"1"'}
    [back] = _through_parquet(tmp_path, "sample", [row]).to_pylist()
    assert {**dict.fromkeys(columns("sample")), **row} == back


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="a sample has no column tokens"):
        table("sample", [{"id": "a"}, {"id": "b", "tokens": 3}])


def test_a_prediction_holds_all_of_its_sample() -> None:
    assert set(columns("sample")) < set(columns("prediction"))


def test_a_hash_is_the_same_on_every_machine() -> None:
    assert content_hash("q1", {"b": 1.5, "a": [1, None, "é"]}) == "50e8192c85c1d247"


def test_a_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a",), ("a", "")),
        ((["a"], "b"), ("a", ["b"])),
        ((1,), ("1",)),
        ((None,), ("null",)),
    ],
)
def test_different_parts_have_different_hashes(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert content_hash(*one) != content_hash(*other)


def test_a_hash_is_as_long_as_asked() -> None:
    assert len(content_hash("a", length=20)) == 20
    assert content_hash("a", length=20).startswith(content_hash("a", length=7))


@pytest.mark.parametrize("items", [[], ["a"], [("é", 1), ("b", None)], [{"b": 2, "a": [1.5]}, "c"]])
def test_a_list_has_the_same_hash_as_it_comes(items: list[Any]) -> None:
    assert list_hash(iter(items)) == content_hash(items)


@pytest.mark.parametrize("text", ["", 'a "quoted" \\ é\n', "line\r\nline\rline", "é\r\n" * 600_000])
def test_a_file_has_the_hash_of_its_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_bytes(text.encode())
    assert file_hash(tmp_path / "file") == content_hash((tmp_path / "file").read_text(encoding="utf-8"))
