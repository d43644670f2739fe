"""The request table: one row for each problem and sample, so that k samples of a question are k rows.

A fan-out after the read would lose samples when Ray Data's checkpoint resumes (it records the parent's id), and would
leave the children in one block (ray#54430). So the fan-out happens here, once, before anything is paid for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pad_ray.config import TeacherConfig
from pad_ray.recipes import Recipe
from pad_ray.records import Row, content_hash
from pad_ray.synthesis.contexts import Contexts

_WINDOW = 64  # problems; a few prefill steps of an engine, and far less than its prefix cache holds


def make_requests(problems: Sequence[Row], teacher: TeacherConfig, recipe: Recipe, contexts: Contexts) -> list[Row]:
    """One request for each problem and each of `teacher.samples`."""
    return [
        make_request(
            problem,
            k,
            recipe.prompt(problem["question"], contexts.of(problem["question"], k)),
            recipe.stop,
            teacher,
        )
        for problem in problems
        for k in range(teacher.samples)
    ]


def make_request(problem: Row, k: int, prompt: str, stop: Sequence[str], teacher: TeacherConfig) -> Row:
    """One request row; its `rid` is a hash of problem, prompt text, teacher, sampling parameters and k."""
    sampling = {
        "temperature": teacher.temperature,
        "top_p": teacher.top_p,
        "max_tokens": teacher.max_tokens,
        "stop": list(stop),
    }
    rid = content_hash(problem["id"], prompt, teacher.model, sampling, teacher.seed, k, length=20)
    if teacher.temperature > 0 and teacher.seed is not None:
        sampling["seed"] = int(rid[:7], 16)
    return {
        "id": f"{rid}-0",
        "rid": rid,
        "attempt": 0,
        "problem_id": problem["id"],
        "k": k,
        "prompt": prompt,
        "gold": problem["gold"],
        "model": teacher.model,
        "sampling": json.dumps(sampling, sort_keys=True),
    }
