"""What two students are asked in turns about test problems, and what their questions are measured against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pad_ray.decoding.settings import GIVEN
from pad_ray.decompositions import Decomposition, decomposition_of
from pad_ray.errors import DataError
from pad_ray.evaluation.settings import EvaluationConfig
from pad_ray.evaluation.subquestions import measure_questions
from pad_ray.generation.turn_taking import turns_request
from pad_ray.programs.values import decode
from pad_ray.recipes.forms import as_answer
from pad_ray.recipes.socratic_iterative import SocraticIterative
from pad_ray.recipes.turns import Asked, answer_turn, ask_turn
from pad_ray.records import Row
from pad_ray.synthesis.requests import make_request


def reference_of(problem: Row) -> Decomposition | None:
    """The decomposition that a problem row holds; None where there is none."""
    return decomposition_of(json.loads(problem["meta"]), as_answer(decode(problem["gold"])))


def turns_requests(
    problems: Sequence[Row], model: str, recipe: SocraticIterative, settings: EvaluationConfig, decoder: str
) -> list[Row]:
    """One request for each problem.

    Args:
        problems: problem rows; their own decompositions are guidance or, for the decoder `turns+given`, the
            subquestions themselves.
        model: identity of both students.
        recipe: makes the prompts.
        settings: the rules of turns, the longest line.
        decoder: `turns` or `turns+given`.

    Raises:
        DataError: subquestions are to be given, and a problem has none.
    """
    rows = []
    for problem in problems:
        asked = _asked(problem, recipe, decoder)
        first = ask_turn(recipe, asked) if asked.given is None else answer_turn(recipe, asked, (), asked.given[0])
        sampling = turns_request(asked, decoder, settings.turns, settings.max_tokens)
        rows.append(make_request(problem, 0, first.text, sampling, model))
    return rows


def check_given(problems: Sequence[Row]) -> None:
    """Sees that every problem has subquestions that can be given.

    Raises:
        DataError: one has none.
    """
    for problem in problems:
        _given(problem)


def _given(problem: Row) -> list[str]:
    reference = reference_of(problem)
    if reference is None:
        raise DataError(
            f"evaluation.decoders: `{GIVEN}` needs subquestions, and test problem {problem['id']} has none",
            "Measure on problems with `subquestions`, such as strategyqa or gsm8k/test_socratic.jsonl",
        )
    return [step.question for step in reference.steps]


def _asked(problem: Row, recipe: SocraticIterative, decoder: str) -> Asked:
    if decoder == GIVEN:
        return Asked(problem["question"], given=_given(problem))
    reference = reference_of(problem) if recipe.guidance else None
    return Asked(problem["question"], reference.steps if reference else ())


def with_reference(prediction: Row, problem: Row) -> Row:
    """A prediction whose trace holds the reference's questions too, where the problem has some."""
    reference = reference_of(problem)
    if reference is None or not prediction["trace"]:
        return prediction
    told = {**json.loads(prediction["trace"]), "reference": [step.question for step in reference.steps]}
    return {**prediction, "trace": json.dumps(told, ensure_ascii=False)}


def question_measures(predictions: Iterable[Row]) -> Mapping[str, Any] | None:
    """How the questions that were asked compare with the reference's, see `pad_ray.evaluation.subquestions`.

    Args:
        predictions: rows with their `trace`.

    Returns:
        The measures by name, rounded; None where no problem has a reference.
    """
    told = [json.loads(row["trace"]) for row in predictions if row["trace"]]
    known = [one for one in told if one.get("reference")]
    if not known:
        return None
    written = [[step["question"] for step in one["steps"]] for one in known]
    found = measure_questions(written, [one["reference"] for one in known])
    return {name: round(value, 4) for name, value in asdict(found).items()}
