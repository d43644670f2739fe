"""Overlap of wording: what a leak looks like, and what is none."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from pad_ray.benchmarks import BENCHMARKS, State, benchmark_named, coverage
from pad_ray.contamination import Overlap, check_shown
from pad_ray.errors import ConfigError
from pad_ray.problems import load_problems, read_problems

QUESTION = "Janet’s ducks lay 1,600 eggs per day. She eats three for breakfast every morning and sells the rest."
SHORT = "What is 2 + 2?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, question in (("gsm8k/test.jsonl", QUESTION), ("addsub/test.jsonl", SHORT)):
        (tmp_path / path).parent.mkdir()
        row = {"question": question, "answer": 1}
        (tmp_path / path).write_text(json.dumps(row) + "\n", encoding="utf-8")
    return tmp_path


def test_only_sets_at_hand_are_held_against(folder: Path) -> None:
    assert Overlap(BENCHMARKS, folder).names == ["gsm8k", "addsub"]


def test_case_punctuation_and_thousands_commas_do_not_count(folder: Path) -> None:
    assert Overlap(folder=folder).of(QUESTION.upper().replace("’", "'").replace(",", "").replace(".", "!")) == ["gsm8k"]


def test_ten_words_in_a_row_are_an_overlap_and_nine_are_none(folder: Path) -> None:
    words = QUESTION.split()
    overlap = Overlap(folder=folder)
    assert overlap.of("Once " + " ".join(words[2:12]) + " again") == ["gsm8k"]
    assert overlap.of("Once " + " ".join(words[2:11]) + " again") == []


@pytest.mark.parametrize(("eggs", "found"), [("1600", ["gsm8k"]), ("1700", [])])
def test_another_number_is_another_word(folder: Path, eggs: str, found: list[str]) -> None:
    assert Overlap(folder=folder).of(f"Janet's ducks lay {eggs} eggs per day. She eats three for") == found


def test_a_short_question_overlaps_when_it_is_equal(folder: Path) -> None:
    overlap = Overlap(folder=folder)
    assert overlap.of("what is 2+2") == ["addsub"]
    assert overlap.of("what is 2+2 today") == []


def test_it_is_the_same_in_another_process(folder: Path) -> None:
    assert pickle.loads(pickle.dumps(Overlap(folder=folder))).of(QUESTION) == ["gsm8k"]


def test_gsm_hard_is_found_in_gsm8k(data_folder: Path) -> None:
    if any(coverage(benchmark_named(name), data_folder).state is State.MISSING for name in ("gsm8k", "gsm_hard")):
        pytest.skip("needs gsm8k and gsm_hard")
    overlap = Overlap([benchmark_named("gsm8k")], data_folder)
    hard = read_problems(data_folder / "gsm_hard/test.jsonl")
    unchanged = [problem for problem in hard if problem.meta.get("same_question_as_gsm8k")]
    assert all(overlap.of(problem.question) == ["gsm8k"] for problem in unchanged)
    assert sum(bool(overlap.of(problem.question)) for problem in hard) > 0.98 * len(hard)


def test_training_sets_are_hardly_flagged(data_folder: Path) -> None:
    overlap = Overlap(folder=data_folder)
    gsm8k = read_problems(data_folder / "gsm8k/train.jsonl")
    assert sum(bool(overlap.of(problem.question)) for problem in gsm8k) < 0.005 * len(gsm8k)
    assert not any(overlap.of(problem.question) for problem in load_problems("quickstart")["train"])


def test_worked_examples_are_no_problems_to_be_measured_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    check_shown(["What is 1 plus 2?"], ["What is 1 plus 3?"])
    with pytest.raises(ConfigError, match="worked example 2 is a problem that this run measures on: What is 2"):
        check_shown(["What is 1 plus 2?", "What is 2 plus 2?"], ["what is 2 plus 2"])
    (tmp_path / "svamp").mkdir()
    (tmp_path / "svamp" / "test.jsonl").write_text('{"id": "s", "question": "How many nuts?", "answer": 3}\n')
    with pytest.raises(ConfigError, match="worked example 1 overlaps with the evaluation set svamp"):
        check_shown(["How many nuts?"], [], tmp_path)
