"""Chain of thought: from a teacher or from human solutions, the student learns rationale and answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.extractors import strict
from pad_ray.jsonl import read_rows
from pad_ray.prompts import load_examples
from pad_ray.recipes.base import Held, Lesson
from pad_ray.recipes.cot import Cot

COT = Cot()
HUMAN = "Natalia sold 48/2 = <<48/2=24>>24 clips.\nIn all 48+24 = <<48+24=72>>72.\n#### 72"


def test_a_prompt_shows_rationales_and_then_asks() -> None:
    [example] = load_examples("socratic")[:1]
    assert COT.prompt("Why?", [example]) == (
        f"Question: {example.question}\nAnswer:\nShe plants 5 * 6 = 30 tulips.\nOf these 30 - 4 = 26 tulips bloom.\n"
        "#### 26\n\nQuestion: Why?\nAnswer:"
    )


def test_a_human_solution_is_taught_without_its_calculator_notes() -> None:
    given = COT.given({"rationale": HUMAN}, 72)
    assert given is not None
    assert COT.target(given) == "\nNatalia sold 48/2 = 24 clips.\nIn all 48+24 = 72.\n#### 72\n"


def test_a_rationale_without_an_answer_gets_the_gold_one() -> None:
    assert COT.given({"rationale": "Dogs bark."}, "yes") == "\nDogs bark.\n#### yes\n"


def test_a_problem_without_rationale_gives_nothing() -> None:
    assert COT.given({}, 3) is None


@pytest.mark.parametrize(
    "text",
    [
        "3 + 4 = 7.\n#### 7",
        "3 + 4 = 7. So the answer is 7.",
        "  3 + 4 = 7.\n\n\nTherefore, the final answer is: 7\nQuestion: next",
        "3 + 4 = 7.\n**The answer is 7**",
    ],
)
def test_other_ways_of_ending_are_taught_as_one(text: str) -> None:
    assert COT.target(text).startswith("\n3 + 4 = 7.")
    assert COT.target(text).endswith("\n#### 7\n")


def test_one_sample_is_one_lesson() -> None:
    held = Held(text="3 + 4 = 7.\n#### 7")
    assert COT.lessons("Why?", held) == [Lesson("Question: Why?\nAnswer:", "\n3 + 4 = 7.\n#### 7\n")]


@pytest.mark.parametrize("text", ["So seven.", "#### 7", "\n\n#### 7", "", "The answer is 7."])
def test_a_text_without_rationale_or_answer_is_no_target(text: str) -> None:
    with pytest.raises(ValueError, match="answer"):
        COT.target(text)


def test_the_answer_of_a_target_is_its_last_line() -> None:
    target = COT.target("3 + 4 = 7.\n#### 7")
    assert [target[start:stop] for start, stop in COT.answer_spans(target)] == ["#### 7"]


def test_every_human_solution_of_gsm8k_that_has_words_can_be_taught(data_folder: Path) -> None:
    for row in read_rows(data_folder / "gsm8k/train.jsonl"):
        target = COT.target(COT.given(row.fields, row.fields["answer"]) or "")
        assert strict(target) == row.fields["answer"]
        assert "<<" not in target
