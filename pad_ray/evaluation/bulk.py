"""Greedy answers to many problems at once, by the same stream that samples the teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pad_ray.decoding.texts import Reading
from pad_ray.evaluation.settings import EvaluationConfig
from pad_ray.generation.decoding import decoding_request
from pad_ray.programs.error_code import EMPTY
from pad_ray.programs.values import decode
from pad_ray.prompts import WorkedExample
from pad_ray.recipes import JudgedBy, Recipe
from pad_ray.records import Row
from pad_ray.synthesis.contexts import Contexts
from pad_ray.synthesis.requests import make_request
from pad_ray.verification import Rules, read_gold

# What a repair needs of the sample that it goes on from.
FIRST = ("completion", "prompt_tokens", "completion_tokens", "trace")


def greedy_requests(
    problems: Sequence[Row],
    model: str,
    recipe: Recipe,
    settings: EvaluationConfig,
    shots: Sequence[int] = (0,),
    examples: Sequence[WorkedExample] = (),
    slot: bool = False,
) -> list[Row]:
    """One request for each problem and each number of worked examples.

    Args:
        problems: problem rows.
        model: identity of what is asked.
        recipe: makes the prompts.
        settings: length of a completion.
        shots: how many worked examples are shown; 0 is how a student is asked.
        examples: the worked examples to show.
        slot: prompts have the slot for a broken program, empty: of a student that was taught to repair.

    Returns:
        Request rows whose `k` is the number of worked examples.
    """
    greedy = {"temperature": 0.0, "top_p": 1.0, "max_tokens": settings.max_tokens, "stop": list(recipe.stop)}
    rows = []
    for count in shots:
        contexts = Contexts(examples, count, settings.context)
        for problem in problems:
            shown = contexts.of(problem["question"])
            prompt = recipe.prompt(problem["question"], shown, EMPTY if slot else None)
            rows.append(make_request(problem, count, prompt, greedy, model))
    return rows


def decoded_requests(
    problems: Sequence[Row],
    model: str,
    recipe: Recipe,
    settings: EvaluationConfig,
    decoder: str,
    slot: bool = False,
    rules: Rules | None = None,
    first: Mapping[str, Row] | None = None,
) -> list[Row]:
    """One request for each problem, to be answered by a decoder; the student is shown no worked example.

    Args:
        problems, model, recipe, settings, slot: as of `greedy_requests`.
        decoder: its name.
        rules: by which answers are judged; of recipes in words they say which answers vote together.
        first: samples by problem that the same decoder without repair wrote, to go on from.
    """
    rows = []
    for problem in problems:
        question = problem["question"]
        reading = _reading(rules.of(problem["id"]), problem) if rules and recipe.judged_by is JudgedBy.TEXT else None
        asked = decoding_request(decoder, settings.decoding, question, settings.max_tokens, recipe.stop, reading)
        if written := (first or {}).get(problem["id"]):
            asked["first"] = {key: written[key] for key in FIRST}
        rows.append(make_request(problem, 0, recipe.prompt(question, (), EMPTY if slot else None), asked, model))
    return rows


def _reading(rules: Rules, problem: Row) -> Reading:
    gold = read_gold(decode(problem["gold"]), 0)
    return Reading(rules.extractor, gold.kind if gold else None, rules.comparison)


def as_predictions(samples: Sequence[Row], problems: Sequence[Row]) -> list[Row]:
    """Judged samples with the benchmark and split of their problems, in the order of problems and shots."""
    known = {problem["id"]: problem for problem in problems}
    order = {problem["id"]: place for place, problem in enumerate(problems)}
    rows = [
        {**sample, **{key: known[sample["problem_id"]][key] for key in ("benchmark", "split", "question")}}
        for sample in samples
    ]
    return sorted(rows, key=lambda row: (row["k"], order[row["problem_id"]]))


def best_shots(validation: Sequence[Row]) -> int:
    """The number of worked examples with most right answers; the smaller one when two are level."""
    right: dict[int, int] = {}
    for row in validation:
        right[row["k"]] = right.get(row["k"], 0) + (row["verdict"] == "ok")
    return max(sorted(right), key=lambda shots: right[shots])
