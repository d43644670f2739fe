"""Problems: questions with their gold answers, from JSON Lines, Parquet, the Hugging Face hub, or built in."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pad_ray import symbolic_problems, word_problems
from pad_ray.errors import ConfigError, DataError
from pad_ray.jsonl import Row, json_type
from pad_ray.problem_sources import is_hub_name, source_rows

__all__ = ["BUILTIN", "Problem", "load_problems", "read_problems", "shortened"]

_QUICKSTART = "quickstart"
BUILTIN = (_QUICKSTART, *symbolic_problems.TASKS)

Answer = int | float | str
T = TypeVar("T")

_MAX_SHOWN = 60
# The last line of a worked solution in GSM8K's form (arXiv 2110.14168).
_FINAL = re.compile(r"^####[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
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
        source: "quickstart": generated word problems; "coin_flip" and "last_letters": symbolic reasoning by rule, with
            `program` and `rationale` in `meta`. All in the splits train, validation, test and unseen.
        seed: of the generator.
        sizes: problems a split, where they differ from the generator's `DEFAULT_SIZES`.

    Raises:
        DataError: no built-in source of that name.
        ConfigError: sizes that the generator cannot make.
    """
    if source not in BUILTIN:
        raise DataError(f"{source}: no built-in problems of that name", f"Built in: {', '.join(BUILTIN)}.")
    if source == _QUICKSTART:
        return _each(word_problems.generate(seed, sizes), _from_word_problem)
    return _each(symbolic_problems.generate(source, seed, sizes), _from_symbolic)


def read_problems(
    source: str | Path,
    *,
    question: str = "question",
    answer: str = "answer",
    id: str = "id",
    split: str = "train",
    limit: int | None = None,
    folder: str | Path | None = None,
) -> list[Problem]:
    """Read problems; fields beyond question, answer and id become `meta`.

    An answer with a line `#### n`, as GSM8K writes its solutions, stands for n without thousands commas; the whole
    text is kept in `meta` as `rationale`.

    Args:
        source: a file in JSON Lines (UTF-8) or Parquet, a folder of Parquet files, or a data set on the Hugging Face
            hub, `org/name` or `org/name:config`. A path that is not there is looked for in the data folder.
        question: name of the field that holds the question.
        answer: name of the field that holds the gold answer, a number or a string.
        id: name of the field that holds the id, a string or a whole number. Where a line has none, the
            id is made from the question's text and stays the same wherever the line stands.
        split: of a data set on the hub. Questions that it asks twice are told apart by a number after their id.
        limit: read so many problems and stop.
        folder: the data folder; by default the one that `PAD_RAY_DATA` names.

    Raises:
        DataError: no such file or data set, no rows, a malformed line, a missing or mistyped field, no gold, an id
            given twice. The message names the file, the line or row, and the field.
        ConfigError: a limit below 1, or a data set without such a configuration or split.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"a limit of {limit} problems reads nothing", "Give 1 or more, or leave it out.")
    with closing(source_rows(source, split, folder)) as rows:
        problems = ((row, _problem(row, question, answer, id)) for row in islice(rows, limit))
        return list(_numbered(problem for _, problem in problems) if is_hub_name(source, folder) else _unique(problems))


def _each(splits: Mapping[str, Sequence[T]], made_of: Callable[[T], Problem]) -> dict[str, list[Problem]]:
    return {split: [made_of(one) for one in splits[split]] for split in splits}


def _from_word_problem(made: word_problems.WordProblem) -> Problem:
    return Problem(made.id, made.question, made.answer, {"template": made.template, "operations": made.operations})


def _from_symbolic(made: symbolic_problems.SymbolicProblem) -> Problem:
    meta = {"names": made.names, "program": made.program, "rationale": made.rationale}
    return Problem(made.id, made.question, made.answer, meta)


def _problem(row: Row, question: str, answer: str, id: str) -> Problem:
    text = row.text(question).strip()
    meta = {name: value for name, value in row.fields.items() if name not in (question, answer, id)}
    solution = row.fields.get(answer)
    if isinstance(solution, str) and (final := _FINAL.findall(solution)):
        row = Row(row.place, {**row.fields, answer: _final_answer(final[-1])})
        meta["rationale"] = solution
    return Problem(_id(row, id) or _id_from(text), text, _gold(row, answer), meta)


def _final_answer(text: str) -> Answer:
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    if re.fullmatch(r"-?\d{1,300}", plain):
        return int(plain)
    return float(plain) if re.fullmatch(r"-?\d{0,300}\.\d+", plain) else text


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
    if isinstance(value, Decimal) and value.is_finite():  # a column of Parquet
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DataError(f"{row.place}: field `{name}` is {json_type(value)}", "Give a number or a string.")
    if not _finite(value):
        raise DataError(
            f"{row.place}: field `{name}` is {shortened(str(value))}", "A gold answer is a finite number or a string."
        )
    return value


def shortened(text: str) -> str:
    """Text as an error shows it, at most 60 characters."""
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


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


def _numbered(problems: Iterable[Problem]) -> Iterable[Problem]:
    """Nobody can mend a published data set: the second of an id becomes `id-2`."""
    seen: Counter[str] = Counter()
    for problem in problems:
        seen[problem.id] += 1
        count = seen[problem.id]
        yield problem if count == 1 else replace(problem, id=f"{problem.id}-{count}")
