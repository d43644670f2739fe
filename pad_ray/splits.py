"""The problems of a run, in splits: what is learnt from, what choices are made on, what is measured."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pad_ray.benchmarks import (
    Benchmark,
    answers_of,
    benchmark_at,
    benchmark_named,
    is_benchmark,
    load_benchmark,
)
from pad_ray.decompositions import with_context
from pad_ray.errors import ConfigError, DataError
from pad_ray.problem_settings import ProblemsConfig
from pad_ray.problem_sources import found, hub_name
from pad_ray.problems import BUILTIN, Problem, load_problems, read_problems
from pad_ray.programs.answers import parse_gold
from pad_ray.programs.values import encode
from pad_ray.records import Row
from pad_ray.step_questions import split_solution

_SPLITS = ("train", "validation", "test")


def problem_rows(settings: ProblemsConfig) -> Iterator[Row]:
    """Problem rows of all splits, by settings, each made when it is asked for.

    Plain ids such as 0, 1, 2 may stand for different questions in two files: the later split's ids then all carry its
    name (`test:0`).

    Raises:
        ConfigError: a file for a split of built-in problems, training on an evaluation set, an unknown benchmark.
        DataError: a file that cannot be read or used, a problem in two splits, or too few problems to hold any out.
    """
    if settings.train in BUILTIN:
        _refuse_files(settings)
        made = load_problems(settings.train, seed=settings.seed, sizes=settings.sizes.model_dump(exclude_none=True))
        parts = _whole(made)
    else:
        _refuse_contamination(settings)
        splits = {split: list(_read(split, settings)) for split in _SPLITS}
        splits = _hold_out(_fold(splits, settings) if settings.folds else splits, settings)
        if settings.split_solutions:
            splits["train"] = _split_solutions(splits["train"], settings)
        parts = _tell_apart({**_whole(splits), **_several_tests(settings)})
    name = settings.benchmark or _name(settings.tests[0] if len(settings.tests) == 1 else settings.train, settings)
    name += f"_folds{settings.folds}" if settings.folds and not settings.benchmark else ""
    limits = {"train": settings.limit, "validation": settings.validation_limit, "test": settings.test_limit}
    return (
        _row(_in_context(problem, settings.context), split, named or name)
        for (split, named), problems in parts.items()
        for problem in problems[: limits.get(split)]
    )


def _whole(splits: Mapping[str, list[Problem]]) -> dict[tuple[str, str], list[Problem]]:
    """Splits as parts that have no name of their own."""
    return {(split, ""): problems for split, problems in splits.items()}


def bare_questions(rows: Iterable[Row], settings: ProblemsConfig) -> dict[str, str]:
    """Question to the same without the context that `settings.context` puts before it.

    Args:
        rows: problem rows, made by these settings.
    """
    if not settings.context:
        return {row["question"]: row["question"] for row in rows}
    contexts = {row["question"]: json.loads(row["meta"])["context"] for row in rows}
    return {question: question.removeprefix(f"{context} ") for question, context in contexts.items()}


def _several_tests(settings: ProblemsConfig) -> dict[tuple[str, str], list[Problem]]:
    """The problems of each source of a list; all are the split `test`, each has a name of its own."""
    if len(settings.tests) < 2:
        return {}
    named = _names_of_tests(settings)
    return {("test", name): list(_read_source("test", source, settings)) for name, source in named.items()}


def _names_of_tests(settings: ProblemsConfig) -> dict[str, str]:
    """Name in results → source of test problems.

    Raises:
        ConfigError: two sources would be called the same.
    """
    names: dict[str, str] = {}
    for source in settings.tests:
        name = _name(source, settings)
        if name in names:
            raise ConfigError(
                f"problems.test names {names[name]} and {source}, which results would both call `{name}`",
                "Leave one out, or give its file another name",
            )
        names[name] = source
    return names


def _refuse_files(settings: ProblemsConfig) -> None:
    if key := next((key for key in ("folds", "context", "split_solutions") if getattr(settings, key)), None):
        raise ConfigError(
            f"problems.{key} is of files, and problems.train is `{settings.train}`",
            "Leave it out, or give a file for problems.train",
        )
    for split in _SPLITS[1:]:
        if getattr(settings, split) is not None:
            raise ConfigError(
                f"problems.{split} is a file and problems.train is `{settings.train}`, which has splits of its own",
                f"Leave problems.{split} out, or give a file for problems.train",
            )


def _refuse_contamination(settings: ProblemsConfig) -> None:
    train = settings.train
    if settings.allow_contamination:
        return
    mend = "Name other problems, or set problems.allow_contamination: true"
    if benchmark := _benchmark(train, settings):
        raise ConfigError(
            f"problems.train is `{train}`, the evaluation set {benchmark.name}, on which models are only measured", mend
        )
    if benchmark := answers_of(train, settings.data):
        raise ConfigError(
            f"problems.train is `{train}`, whose questions are those of the evaluation set {benchmark.name}", mend
        )


def measured_benchmarks(settings: ProblemsConfig) -> dict[str, Benchmark]:
    """The benchmarks that test problems are of, whether given by name or as a file, by the name in results."""
    if len(settings.tests) == 1 and settings.benchmark:
        named = {settings.benchmark: settings.tests[0]}
    else:
        named = _names_of_tests(settings)
    found = {name: _benchmark(source, settings) for name, source in named.items()}
    return {name: benchmark for name, benchmark in found.items() if benchmark}


def _benchmark(source: str, settings: ProblemsConfig) -> Benchmark | None:
    return benchmark_named(source) if is_benchmark(source) else benchmark_at(source, settings.data)


def _read(split: str, settings: ProblemsConfig) -> Iterable[Problem]:
    source = getattr(settings, split)
    return _read_source(split, source, settings) if isinstance(source, str) else ()


def _read_source(split: str, source: str, settings: ProblemsConfig) -> Iterable[Problem]:
    if (split != "validation" and is_benchmark(source)) or (split == "test" and _is_bare(source, settings)):
        return load_benchmark(source, settings.data)
    return read_problems(
        source,
        question=settings.question,
        answer=settings.answer,
        id=settings.id,
        split=getattr(settings, f"{split}_split"),
        folder=settings.data,
    )


def _is_bare(source: str, settings: ProblemsConfig) -> bool:
    """Whether it reads like the name of a benchmark, and no file has it."""
    return not Path(source).suffix and "/" not in source and not found(source, settings.data).exists()


def _hold_out(splits: dict[str, list[Problem]], settings: ProblemsConfig) -> dict[str, list[Problem]]:
    """Takes a seeded share of train for each split that has no file."""
    train = sorted(splits["train"], key=lambda problem: problem.id)
    random.Random(settings.seed).shuffle(train)
    count = max(1, round(settings.holdout * len(train))) if settings.holdout else 0
    for split in ("validation",) if settings.folds else ("test", "validation"):
        if getattr(settings, split) is None:
            splits[split], train = train[:count], train[count:]
    if not train:
        raise DataError(
            f"{settings.train}: {len(splits['train'])} problems are too few to hold some out",
            "Add problems, or name files for problems.validation and problems.test",
        )
    kept = {problem.id for problem in train}
    return {**splits, "train": [problem for problem in splits["train"] if problem.id in kept]}


def _fold(splits: dict[str, list[Problem]], settings: ProblemsConfig) -> dict[str, list[Problem]]:
    """A seeded part of train and test as test, the rest of train as train; a question asked twice is on one side."""
    splits = {split: problems for (split, _), problems in _tell_apart(_whole(splits)).items()}
    pool = [*splits["train"], *splits["test"]]
    questions = sorted({_wording(problem) for problem in pool})
    random.Random(f"folds/{settings.seed}").shuffle(questions)
    chosen = set(questions[settings.fold :: settings.folds])
    return {
        **splits,
        "train": [problem for problem in splits["train"] if _wording(problem) not in chosen],
        "test": [problem for problem in pool if _wording(problem) in chosen],
    }


def _split_solutions(problems: list[Problem], settings: ProblemsConfig) -> list[Problem]:
    """The problems whose solutions can be split, with `subquestions`."""
    split = ((problem, split_solution(problem.question, problem.meta)) for problem in problems)
    found = [replace(problem, meta={**problem.meta, "subquestions": steps}) for problem, steps in split if steps]
    if not found:
        raise DataError(
            f"{settings.train}: no problem has a solution with calculator notes that could be split",
            "Leave problems.split_solutions out, or name problems in GSM8K's form",
        )
    return found


def _wording(problem: Problem) -> str:
    return " ".join(problem.question.casefold().split())


def _in_context(problem: Problem, name: str | None) -> Problem:
    """The problem with a field's text before its question; `context` in its meta says what was put there."""
    if name is None:
        return problem
    text = problem.meta.get(name)
    if not isinstance(text, str) or not text.strip():
        raise DataError(
            f"problem {problem.id} has no text in field `{name}` to stand before its question",
            "Name another field in problems.context, or leave it out",
        )
    context = " ".join(text.split())
    return replace(problem, question=with_context(problem.question, context), meta={**problem.meta, "context": context})


def _tell_apart(parts: Mapping[tuple[str, str], list[Problem]]) -> dict[tuple[str, str], list[Problem]]:
    """Parts, by split and name, in which each id stands for one problem."""
    told: dict[tuple[str, str], list[Problem]] = {}
    first: dict[str, tuple[str, str]] = {}
    for (split, name), problems in parts.items():
        clashes = [(problem, *first[problem.id]) for problem in problems if problem.id in first]
        for problem, question, other in clashes:
            if problem.question == question and other != "test":  # evaluation sets may be made from each other
                raise DataError(f"problem {problem.id} is in {other} and in {split}", "Keep it in one")
        if clashes:
            problems = [replace(problem, id=f"{name or split}:{problem.id}") for problem in problems]
        first |= {problem.id: (problem.question, split) for problem in problems}
        told[split, name] = problems
    return told


def _name(source: str, settings: ProblemsConfig) -> str:
    """`gsm8k` for gsm8k/test.jsonl, for the data set openai/gsm8k:main and for itself; `mine` for mine.jsonl."""
    if source in BUILTIN:
        return source
    if benchmark := _benchmark(source, settings):
        return benchmark.name
    if name := hub_name(source, settings.data):
        return name
    path = Path(source)
    return path.resolve().parent.name if path.stem in _SPLITS else path.stem


def _row(problem: Problem, split: str, benchmark: str) -> Row:
    return {
        "id": problem.id,
        "split": split,
        "benchmark": benchmark,
        "question": problem.question,
        "gold": _gold(problem),
        "meta": json.dumps(problem.meta, sort_keys=True, default=str),
    }


def _gold(problem: Problem) -> str:
    """Refused here what the verifier could not compare, before anything is paid for."""
    try:
        parse_gold(problem.answer)
        return encode(problem.answer)
    except ValueError as error:
        raise DataError(f"problem {problem.id}: no gold that can be compared: {error}", "Mend or remove it") from None
