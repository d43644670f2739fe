"""Examples of other things, mixed into what is learnt: a seeded choice, never of an evaluation set."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.config import parse_config
from pad_ray.errors import ConfigError, DataError
from pad_ray.pipeline import Pipeline
from pad_ray.recipes import recipe_named
from pad_ray.records import Row
from pad_ray.run_folder import RunFolder
from pad_ray.training.replay import LESSON, read_replay, replay_digest, replay_rows
from pad_ray.training.settings import ReplayConfig, TrainingConfig
from pad_ray.training.trainer import read_lesson
from tests.past_run import finish
from tests.training.tiny import example_rows, make_student


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)


def _file(folder: Path, count: int = 10, **last: Any) -> ReplayConfig:
    lines = [{"prompt": f"Say {place}.", "completion": f" It is {place}."} for place in range(count)]
    path = folder / "replay.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, *([last] if last else [])]))
    return ReplayConfig(file=str(path), ratio=0.5)


def _rows(settings: ReplayConfig, learnt: int, longest: int = 100, data: str | None = None) -> list[Row]:
    return replay_rows(settings, learnt, lambda row: len(row["prompt"] + row["target"]) <= longest, data)


def test_the_ratio_is_of_what_is_taught(tmp_path: Path) -> None:
    assert len(_rows(_file(tmp_path), 8)) == 4


def test_a_short_file_is_replayed_once(tmp_path: Path) -> None:
    assert len(_rows(_file(tmp_path, 3), 100)) == 3


def test_a_larger_ratio_holds_the_smaller_choice(tmp_path: Path) -> None:
    settings = _file(tmp_path)
    few, many = ({row["id"] for row in _rows(settings, learnt)} for learnt in (4, 12))
    assert few < many


def test_of_a_plain_text_the_first_word_is_read(tmp_path: Path) -> None:
    [one] = read_replay(_file(tmp_path, 0, text="Ann has nuts."))
    assert (one.prompt, one.target) == ("Ann", " has nuts.")


def test_what_has_no_room_takes_no_place(tmp_path: Path) -> None:
    settings = _file(tmp_path, 2, prompt="Say it.", completion="x" * 200)
    assert len(_rows(settings, 6)) == 2


def test_a_file_of_which_nothing_can_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none of the 2 examples"):
        _rows(_file(tmp_path, 2), 4, longest=3)


def test_questions_of_evaluation_sets_are_left_out(tmp_path: Path) -> None:
    question = "If you follow these instructions do you return to the starting point at the end of the day"
    (tmp_path / "bbh").mkdir()
    line = {"id": "n", "question": question, "answer": "No"}
    (tmp_path / "bbh" / "navigate.jsonl").write_text(json.dumps(line) + "\n")
    settings = _file(tmp_path, 1, prompt=f"Q: {question}?", completion=" No")
    assert [row["prompt"] for row in _rows(settings, 8, longest=1000, data=str(tmp_path))] == ["Say 0."]


def test_an_evaluation_set_is_no_replay(tmp_path: Path) -> None:
    (tmp_path / "bbh").mkdir()
    path = tmp_path / "bbh" / "navigate.jsonl"
    path.write_text('{"id": "n", "prompt": "?", "completion": "No"}\n')
    with pytest.raises(ConfigError, match="the evaluation set bbh_navigate"):
        read_replay(ReplayConfig(file=str(path)), str(tmp_path))


def test_a_line_without_its_fields_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1: field `prompt` is missing"):
        read_replay(_file(tmp_path, 0, question="?"))


def test_the_digest_is_of_the_content_not_the_place(tmp_path: Path) -> None:
    first = _file(tmp_path)
    (tmp_path / "copy").mkdir()
    second = _file(tmp_path / "copy")
    third = _file(tmp_path / "copy", 11)
    assert replay_digest(first) == replay_digest(second.model_copy(update={"file": first.file}))
    assert replay_digest(first) != replay_digest(third)


def test_without_replay_the_settings_define_what_they_defined() -> None:
    assert "replay" not in TrainingConfig().identity


def test_replay_joins_what_a_student_learns(tmp_path: Path) -> None:
    folder = RunFolder.open(str(tmp_path), "small")
    empty = {"task": None, "weight": None, "why_not": None, "lesson": None, "broken_id": None}
    stage = finish(folder, "examples", [{**row, **empty} for row in example_rows(4)])
    training = TrainingConfig(replay=_file(tmp_path))
    student = make_student("llama", tmp_path / "student")
    lesson = read_lesson(stage, student, training, recipe_named("pad"))
    assert [row["lesson"] for row in lesson.rows].count(LESSON) == 2
    assert len(lesson.examples) == 6


def test_a_file_that_is_not_there_is_told_before_any_work() -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl"):
        Pipeline(parse_config({"training": {"replay": {"file": "nowhere.jsonl"}}}))
