"""The generated problems: what the splits promise, and that every problem has the answer it claims."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from pad_ray.errors import ConfigError
from pad_ray.word_problems import DEFAULT_SIZES, WordProblem, generate
from pad_ray.word_problems.templates import HELD_OUT, TRAINED


@pytest.fixture(scope="module")
def splits() -> dict[str, list[WordProblem]]:
    return generate(0)


@pytest.fixture(scope="module")
def everything(splits: dict[str, list[WordProblem]]) -> list[WordProblem]:
    return [problem for split in splits.values() for problem in split]


def _run(program: str) -> dict[str, Any]:
    """All the variables of one of our own reference programs."""
    body = program.replace("def solution():\n", "").replace("    ", "").replace("return result\n", "")
    variables: dict[str, Any] = {}
    exec(body, {}, variables)
    return variables


def test_splits_have_the_sizes_asked_for() -> None:
    sizes = {split: len(made) for split, made in generate(1, {"train": 90, "unseen": 7}).items()}
    assert sizes == {"train": 90, "validation": 120, "test": 300, "unseen": 7}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_question_is_asked_twice(seed: int) -> None:
    questions = [p.question for split in generate(seed, {"train": 5_000}).values() for p in split]
    assert len(set(questions)) == len(questions) == 5_570


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_test_problem_is_no_training_problem_under_another_name(seed: int) -> None:
    made = generate(seed, {"train": 5_000})
    kinds = {split: {(p.template, p.numbers) for p in made[split]} for split in made}
    assert not kinds["train"] & kinds["test"]
    assert not kinds["train"] & kinds["validation"]
    assert not kinds["validation"] & kinds["test"]


def test_held_out_templates_are_seen_only_in_unseen(splits: dict[str, list[WordProblem]]) -> None:
    held_out = {t.name for t in HELD_OUT}
    used = {split: {p.template for p in made} for split, made in splits.items()}
    assert used["unseen"] == held_out
    assert not held_out & (used["train"] | used["validation"] | used["test"])


def test_every_trained_template_is_in_every_other_split(splits: dict[str, list[WordProblem]]) -> None:
    trained = {t.name for t in TRAINED}
    assert len(trained) == 24
    assert all({p.template for p in splits[split]} == trained for split in ("train", "validation", "test"))


@pytest.mark.parametrize("split", list(DEFAULT_SIZES))
def test_a_third_of_each_number_of_operations(splits: dict[str, list[WordProblem]], split: str) -> None:
    counts = Counter(p.operations for p in splits[split])
    assert counts == dict.fromkeys((1, 2, 3), DEFAULT_SIZES[split] // 3)


def test_evaluation_splits_do_not_depend_on_the_size_of_train() -> None:
    small, large = generate(5, {"train": 3}), generate(5, {"train": 900})
    assert small["test"] == large["test"]
    assert small["train"] == large["train"][:3]


def test_ids_name_split_and_place(splits: dict[str, list[WordProblem]]) -> None:
    assert [p.id for p in splits["test"][:2]] == ["quickstart-test-0", "quickstart-test-1"]


def test_reference_programs_give_the_answers(everything: list[WordProblem]) -> None:
    wrong = [p.id for p in everything if _run(p.program)["result"] != p.answer]
    assert not wrong


def test_every_quantity_is_a_positive_whole_number(everything: list[WordProblem]) -> None:
    odd = [p.id for p in everything if any(v < 1 or v != int(v) for v in _run(p.program).values())]
    assert not odd


def test_every_number_is_more_than_one_so_that_plurals_fit(everything: list[WordProblem]) -> None:
    assert not [p.id for p in everything if min(*p.numbers, p.answer) < 2]


def test_programs_have_as_many_operations_as_they_say(everything: list[WordProblem]) -> None:
    wrong = [p.id for p in everything if sum(p.program.count(f" {o} ") for o in "+-*/") != p.operations]
    assert not wrong


def test_programs_have_the_form_that_students_learn(splits: dict[str, list[WordProblem]]) -> None:
    first = splits["train"][0].program.splitlines()
    assert first[0] == "def solution():"
    assert first[-1] == "    return result"
    assert first[-2].startswith("    result = ")


def test_questions_are_short(everything: list[WordProblem]) -> None:
    lengths = [len(p.question.split()) for p in everything]
    assert min(lengths) >= 16
    assert max(lengths) <= 45


def test_no_word_is_left_unfilled(everything: list[WordProblem]) -> None:
    assert not [p.id for p in everything if set("{}<") & set(p.question + p.program)]


def test_seeds_differ(splits: dict[str, list[WordProblem]]) -> None:
    assert splits["test"] != generate(1)["test"]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_makes_the_same(splits: dict[str, list[WordProblem]], hash_seed: str) -> None:
    code = "from pad_ray.word_problems import generate; print(generate(0, {'train': 9})['train'])"
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == repr(splits["train"][:9])


def test_the_first_problem_of_seed_0_never_changes(splits: dict[str, list[WordProblem]]) -> None:
    assert splits["test"][0].question == (
        "Maya has 47 buttons. She buys 17 more buttons at the store. How many buttons does Maya have now?"
    )


@pytest.mark.parametrize(
    ("sizes", "names"),
    [
        ({"dev": 3}, "no split `dev`"),
        ({"train": 5_001}, "5001"),
        ({"test": -1}, "-1"),
        ({"test": 5_000, "validation": 5_000}, "Ask for"),
    ],
)
def test_impossible_sizes_are_refused(sizes: dict[str, int], names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        generate(0, sizes)
