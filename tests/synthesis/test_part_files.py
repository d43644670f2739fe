"""Part files are merged before there are many, and no row is lost or doubled for it, whenever a kill comes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.records import table
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.storage import Storage
from pad_ray.synthesis.part_files import Merger, merge_parts
from tests.past_run import sample


@pytest.fixture
def samples(tmp_path: Path) -> Stage:
    return RunFolder.open(str(tmp_path), "small").stage("samples", [], record="sample")


def _write(samples: Stage, *numbers: int) -> None:
    """A file of two rows for each number."""
    for number in numbers:
        rows = [sample(f"{number:03d}{letter}") for letter in "ab"]
        samples.storage.write_parquet(f"{number:03d}.parquet", table("sample", rows))


def _files(samples: Stage) -> list[str]:
    return [name for name in samples.storage.names() if name.endswith(".parquet")]


def test_parts_become_one_file_of_the_same_rows(samples: Stage) -> None:
    _write(samples, *range(5))
    before = samples.read_rows()
    assert merge_parts(samples, most=5) == 5
    assert len(_files(samples)) == 1
    assert samples.count() == 10
    assert samples.read_rows() == before


def test_a_few_parts_are_left_alone(samples: Stage) -> None:
    _write(samples, *range(4))
    assert merge_parts(samples, most=5) == 0
    assert len(_files(samples)) == 4


def test_what_was_merged_is_not_merged_again(samples: Stage) -> None:
    _write(samples, *range(5))
    merge_parts(samples, most=5)
    [first] = _files(samples)
    _write(samples, *range(5, 10))
    merge_parts(samples, most=5)
    assert first in _files(samples)
    assert (len(_files(samples)), samples.count()) == (2, 20)


def test_a_merged_file_is_read_in_few_groups(samples: Stage) -> None:
    _write(samples, *range(50))
    merge_parts(samples, most=50)
    assert [group.row_groups[0].num_rows for group in samples.groups()] == [100]


def test_a_kill_before_the_parts_are_gone_doubles_no_row(samples: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(samples, *range(5))
    before = samples.read_rows()
    remove = Storage.remove
    gone: list[str] = []

    def killed(self: Storage, name: str) -> None:
        if len(gone) == 2:
            raise KeyboardInterrupt
        gone.append(name)
        remove(self, name)

    monkeypatch.setattr(Storage, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        merge_parts(samples, most=5)
    monkeypatch.undo()
    assert samples.count() == 16  # on disk, for now
    assert samples.read_rows() == before
    merge_parts(samples, most=3)
    assert samples.count() == 10
    assert samples.read_rows() == before


def test_a_kill_while_the_merged_file_is_written_loses_no_row(samples: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet

    _write(samples, *range(5))
    before = samples.read_rows()

    def killed(self: parquet.ParquetWriter, *arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(parquet.ParquetWriter, "write_table", killed)
    with pytest.raises(KeyboardInterrupt):
        merge_parts(samples, most=5)
    monkeypatch.undo()
    assert samples.read_rows() == before
    merge_parts(samples, most=5)
    assert (len(_files(samples)), samples.count()) == (1, 10)


def test_parts_are_merged_while_others_are_written(samples: Stage) -> None:
    with Merger(samples, most=4) as merger:
        for number in range(21):
            _write(samples, number)
            merger.added()
    assert samples.count() == 42
    assert len(_files(samples)) < 21


def test_trouble_while_merging_is_told_at_the_end(samples: Stage) -> None:
    samples.storage.write_text("000.parquet", "no table")
    with pytest.raises(Exception, match=r"000\.parquet"), Merger(samples, most=1) as merger:
        merger.added()
