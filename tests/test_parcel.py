"""What is sent along with a job, and what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray import parcel
from pad_ray.config import RunConfig, load_config, parse_config
from pad_ray.errors import ConfigError, InputError
from pad_ray.parcel import check_runs, pack

RUNS = "/shared/runs"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    (tmp_path / "parcel").mkdir()
    return tmp_path


def config(**settings: Any) -> RunConfig:
    return parse_config({"runs": RUNS, **settings})


def sent(here: Path, **settings: Any) -> tuple[list[str], RunConfig]:
    return pack(config(**settings), here / "parcel"), load_config(here / "parcel/run.yaml")


def test_files_that_are_named_come_along_under_their_names(here: Path) -> None:
    (here / "data").mkdir()
    (here / "data/mine.jsonl").write_text("rows")
    files, arrived = sent(here, problems={"train": "data/mine.jsonl"})
    assert files == ["data/mine.jsonl"]
    assert (here / "parcel" / arrived.problems.train).read_text() == "rows"


@pytest.mark.parametrize("name", ["../outside/mine.jsonl", "{here}/outside/mine.jsonl"])
def test_a_file_from_elsewhere_keeps_the_end_of_its_path(here: Path, name: str) -> None:
    (here / "outside").mkdir()
    (here / "outside/mine.jsonl").write_text("rows")
    (here / "in").mkdir()
    given = name.format(here=here) if "{" in name else str(here / "in" / name)
    _, arrived = sent(here, problems={"train": given})
    assert arrived.problems.train == "outside/mine.jsonl"
    assert (here / "parcel/outside/mine.jsonl").read_text() == "rows"


def test_a_file_of_the_data_folder_comes_along(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "data").mkdir()
    (here / "data/mine.jsonl").write_text("rows")
    monkeypatch.setenv("PAD_RAY_DATA", str(here / "data"))
    assert sent(here, problems={"train": "mine.jsonl"})[0] == ["mine.jsonl"]


def test_what_is_no_file_goes_by_its_name(here: Path) -> None:
    files, arrived = sent(here, problems={"train": "org/name:main", "test": "svamp"})
    assert (files, arrived.problems.test) == ([], "svamp")


def test_of_several_test_sources_the_files_come_along(here: Path) -> None:
    (here / "own.jsonl").write_text("rows")
    files, arrived = sent(here, problems={"test": ["svamp", "own.jsonl"]})
    assert (files, arrived.problems.test) == (["own.jsonl"], ("svamp", "own.jsonl"))


def test_the_settings_arrive_whole(here: Path) -> None:
    settings = {"name": "mine", "samples": {"from": "other"}, "evaluation": {"shots": [0, 8]}}
    assert sent(here, **settings)[1] == config(**settings)


def test_a_key_is_named_and_not_sent(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "secret-of-mine")
    http = {"base_url": "https://host/v1", "api_key_env": "MY_KEY"}
    sent(here, teacher={"kind": "http", "model": "m", "http": http})
    assert "secret-of-mine" not in (here / "parcel/run.yaml").read_text()


def test_a_model_folder_of_this_machine_is_refused(here: Path) -> None:
    (here / "model").mkdir()
    with pytest.raises(ConfigError, match=r"`student\.model: model` is a folder on this machine"):
        sent(here, student={"model": "model"})


def test_files_that_are_too_large_are_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "_MOST_BYTES", 1000)
    (here / "mine.jsonl").write_text(json.dumps("x" * 2000))
    with pytest.raises(InputError, match="too much to send along with a job"):
        sent(here, problems={"train": "mine.jsonl"})


def test_runs_that_would_vanish_with_the_job_are_refused() -> None:
    with pytest.raises(ConfigError, match="`runs: runs` would lie in the job's own copy of its files"):
        check_runs(config(runs="runs"))


@pytest.mark.parametrize("runs", ["/shared/runs", "s3://bucket/runs", "~/runs"])
def test_runs_that_stay_are_fine(runs: str) -> None:
    check_runs(config(runs=runs))
