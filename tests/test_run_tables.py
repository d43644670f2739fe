"""A run that is on disk is found by its folders, whatever state it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.errors import DataError, InputError
from pad_ray.run_folder import RunFolder, latest
from pad_ray.run_tables import RunTables, read
from tests.past_run import finish, sample, write_run, wrong


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def folder(runs: Path) -> RunFolder:
    return write_run(runs)


def test_a_run_is_found_by_its_folder_and_by_its_name(folder: RunFolder, runs: Path) -> None:
    assert RunTables.find(str(runs / "small")) == RunTables.find("small", str(runs))


def test_a_folder_that_is_no_run_does_not_hide_a_run_of_its_name(
    folder: RunFolder, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small").mkdir()
    monkeypatch.chdir(tmp_path)
    assert RunTables.find("small").storage.path == folder.storage.path


@pytest.mark.parametrize("name", ["large", "", "small/samples", ".."])
def test_the_runs_that_there_are_are_named(folder: RunFolder, runs: Path, name: str) -> None:
    write_run(runs, "second")
    (runs / "notes").mkdir()
    with pytest.raises(InputError, match=r"there is no run `.*There are: second, small$"):
        RunTables.find(name, str(runs))


def test_looking_for_a_run_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no run `small` in .*Give the folder of a run"):
        RunTables.find("small", str(tmp_path / "runs"))
    assert list(tmp_path.iterdir()) == []


def test_the_stage_that_was_done_last_comes_first_and_unfinished_ones_last(folder: RunFolder, runs: Path) -> None:
    stages = [finish(folder, "samples", [sample("x")], n, done) for n, done in ((1, 20), (2, None), (3, 10))]
    found = [stage.id for stage in RunTables.find("small", str(runs)).places("samples")[0]]
    assert found[:2] == [stages[0].id, stages[2].id]
    assert found[-1] == stages[1].id


def test_an_unfinished_stage_counts_where_there_is_no_other(runs: Path) -> None:
    folder = RunFolder.open(str(runs), "begun")
    finish(folder, "samples", [sample("aaaaaa1")], done=None)
    stage = RunTables.find("begun", str(runs)).newest("samples")
    assert stage is not None
    assert [row["id"] for row in read(stage)] == ["aaaaaa1-0"]


def test_stages_of_evaluations_are_found_but_are_not_the_runs_own(folder: RunFolder, runs: Path) -> None:
    run = RunTables.find("small", str(runs))
    assert [stages[0].name for stages in run.places("samples")] == ["samples", "evaluation/student/samples"]
    assert run.newest("predictions") is None


def test_a_file_that_is_being_written_is_passed_over_until_the_stage_is_done(folder: RunFolder) -> None:
    begun = finish(folder, "samples", [sample("aaaaaa1")], "begun", done=None)
    begun.storage.write_text("torn.parquet", "PAR1")
    assert [row["id"] for row in read(begun)] == ["aaaaaa1-0"]
    done = finish(folder, "samples", [sample("aaaaaa1")], "done")
    done.storage.write_text("torn.parquet", "PAR1")
    with pytest.raises(DataError, match=r"torn\.parquet: the file cannot be read"):
        read(done)


def test_the_last_attempt_counts() -> None:
    rows = [sample("b", attempt=1), wrong("b"), sample("a")]
    assert [row["id"] for row in latest(rows)] == ["a-0", "b-1"]
