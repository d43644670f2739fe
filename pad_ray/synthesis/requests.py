"""The request table: one row for each problem and sample, so that k samples of a question are k rows.

A fan-out after the read would lose samples when Ray Data's checkpoint resumes (it records the parent's id), and would
leave the children in one block (ray#54430). So the fan-out happens here, once, before anything is paid for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pad_ray.config import TeacherConfig
from pad_ray.errors import DataError, ModelError
from pad_ray.generation.teachers import Teacher
from pad_ray.programs.values import decode, encode
from pad_ray.recipes import Material, Recipe
from pad_ray.records import Row, content_hash, table
from pad_ray.synthesis.contexts import Contexts

# Samples of a problem stand so many requests apart: side by side they would all be prefilled before the first of them
# is in the engine's prefix cache; much further apart, and it would have left it again.
_WINDOW = 64

Prompter = Callable[[Row, int], str]


def make_requests(
    problems: Sequence[Row], settings: TeacherConfig, teacher: Teacher, recipe: Recipe, contexts: Contexts
) -> Iterator[Row]:
    """One request for each problem and each of `settings.samples`, made when it is asked for.

    Raises:
        ModelError: the model has no chat template and is to be asked by one.
        DataError: the teacher is `annotations`, and a problem has neither program nor rationale, or none has what the
            recipe takes.
    """
    prompt = prompter(settings, teacher, recipe, contexts)
    if settings.kind == "annotations" and not any(prompt(problem, 0) for problem in problems):
        raise DataError(
            f"no training problem has what recipe `{recipe.name}` takes from a data set ({recipe.material})",
            "Take other problems, or a teacher that is a model",
        )
    stop = settings.stop if settings.stop is not None else (recipe.stop if settings.ask == "completion" else ())
    return (
        make_request(problem, k, prompt(problem, k), sampling_of(settings, stop), teacher.identity, settings.seed)
        for window in (problems[start : start + _WINDOW] for start in range(0, len(problems), _WINDOW))
        for k in range(settings.samples)
        for problem in window
    )


def prompter(settings: TeacherConfig, teacher: Teacher, recipe: Recipe, contexts: Contexts) -> Prompter:
    """How a teacher is asked: a text to continue, its own chat template, messages for an endpoint, or annotations."""
    if settings.kind == "annotations":
        return lambda problem, k: _annotation(problem, recipe)
    if settings.ask == "completion":
        return lambda problem, k: recipe.prompt(problem["question"], contexts.of(problem["question"], k))

    def messages(problem: Row, k: int) -> list[dict[str, str]]:
        system = [{"role": "system", "content": settings.system}] if settings.system else []
        return system + recipe.messages(problem["question"], contexts.of(problem["question"], k))

    if settings.kind in ("http", "recorded"):
        return lambda problem, k: json.dumps(messages(problem, k), ensure_ascii=False)
    render = _chat_template(teacher.model)
    return lambda problem, k: render(messages(problem, k))


def _annotation(problem: Row, recipe: Recipe) -> str:
    """What the data set holds: a completion, a program, or a rationale whose notes become one; else nothing."""
    meta = json.loads(problem["meta"])
    given = recipe.given(meta, decode(problem["gold"]))
    if recipe.material is not Material.PROGRAM:
        return given or ""
    if given:
        return recipe.solution(given)
    text = meta.get("rationale")
    if not isinstance(text, str):
        raise DataError(
            f"problem {problem['id']} has no `rationale`, and no `program` that defines solution()",
            "The teacher `annotations` needs a program, or a solution with GSM8K's own notes",
        )
    return text


def _chat_template(model: str) -> Callable[[list[dict[str, str]]], str]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    if not tokenizer.chat_template:
        raise ModelError(f"model {model} has no chat template", "Set `teacher.ask: completion`")

    def render(messages: list[dict[str, str]]) -> str:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    return render


def sampling_of(settings: TeacherConfig, stop: Sequence[str]) -> dict[str, Any]:
    """Sampling parameters, with the same keys in every row: Parquet would fill missing ones with null."""
    return {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_tokens,
        "stop": list(stop),
    }


def answer_prompts(teacher: Callable[[Any], Any], prompts: Sequence[str], sampling: dict[str, Any]) -> list[Row]:
    """What a teacher of this process writes after prompts that belong to no problem: completion rows, in their order.

    Args:
        teacher: takes a table of requests and gives one of completions, such as `TransformersTeacher`.
        prompts: any number, as one batch.
        sampling: as of `make_request`, its seed included.
    """
    if not prompts:
        return []
    problems: list[Row] = [{"id": str(place), "question": "", "gold": encode("")} for place in range(len(prompts))]
    asked = [make_request(problem, 0, prompt, sampling, "") for problem, prompt in zip(problems, prompts, strict=True)]
    return sorted(teacher(table("request", asked)).to_pylist(), key=lambda row: int(row["problem_id"]))


def make_request(
    problem: Row, k: int, prompt: str, sampling: dict[str, Any], teacher: str, seed: int | None = None
) -> Row:
    """One request row; its `rid` is a hash of problem, prompt text, teacher, sampling parameters and k.

    Args:
        teacher: the teacher's identity, by content and not by place.
        seed: gives the request a seed of its own.
    """
    rid = content_hash(problem["id"], problem["question"], prompt, teacher, sampling, seed, k, length=20)
    if seed is not None and sampling["temperature"] > 0:
        sampling = {**sampling, "seed": int(rid[:7], 16)}
    return {
        "id": f"{rid}-0",
        "rid": rid,
        "attempt": 0,
        "problem_id": problem["id"],
        "k": k,
        "prompt": prompt,
        "gold": problem["gold"],
        "model": teacher,
        "sampling": json.dumps(sampling, sort_keys=True),
    }
