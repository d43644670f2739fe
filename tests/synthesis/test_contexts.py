"""Which worked examples a prompt shows."""

from __future__ import annotations

import pytest

from pad_ray.errors import ConfigError
from pad_ray.prompts import WorkedExample, load_examples
from pad_ray.synthesis.contexts import Contexts

EXAMPLES = load_examples("arithmetic")


def test_sets_rotate_over_the_samples_of_a_question() -> None:
    contexts = Contexts(EXAMPLES, 4)
    assert [contexts.of("any", k)[0].set for k in range(9)] == [1, 2, 3, 4, 5, 6, 7, 8, 1]


def test_a_set_of_four_is_shown_whole_and_in_its_order() -> None:
    assert Contexts(EXAMPLES, 4).of("any", 1) == [example for example in EXAMPLES if example.set == 2]


@pytest.mark.parametrize("choice", ["sets", "nearest"])
def test_no_shots_show_nothing(choice: str) -> None:
    assert Contexts(EXAMPLES, 0, choice).of("any") == []  # type: ignore[arg-type]


def test_nearest_finds_the_same_story_with_other_numbers() -> None:
    example = EXAMPLES[5]
    question = example.question.replace("2", "9").replace("4", "7")
    assert Contexts(EXAMPLES, 2, "nearest").of(question)[-1] == example


def test_nearest_is_the_same_for_every_sample() -> None:
    contexts = Contexts(EXAMPLES, 3, "nearest")
    assert contexts.of("How many apples are left?", 0) == contexts.of("How many apples are left?", 5)


def test_nearest_of_words_never_seen_is_the_first_examples() -> None:
    examples = [WorkedExample(1, f"word{n}", "def solution():\n    return 1") for n in "abc"]
    assert [e.question for e in Contexts(examples, 2, "nearest").of("zzz")] == ["wordb", "worda"]


def test_more_shots_than_examples_are_refused() -> None:
    with pytest.raises(ConfigError, match="33 worked examples"):
        Contexts(EXAMPLES, 33)
