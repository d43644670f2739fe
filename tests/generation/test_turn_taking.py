"""Two tiny random students in turns: requests in, completions with their dialogues out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.errors import DataError
from pad_ray.evaluation.dialogues import check_given, question_measures, turns_requests, with_reference
from pad_ray.evaluation.settings import EvaluationConfig
from pad_ray.generation.teachers import Teacher
from pad_ray.generation.turn_taking import Dialogues, TurnTakers
from pad_ray.recipes.socratic import parse_steps
from pad_ray.recipes.socratic_iterative import Guidance, SocraticIterative
from pad_ray.records import Row, table
from pad_ray.tally import Tally
from tests.annotated_run import problem_rows
from tests.training.tiny import make_student

RECIPE = SocraticIterative()
SETTINGS = EvaluationConfig.model_validate({"max_tokens": 8, "turns": {"max_turns": 2, "repeated": False}})


WRITTEN = Tally()
HANDLE = SimpleNamespace(add=SimpleNamespace(remote=WRITTEN.add))  # as an actor's handle is called


@pytest.fixture(scope="module")
def dialogues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dialogues]:
    folder: Path = tmp_path_factory.mktemp("students")
    students: list[tuple[str, str, str | None]] = [
        ("transformers", make_student(kind, folder / kind), None) for kind in ("gpt2", "t5")
    ]
    made = Dialogues(students, ResourcesConfig(threads=1), RECIPE.name, HANDLE)
    yield made
    made.close()


def _answered(dialogues: Dialogues, decoder: str) -> list[Row]:
    requests = turns_requests(problem_rows(3), "students", RECIPE, SETTINGS, decoder)
    found: list[Row] = dialogues(table("request", requests)).to_pylist()
    return sorted(found, key=lambda row: str(row["problem_id"]))


def test_every_request_has_a_completion_and_its_dialogue(dialogues: Dialogues) -> None:
    rows = _answered(dialogues, "turns")
    assert [row["problem_id"] for row in rows] == ["test-0", "test-1", "test-2"]
    for row in rows:
        told = json.loads(row["trace"])
        assert told["stop"]
        assert row["completion"].count("Subquestion:") == len(told["steps"])


def test_lines_are_counted_as_they_are_written(dialogues: Dialogues) -> None:
    before = WRITTEN.read().get("lines", 0)
    rows = _answered(dialogues, "turns+given")
    assert WRITTEN.read()["lines"] - before == sum(json.loads(row["trace"])["prompts"] for row in rows)


def test_given_subquestions_are_what_is_answered(dialogues: Dialogues) -> None:
    for row in _answered(dialogues, "turns+given"):
        told = json.loads(row["trace"])
        assert [step["question"] for step in told["steps"]] == ["How many nuts does Ann buy?", "How many nuts has she?"]
        assert told["stop"] == "given"


def test_a_prediction_keeps_the_reference_beside_the_dialogue(dialogues: Dialogues) -> None:
    row = with_reference(_answered(dialogues, "turns+given")[0], problem_rows(1)[0])
    measures = question_measures([row]) or {}
    assert (measures["same_number"], measures["mean_reference"]) == (1.0, 2.0)
    assert measures["bleu"] == pytest.approx(100.0)


def test_without_a_reference_questions_are_not_measured() -> None:
    assert question_measures([{"trace": json.dumps({"steps": []})}]) is None


def _sampling(recipe: SocraticIterative, decoder: str) -> dict[str, Any]:
    [request] = turns_requests(problem_rows(1), "students", recipe, SETTINGS, decoder)
    told: dict[str, Any] = json.loads(request["sampling"])
    return {**told, "prompt": request["prompt"]}


def test_guidance_comes_from_the_problems_own_decomposition() -> None:
    asked = _sampling(SocraticIterative(Guidance(number=True, equation=True)), "turns")
    assert asked["prompt"].endswith("Subquestions: 2\nEquation: 2 * 2\nSubquestion:")
    assert len(asked["plan"]) == 2


def test_without_guidance_nothing_of_the_reference_is_told() -> None:
    asked = _sampling(RECIPE, "turns")
    assert (asked["plan"], asked["given"]) == ([], None)


def test_subquestions_cannot_be_given_where_there_are_none() -> None:
    with pytest.raises(DataError, match="test problem test-0 has none"):
        check_given([{**problem_rows(1)[0], "meta": "{}"}])


def test_two_students_have_an_identity_in_order() -> None:
    one, other = (Teacher("transformers", name, name) for name in ("a", "b"))
    pair = TurnTakers.of_two(one, other, RECIPE.name)
    assert pair.identity != TurnTakers.of_two(other, one, RECIPE.name).identity
    assert pair.block_rows(ResourcesConfig()) == ResourcesConfig().engine_rows


def test_a_dialogue_is_read_as_it_was_written(dialogues: Dialogues) -> None:
    for row in _answered(dialogues, "turns+given"):
        text = row["completion"] + "Subquestion: End?\nSolution: #### 1\n"
        assert [step.question for step in parse_steps(text)][:2] == [
            step["question"] for step in json.loads(row["trace"])["steps"]
        ]
