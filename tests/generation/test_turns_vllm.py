"""Two real vLLM engines in turns, in one process: the embedded model as both students."""

from __future__ import annotations

import json

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.evaluation.dialogues import turns_requests
from pad_ray.evaluation.settings import EvaluationConfig
from pad_ray.generation.turn_taking import Dialogues
from pad_ray.models import embedded_model
from pad_ray.recipes.socratic_iterative import SocraticIterative
from pad_ray.records import table
from tests.annotated_run import problem_rows

# vLLM warns of much that is its own.
pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.filterwarnings("default")]

SETTINGS = EvaluationConfig.model_validate({"max_tokens": 24, "turns": {"max_turns": 2, "repeated": False}})
LONG = 1  # the problem whose question is longer than the engines take


def test_both_write_lines_and_what_has_no_room_ends_alone() -> None:
    recipe, problems = SocraticIterative(), problem_rows(3)
    problems[LONG]["question"] = "Ann buys nuts. " * 300
    model = str(embedded_model())
    students: list[tuple[str, str, str | None]] = [("vllm", model, None)] * 2
    both = Dialogues(students, ResourcesConfig(max_model_len=512, kv_cache_gib=1), recipe.name)
    try:
        requests = turns_requests(problems, model, recipe, SETTINGS, "turns")
        rows = {row["problem_id"]: row for row in both(table("request", requests)).to_pylist()}
    finally:
        both.close()
    told = [json.loads(rows[problem["id"]]["trace"]) for problem in problems]
    assert told[LONG]["stop"] == "failed"
    assert [len(one["steps"]) for number, one in enumerate(told) if number != LONG] == [2, 2]
    assert all("\n" not in step["question"] for one in told for step in one["steps"])
