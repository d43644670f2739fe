"""The paper's own worked examples: which questions, programs that hold, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.benchmarks import load_benchmark
from pad_ray.errors import DataError
from pad_ray.prompts import REPLAY, contaminates, load_examples
from pad_ray.verification import Verdict, Verifier


@pytest.fixture
def data(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAD_RAY_DATA", str(data_folder))
    return data_folder


def test_they_are_the_first_test_questions_in_eight_sets_of_four(data: Path) -> None:
    examples = load_examples("paper-replay")
    assert [example.question for example in examples] == [p.question for p in load_benchmark("gsm8k")[:32]]
    assert [example.set for example in examples] == [n // 4 + 1 for n in range(32)]


def test_every_program_gives_the_answer(data: Path) -> None:
    examples = load_examples("paper-replay")
    with Verifier() as verifier:
        judged = verifier.judge([e.program for e in examples], [e.answer for e in examples])
    assert {judgement.verdict for judgement in judged} == {Verdict.OK}


def test_they_are_said_to_contaminate_and_others_are_not() -> None:
    assert "contaminated" in (contaminates(REPLAY) or "")
    assert contaminates("arithmetic") is None


def test_without_a_data_folder_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    with pytest.raises(DataError, match="PAD_RAY_DATA"):
        load_examples("paper-replay")


def test_a_part_of_the_test_set_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k/test.jsonl").write_text('{"question": "Why?", "rationale": "<<1+1=2>>"}\n')
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path))
    with pytest.raises(DataError, match="1 rows, and worked examples `paper-replay` are the first 32"):
        load_examples("paper-replay")
