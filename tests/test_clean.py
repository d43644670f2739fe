"""What of a run can go, and what never does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pad_ray.clean import BY_DEFAULT, Kind, find_waste, remove, size_text
from pad_ray.errors import InputError
from pad_ray.run_folder import STAGES, RunFolder, Stage
from pad_ray.run_tables import stage_places
from pad_ray.saved_run import SavedRun
from tests.past_run import finish, sample, write_run


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run whose stages are noted, with a stage of settings of before beside some."""
    folder = write_run(tmp_path)
    used = [f"{place}/{id}" for place in stage_places(folder.storage) for id in (folder.storage / place).folders()]
    folder.storage.write_text(STAGES, json.dumps(used))
    return folder


def before(folder: RunFolder, name: str) -> Stage:
    return finish(folder, name, [sample("old")] if name == "samples" else [], settings="of before")


def places(folder: RunFolder, *kinds: Kind) -> list[str]:
    return [waste.place for waste in find_waste(SavedRun(folder.storage), kinds or BY_DEFAULT)]


def test_a_run_as_it_is_has_nothing_that_can_go(folder: RunFolder) -> None:
    assert places(folder, *Kind) == []


def test_stages_of_other_settings_can_go(folder: RunFolder) -> None:
    old = before(folder, "examples")
    assert places(folder) == [f"examples/{old.id}"]


def test_what_a_teacher_wrote_goes_only_when_asked(folder: RunFolder) -> None:
    old = before(folder, "samples")
    assert places(folder) == []
    assert places(folder, Kind.SAMPLES) == [f"samples/{old.id}"]


def test_without_a_note_of_what_is_used_no_stage_can_go(folder: RunFolder) -> None:
    before(folder, "examples")
    folder.storage.remove(STAGES)
    assert places(folder, *Kind) == []


def test_a_training_can_go_once_the_student_is_there(folder: RunFolder) -> None:
    (folder.storage / "training").make()
    (folder.storage / "training").write_text("state", "x" * 10)
    assert places(folder) == []
    with folder.working(folder.stage("student", "s", flat=True)):
        pass
    assert places(folder) == ["training"]


def test_empty_folders_are_not_worth_a_word(folder: RunFolder) -> None:
    (folder.storage / "logs").make()
    assert places(folder, Kind.LOGS) == []
    (folder.storage / "logs").write_text("driver.log", "it said this")
    assert places(folder, Kind.LOGS) == ["logs"]


def test_what_is_removed_is_gone_and_nothing_else(folder: RunFolder) -> None:
    old = before(folder, "examples")
    run = SavedRun(folder.storage)
    kept = {name: (folder.storage / name).folders() for name in ("samples", "requests", "problems")}
    waste = find_waste(run)
    assert remove(run, waste) == sum(one.bytes for one in waste) > 0
    assert old.id not in (folder.storage / "examples").folders()
    assert len((folder.storage / "examples").folders()) == 1
    assert {name: (folder.storage / name).folders() for name in kept} == kept


def test_nothing_is_removed_from_a_run_at_work(folder: RunFolder) -> None:
    old = before(folder, "examples")
    run = SavedRun(folder.storage)
    with folder.locked(), pytest.raises(InputError, match="is at work on"):
        remove(run, find_waste(run))
    assert old.id in (folder.storage / "examples").folders()


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (3e13, "30.0 TB")],
)
def test_sizes_are_spelt_for_people(size: float, text: str) -> None:
    assert size_text(size) == text
