"""The generated symbolic problems: what the splits promise, and that programs and chains give the answers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import TypeAlias

import pytest

from pad_ray.errors import ConfigError
from pad_ray.programs.answers import Comparison, Kind, Mode, parse_gold
from pad_ray.programs.shortcuts import shortcuts
from pad_ray.prompts import load_examples
from pad_ray.recipes import recipe_named
from pad_ray.symbolic_problems import TASKS, SymbolicProblem, generate
from pad_ray.symbolic_problems.names import NAMES
from pad_ray.text_verification import TextVerifier
from pad_ray.verification import Verdict, Verifier

Splits: TypeAlias = dict[str, list[SymbolicProblem]]


@pytest.fixture(scope="module", params=sorted(TASKS))
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def splits(task: str) -> Splits:
    return generate(task, 0)


@pytest.fixture(scope="module")
def everything(splits: Splits) -> list[SymbolicProblem]:
    return [problem for split in splits.values() for problem in split]


def _names_in(question: str) -> list[str]:
    return [word for word in re.findall(r"\w+", question) if word in NAMES]


def _by_hand(problem: SymbolicProblem) -> str:
    """The answer out of the question's text alone."""
    if " flip" not in problem.question:
        return "".join(name[-1] for name in _names_in(problem.question))
    return "no" if problem.question.count(" flips ") % 2 else "yes"


def test_train_and_test_have_the_sizes_of_the_literature(splits: Splits) -> None:
    assert {split: len(made) for split, made in splits.items()} == {
        "train": 350,
        "validation": 50,
        "test": 150,
        "unseen": 100,
    }


def test_splits_have_the_sizes_asked_for(task: str) -> None:
    sizes = {split: len(made) for split, made in generate(task, 1, {"train": 7, "unseen": 0}).items()}
    assert sizes == {"train": 7, "validation": 50, "test": 150, "unseen": 0}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_question_is_asked_twice_in_a_split_or_in_two(task: str, seed: int) -> None:
    questions = [p.question for split in generate(task, seed, {"train": 5_000}).values() for p in split]
    assert len(set(questions)) == len(questions) == 5_300


def test_the_answer_is_that_of_the_question(everything: list[SymbolicProblem]) -> None:
    assert not [p.id for p in everything if p.answer != _by_hand(p)]


@pytest.mark.parametrize("mode", [Mode.TOLERANCE, Mode.STRING])
def test_every_program_runs_in_the_sandbox_to_the_answer(everything: list[SymbolicProblem], mode: Mode) -> None:
    with Verifier(Comparison(mode)) as verifier:
        judged = verifier.judge([p.program for p in everything], [p.answer for p in everything])
    assert {one.verdict for one in judged} == {Verdict.OK}


@pytest.mark.parametrize("extractor", ["strict", "flexible"])
def test_the_answer_is_extracted_from_every_rationale(everything: list[SymbolicProblem], extractor: str) -> None:
    verifier = TextVerifier(extractor=extractor)
    judged = verifier.judge([p.rationale for p in everything], [p.answer for p in everything])
    assert {one.verdict for one in judged} == {Verdict.OK}


def test_another_answer_is_judged_wrong(splits: Splits) -> None:
    problems = splits["test"]
    others = [next(q for q in problems if q.answer != p.answer) for p in problems]
    golds = [p.answer for p in problems]
    with Verifier() as verifier:
        judged = verifier.judge([other.program for other in others], golds)
    judged += TextVerifier().judge([other.rationale for other in others], golds)
    assert {one.verdict for one in judged} == {Verdict.WRONG_ANSWER}


def test_answers_are_of_one_kind(task: str, everything: list[SymbolicProblem]) -> None:
    kinds = {parse_gold(p.answer).kind for p in everything}
    assert kinds == ({Kind.TRUTH} if task == "coin_flip" else {Kind.TEXT})


def test_no_program_is_a_shortcut(everything: list[SymbolicProblem]) -> None:
    assert not [p.id for p in everything if shortcuts(p.program, p.question)]


def test_a_program_copies_the_names_as_they_stand_in_the_question(everything: list[SymbolicProblem]) -> None:
    assert all(_names_in(p.program) == _names_in(p.question) for p in everything)


def test_a_chain_has_a_step_for_each_name_and_ends_in_the_answer(everything: list[SymbolicProblem]) -> None:
    for problem in everything:
        *steps, last = problem.rationale.splitlines()
        assert (len(steps), last) == (problem.names + 1, f"#### {problem.answer}")


def test_only_unseen_problems_have_more_than_four_names(splits: Splits) -> None:
    lengths = {split: {len(_names_in(p.question)) for p in made} for split, made in splits.items()}
    assert lengths == {"train": {4}, "validation": {4}, "test": {4}, "unseen": {5, 6}}
    assert all(p.names == len(_names_in(p.question)) for made in splits.values() for p in made)


def test_nobody_comes_twice_in_a_question(everything: list[SymbolicProblem]) -> None:
    assert all(len(set(_names_in(p.question))) == p.names for p in everything)


def test_yes_and_no_are_about_as_frequent() -> None:
    counts = Counter(p.answer for p in generate("coin_flip", 0, {"train": 5_000})["train"])
    assert min(counts["yes"], counts["no"]) > 2_400


def test_evaluation_splits_do_not_depend_on_the_size_of_train(task: str) -> None:
    small, large = generate(task, 5, {"train": 3}), generate(task, 5, {"train": 900})
    assert small["test"] == large["test"]
    assert small["train"] == large["train"][:3]


def test_seeds_differ(task: str, splits: Splits) -> None:
    assert splits["test"] != generate(task, 1)["test"]


def test_another_process_makes_the_same(task: str, splits: Splits) -> None:
    code = f"from pad_ray.symbolic_problems import generate; print(generate({task!r}, 0)['train'][:9])"
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == repr(splits["train"][:9])


def test_the_first_problems_of_seed_0_never_change() -> None:
    first = {task: generate(task, 0, {"train": 1})["train"][0] for task in TASKS}
    assert first["coin_flip"].question == (
        "A coin is heads up. Erica does not flip the coin. Wesley does not flip the coin. Sophie flips the coin. "
        "Martha does not flip the coin. Is the coin still heads up?"
    )
    assert first["last_letters"].question == (
        'Take the last letters of the words in "Craig Ali Yusuf Maureen" and concatenate them.'
    )


@pytest.mark.parametrize(
    ("sizes", "names"), [({"dev": 3}, "no split `dev`"), ({"train": -1}, "-1 problems"), ({"test": 5_001}, "5001")]
)
def test_impossible_sizes_are_refused(task: str, sizes: dict[str, int], names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        generate(task, 0, sizes)


def test_an_unknown_task_gets_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no symbolic task `coin`\. There are: coin_flip, last_letters"):
        generate("coin", 0)


def test_names_are_some_hundred_different_words_of_plain_letters() -> None:
    assert len(set(NAMES)) == len(NAMES) > 400
    assert all(re.fullmatch("[A-Z][a-z]{2,}", name) for name in NAMES)


def test_worked_examples_have_three_names_and_so_are_no_problem_of_any_seed(task: str) -> None:
    assert {len(_names_in(example.question)) for example in load_examples(task)} == {3}


def test_worked_examples_give_their_answers_as_programs_and_in_words(task: str) -> None:
    examples, cot = load_examples(task), recipe_named("cot")
    golds = [example.answer for example in examples]
    with Verifier() as verifier:
        judged = verifier.judge([example.program for example in examples], golds)
    texts = [cot.messages("Why?", [example])[1]["content"] for example in examples]
    judged += TextVerifier().judge(texts, golds)
    assert {one.verdict for one in judged} == {Verdict.OK}
    assert [example.steps[-1].answer for example in examples] == golds
