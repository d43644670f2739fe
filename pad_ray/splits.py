"""The problems of a run, in splits: what is learnt from, what choices are made on, what is measured."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable
from pathlib import Path

from pad_ray.config import ProblemsConfig
from pad_ray.errors import ConfigError, DataError
from pad_ray.problems import BUILTIN, Problem, load_problems, read_problems
from pad_ray.programs.answers import parse_gold
from pad_ray.programs.values import encode
from pad_ray.records import Row

_SPLITS = ("train", "validation", "test")


def problem_rows(settings: ProblemsConfig) -> list[Row]:
    """Problem rows of all splits, by settings.

    Raises:
        ConfigError: a file for a split of built-in problems.
        DataError: a file that cannot be read or used, an id in two splits, or too few problems to hold any out.
    """
    if settings.train in BUILTIN:
        _refuse_files(settings)
        splits = load_problems(settings.train, seed=settings.seed, sizes=settings.sizes.model_dump())
        name = settings.benchmark or settings.train
    else:
        splits = _hold_out({split: list(_read(split, settings)) for split in _SPLITS}, settings)
        name = settings.benchmark or _name(Path(settings.test or settings.train))
    splits["train"] = splits["train"][: settings.limit]
    splits["validation"] = splits["validation"][: settings.validation_limit]
    splits["test"] = splits["test"][: settings.test_limit]
    rows = [_row(problem, split, name) for split, problems in splits.items() for problem in problems]
    _check_ids(rows)
    return rows


def _refuse_files(settings: ProblemsConfig) -> None:
    for split in _SPLITS[1:]:
        if getattr(settings, split) is not None:
            raise ConfigError(
                f"problems.{split} is a file and problems.train is `{settings.train}`, which has splits of its own",
                f"Leave problems.{split} out, or give a file for problems.train",
            )


def _read(split: str, settings: ProblemsConfig) -> Iterable[Problem]:
    path = getattr(settings, split)
    if path is None:
        return ()
    return read_problems(_found(path), question=settings.question, answer=settings.answer, id=settings.id)


def _found(path: str) -> Path:
    """The file as it is given or, where there is none, under the data folder that `PAD_RAY_DATA` names."""
    folder = os.environ.get("PAD_RAY_DATA")
    given = Path(path).expanduser()
    return Path(folder) / path if folder and not given.exists() else given


def _hold_out(splits: dict[str, list[Problem]], settings: ProblemsConfig) -> dict[str, list[Problem]]:
    """Takes a seeded share of train for each split that has no file."""
    train = sorted(splits["train"], key=lambda problem: problem.id)
    random.Random(settings.seed).shuffle(train)
    count = max(1, round(settings.holdout * len(train)))
    for split in ("test", "validation"):
        if getattr(settings, split) is None:
            splits[split], train = train[:count], train[count:]
    if not train:
        raise DataError(
            f"{settings.train}: {len(splits['train'])} problems are too few to hold some out",
            "Add problems, or name files for problems.validation and problems.test",
        )
    kept = {problem.id for problem in train}
    return {**splits, "train": [problem for problem in splits["train"] if problem.id in kept]}


def _name(path: Path) -> str:
    """`gsm8k` for gsm8k/test.jsonl, `mine` for mine.jsonl."""
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


def _check_ids(rows: list[Row]) -> None:
    first: dict[str, str] = {}
    for row in rows:
        if row["id"] in first:
            raise DataError(f"problem {row['id']} is in {first[row['id']]} and in {row['split']}", "Keep it in one")
        first[row["id"]] = row["split"]
