"""Problems: questions with their gold answers, from a JSON Lines file or built in."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pad_ray import word_problems
from pad_ray.errors import ConfigError, DataError
from pad_ray.jsonl import Row, json_type, read_rows

__all__ = ["BUILTIN", "Problem", "load_problems", "read_problems"]

BUILTIN = ("quickstart",)

Answer = int | float | str


@dataclass(frozen=True)
class Problem:
    """A question and its gold answer.

    Attributes:
        id: unique among the problems of its source.
        question: the text that the model is asked.
        answer: gold: a finite number or a string with something in it.
        meta: what else the source says of it (template, operations, ...); nothing is computed from it.
    """

    id: str
    question: str
    answer: Answer
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)


def load_problems(source: str, *, seed: int = 0, sizes: Mapping[str, int] | None = None) -> dict[str, list[Problem]]:
    """The splits of a built-in source.

    Args:
        source: "quickstart": generated word problems in the splits train, validation, test and unseen.
        seed: of the generator.
        sizes: problems a split, where they differ from `word_problems.DEFAULT_SIZES`.

    Raises:
        DataError: no built-in source of that name.
        ConfigError: sizes that the generator cannot make.
    """
    if source not in BUILTIN:
        raise DataError(f"{source}: no built-in problems of that name", f"Built in: {', '.join(BUILTIN)}.")
    splits = word_problems.generate(seed, sizes)
    return {split: [_from_generated(made) for made in splits[split]] for split in splits}


def read_problems(
    path: str | Path,
    *,
    question: str = "question",
    answer: str = "answer",
    id: str = "id",
    limit: int | None = None,
) -> list[Problem]:
    """Read problems from JSON Lines; fields beyond question, answer and id become `meta`.

    Args:
        path: the file, in UTF-8.
        question: name of the field that holds the question.
        answer: name of the field that holds the gold answer, a number or a string.
        id: name of the field that holds the id, a string or a whole number. Where a line has none, the
            id is made from the question's text and stays the same wherever the line stands.
        limit: read so many problems and stop.

    Raises:
        DataError: no such file, no rows, a malformed line, a missing or mistyped field, no gold, an id given
            twice. The message names the file, the line and the field.
        ConfigError: a limit below 1.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"a limit of {limit} problems reads nothing", "Give 1 or more, or leave it out.")
    rows = islice(read_rows(Path(path)), limit)
    return list(_unique((row, _problem(row, question, answer, id)) for row in rows))


def _from_generated(made: word_problems.WordProblem) -> Problem:
    return Problem(made.id, made.question, made.answer, {"template": made.template, "operations": made.operations})


def _problem(row: Row, question: str, answer: str, id: str) -> Problem:
    text = row.text(question).strip()
    meta = {name: value for name, value in row.fields.items() if name not in (question, answer, id)}
    return Problem(_id(row, id) or _id_from(text), text, _gold(row, answer), meta)


def _id(row: Row, name: str) -> str:
    """Empty where the row has none."""
    value = row.fields.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value
    found = "empty" if value == "" else json_type(value)
    raise DataError(f"{row.place}: field `{name}` is {found}", "Give a string or a whole number, or leave it out.")


def _id_from(question: str) -> str:
    return "q-" + hashlib.sha256(question.encode()).hexdigest()[:16]


def _gold(row: Row, name: str) -> Answer:
    value = row.fields.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        found = "empty" if name in row.fields else "missing"
        raise DataError(f"{row.place}: no gold: field `{name}` is {found}", "Give a number or a string.")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DataError(f"{row.place}: field `{name}` is {json_type(value)}", "Give a number or a string.")
    if not _finite(value):
        raise DataError(f"{row.place}: field `{name}` is {value}", "A gold answer is a finite number or a string.")
    return value


def _finite(value: Answer) -> bool:
    """False for NaN and infinities, also where a table tool wrote them as text."""
    if isinstance(value, int):
        return True
    try:
        return math.isfinite(float(value))
    except ValueError:
        return True


def _unique(problems: Iterable[tuple[Row, Problem]]) -> Iterable[Problem]:
    first: dict[str, str] = {}
    for row, problem in problems:
        if problem.id in first:
            raise DataError(
                f"{row.place}: field `id`: {problem.id} was given before, at {first[problem.id]}",
                "Remove one, or give each line an id of its own (a question asked twice needs ids).",
            )
        first[problem.id] = row.place
        yield problem
