"""Files of a run: whole or not there, and a clear word when they cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pad_ray.errors import InputError
from pad_ray.records import columns, schema, table
from pad_ray.storage import Storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.open(str(tmp_path / "run"))


@pytest.fixture
def no_folder(tmp_path: Path) -> str:
    """A path that no user, root included, can make: below a regular file."""
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file" / "runs")


def test_text_comes_back(storage: Storage) -> None:
    storage.write_text("a.json", "é\r\n")
    assert storage.read_text("a.json") == "é\r\n"
    assert storage.names() == ["a.json"]


def test_what_is_not_there_is_none(storage: Storage) -> None:
    assert storage.read_text("a.json") is None
    assert storage.names() == []
    assert storage.parquet(schema("example")) is None


def test_text_is_replaced_whole(storage: Storage) -> None:
    storage.write_text("a.json", "a long text")
    storage.write_text("a.json", "short")
    assert storage.read_text("a.json") == "short"


def test_a_write_that_fails_leaves_the_old_text(storage: Storage) -> None:
    storage.write_text("a.json", "old")
    os.symlink("/dev/full", Path(storage.path, f"a.json.part{os.getpid()}"))
    with pytest.raises(InputError, match=r"the disk is full: .*a\.json\. Free some space"):
        storage.write_text("a.json", "new")
    assert storage.read_text("a.json") == "old"


def test_a_full_disk_is_named_for_tables_too(storage: Storage) -> None:
    storage.make()
    os.symlink("/dev/full", Path(storage.path, f"rows.parquet.part{os.getpid()}"))
    with pytest.raises(InputError, match="the disk is full"):
        storage.write_parquet("rows.parquet", table("example", [{"id": "a"}]))


def test_a_folder_that_cannot_be_made_is_named(no_folder: str) -> None:
    with pytest.raises(InputError, match=r"cannot write to .*/file/runs: Not a directory\. Choose another"):
        Storage.open(no_folder).make()


def test_a_file_that_cannot_be_read_is_named(no_folder: str) -> None:
    with pytest.raises(InputError, match=r"cannot read .*/runs/a\.json: Not a directory"):
        Storage.open(no_folder).read_text("a.json")


@pytest.mark.parametrize("uri", ["nowhere://bucket/runs", "://", "s3:///", "file://elsewhere/runs"])
def test_an_address_of_no_file_system_is_refused(uri: str) -> None:
    with pytest.raises(InputError, match="is no place to keep runs: ") as caught:
        Storage.open(uri)
    assert "\n" not in str(caught.value)


def test_clear_makes_an_empty_folder(storage: Storage) -> None:
    storage.clear()
    (storage / "deep" / "er").write_text("a", "")
    storage.clear()
    assert list(Path(storage.path).iterdir()) == []


def test_a_local_path_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert Storage.open("runs").uri == str(tmp_path / "runs")
    assert Storage.open("~/runs").uri == str(tmp_path / "me" / "runs")


def test_an_address_is_spelt_as_it_was_given(tmp_path: Path) -> None:
    storage = Storage.open(f"file://{tmp_path}") / "small" / "events"
    assert storage.uri == f"file://{tmp_path}/small/events"
    storage.write_text("a", "b")
    assert (tmp_path / "small" / "events" / "a").read_text() == "b"


def test_the_tables_of_a_folder_are_read_as_one(storage: Storage) -> None:
    for name in ("b", "a"):
        storage.write_parquet(f"{name}.parquet", table("example", [{"id": name, "prompt": "p"}]))
    storage.write_text("done.json", "{}")
    rows = storage.parquet(schema("example"))
    assert rows is not None
    assert rows.to_table(["id", "target"]).to_pylist() == [{"id": "a", "target": None}, {"id": "b", "target": None}]


def test_a_table_is_read_with_the_columns_asked_for(storage: Storage) -> None:
    storage.write_parquet("a.parquet", table("example", [{"id": "a"}]))
    rows = storage.parquet(schema("example"))
    assert rows is not None
    assert rows.to_table(columns("example")).column_names == columns("example")
