"""The same from Python: what `pad_ray` itself exports.

    import pad_ray

    [judgement] = pad_ray.verify(["def solution():\\n    return 6 * 7"], [42])
    assert judgement.verdict == "ok"

`pad_ray.run("jobs/quickstart.yaml", {"training.epochs": 3})` does what is missing of a run, and
`pad_ray.solve(["Ann has 3 nuts and finds 4. How many has she?"], model="runs/mine/student")` asks a student.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pad_ray.config import RunConfig, load_config, parse_config
from pad_ray.programs.answers import Comparison, Mode
from pad_ray.programs.values import Value, decode
from pad_ray.verification import Judgement, Verifier


@dataclass(frozen=True)
class RunResult:
    """What a run left.

    Attributes:
        folder: the run's folder, a path or an address.
        results: rows of results.json: accuracy with a 95 % interval by split and model; none before there are any.
        student: where the student is; None before there is one.
        report: where the report is; None where the run was to end before.
    """

    folder: str
    results: list[dict[str, Any]]
    student: str | None
    report: str | None


@dataclass(frozen=True)
class Solution:
    """A student's answer to a question.

    Attributes:
        question: the question.
        answer: the value that the program gave; None where it gave none.
        program: the program; None where the completion holds none.
        completion: what the model wrote.
        error: why there is no answer; None where there is one.
    """

    question: str
    answer: Value
    program: str | None
    completion: str
    error: str | None


def run(
    config: str | os.PathLike[str] | Mapping[str, Any] | RunConfig,
    settings: Mapping[str, Any] | None = None,
    *,
    until: Literal["samples", "examples", "student", "report"] = "report",
) -> RunResult:
    """Does what is missing of a run, as `pad-ray run` does.

    Args:
        config: a YAML file, the same as a mapping, or settings that were checked before.
        settings: overrides by dotted key, such as `{"training.epochs": 3}`.
        until: the last thing to make.

    Raises:
        InputError: a setting, file or model that cannot be used, or somebody else is at work on the run.
        PlacementError: this machine or cluster cannot hold the run.
        PadRayError: it failed; what was done is kept.
    """
    from pad_ray.pipeline import Pipeline
    from pad_ray.report import write_report

    pipeline = Pipeline(_config(config, settings or {}))
    results = pipeline.run(until)
    student = pipeline.student_stage
    report = None
    if until == "report":
        report = write_report(pipeline.folder, pipeline.config, pipeline.stages, results)
    return RunResult(pipeline.folder.storage.uri, results, student.storage.uri if student.done else None, report)


def _config(config: str | os.PathLike[str] | Mapping[str, Any] | RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    overrides = [f"{key}={json.dumps(value)}" for key, value in settings.items()]  # JSON is YAML
    if isinstance(config, RunConfig):
        return parse_config(config.model_dump(mode="json", by_alias=True), overrides=overrides)
    if isinstance(config, Mapping):
        return parse_config(json.loads(json.dumps(config)), overrides=overrides)
    return load_config(Path(config), overrides)


def verify(
    completions: Sequence[str | None],
    answers: Sequence[str | int | float],
    *,
    mode: Literal["tolerance", "exact", "round", "string"] = "tolerance",
    relative: float = 1e-6,
    absolute: float = 1e-3,
    workers: int = 1,
) -> list[Judgement]:
    """Runs programs in the sandbox and judges what they give.

    Args:
        completions: programs, or what a model wrote around them; None counts as a teacher_error.
        answers: gold, one for each.
        mode: how values are compared.
        relative, absolute: tolerances of the mode `tolerance`.
        workers: sandbox workers.

    Returns:
        One judgement for each completion, in order.

    Raises:
        DataError: a gold answer that nothing can equal.
        PlacementError: this machine cannot confine programs.
        ValueError: not as many answers as completions.
    """
    with Verifier(Comparison(Mode(mode), relative, absolute), workers=workers) as verifier:
        return verifier.judge(completions, answers)


def solve(
    questions: Sequence[str],
    model: str = "embedded",
    *,
    recipe: str | None = None,
    max_tokens: int = 160,
    decoder: str = "step-beam",
) -> list[Solution]:
    """Has a student answer questions in this process, its programs run in the sandbox.

    For many questions `pad-ray evaluate` is faster: it uses vLLM.

    Args:
        questions: as problems have them.
        model: a student's folder, a Hugging Face name, or `embedded`.
        recipe: how the student was taught to be asked; by default what its folder says.
        max_tokens: longest completion, in tokens, of the decoders that write it at once.
        decoder: `step-beam` runs every statement before it counts; `self-consistency` samples programs and takes the
            answer of most; `greedy` writes one, and all questions at once. With `+repair` behind its name a program
            that ended in an exception is asked for again.

    Raises:
        ModelError: there is no such model.
        PlacementError: this machine cannot confine programs.
    """
    from pad_ray.models import resolve_model
    from pad_ray.programs.error_code import EMPTY
    from pad_ray.recipes import recipe_named
    from pad_ray.student_file import StudentFile

    resolved = resolve_model(model)
    taught = StudentFile.read(resolved)
    method = recipe_named(recipe or taught.recipe)
    if decoder == "greedy":
        prompts = [method.prompt(question, (), EMPTY if taught.repairs else None) for question in questions]
        completions = _greedy(prompts, resolved, method, max_tokens)
    else:
        completions = _searched(questions, resolved, method.name, max_tokens, decoder)
    with Verifier() as verifier:
        texts = [method.solution(completion) for completion in completions]
        judgements = verifier.judge(texts, [None] * len(texts))
    return [
        Solution(
            question=question,
            answer=decode(judgement.value) if judgement.value is not None else None,
            program=judgement.program,
            completion=completion,
            error=None if judgement.verdict == "ok" else _error(judgement),
        )
        for question, completion, judgement in zip(questions, completions, judgements, strict=True)
    ]


def _searched(
    questions: Sequence[str],
    model: str,
    recipe: str,
    max_tokens: int,
    decoder: str,
) -> list[str]:
    from pad_ray.decoding.settings import DecodingConfig
    from pad_ray.recipes import opening_of, recipe_named
    from pad_ray.solving import solve_questions

    found = solve_questions(questions, model, recipe, decoder, DecodingConfig(), max_tokens)
    opening = opening_of(recipe_named(recipe))
    return [outcome.program.removeprefix(opening) for outcome in found]


def _greedy(prompts: Sequence[str], model: str, recipe: Any, max_tokens: int) -> list[str]:
    """Completions by the teacher `transformers`, which needs no Ray."""
    from pad_ray.generation.transformers import TransformersTeacher
    from pad_ray.records import table
    from pad_ray.synthesis.requests import make_request

    sampling = {"temperature": 0.0, "top_p": 1.0, "max_tokens": max_tokens, "stop": list(recipe.stop)}
    problems = [{"id": str(n), "question": prompt, "gold": None} for n, prompt in enumerate(prompts)]
    requests = [make_request(problem, 0, problem["question"] or "", sampling, model) for problem in problems]
    answered = TransformersTeacher(model)(table("request", requests)).to_pylist()
    texts = {row["problem_id"]: row["completion"] or "" for row in answered}
    return [texts[problem["id"] or ""] for problem in problems]


def _error(judgement: Judgement) -> str:
    said = ": ".join(part for part in (judgement.error_class, judgement.error) if part)
    return f"{judgement.verdict}: {said}" if said else str(judgement.verdict)
