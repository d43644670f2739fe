"""Judge a JSONL file of programs or completions: what `pad-ray verify --input A.jsonl --output B.jsonl` does.

Input, one object a line: `answer`, and `program` or `completion` (`program` counts when both are there); `id`
if there is one. A completion of null is a teacher_error.

Output, one object a line in the same order: `id` (the line number where the input has none), `verdict`,
`value` (tagged text, see programs/values.py), `error_class`, `error`, `line`, `forged`, `tier`, `verifier`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from pad_ray.errors import DataError
from pad_ray.programs.answers import parse_gold
from pad_ray.verification import Comparison, Judgement, Limits, Verdict, Verifier

_BATCH = 512
_MAX_LINE_BYTES = 16 * 2**20
_WRITTEN = ("verdict", "value", "error_class", "error", "line", "forged", "tier", "verifier")


@dataclass(frozen=True, slots=True)
class _Row:
    id: Any
    text: str | None
    answer: str | int | float


def verify_file(
    input: Path,
    output: Path,
    *,
    comparison: Comparison | None = None,
    limits: Limits | None = None,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counter[Verdict]:
    """Judge every line of `input` and write the verdicts to `output`.

    The whole input is read through once before anything runs, so a bad line is reported at once; then it is
    read again in batches, in constant memory. `output` appears whole at the end, or not at all.

    Args:
        on_progress: called after each batch with the lines done and the lines there are.

    Returns:
        How many lines got each verdict.

    Raises:
        DataError: a file that cannot be read or written, or a line that lacks something; names the place.
        PlacementError: this machine cannot confine programs.
    """
    _check_place(output)
    total = sum(1 for _ in _read_rows(input))
    counts: Counter[Verdict] = Counter()
    with (
        closing(_read_rows(input)) as rows,
        _written_whole(output) as file,
        Verifier(comparison, limits, workers) as verifier,
    ):
        while batch := list(islice(rows, _BATCH)):
            judgements = verifier.judge([row.text for row in batch], [row.answer for row in batch])
            for row, judgement in zip(batch, judgements, strict=True):
                file.write(json.dumps(_record(row, judgement, verifier.version)) + "\n")
                counts[judgement.verdict] += 1
            if on_progress:
                on_progress(counts.total(), total)
    return counts


def _check_place(output: Path) -> None:
    if output.is_dir():
        raise DataError(f"{output}: is a folder", "Name the file that verdicts are written to.")


def _record(row: _Row, judgement: Judgement, version: str) -> dict[str, Any]:
    columns = judgement.columns(version)
    return {"id": row.id, **{name: columns[name] for name in _WRITTEN}}


def _read_rows(path: Path) -> Generator[_Row, None, None]:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE_BYTES + 1):
                number += 1
                if line.strip():
                    yield _read_row(line, number, f"{path}, line {number}")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def _read_row(line: bytes, number: int, place: str) -> _Row:
    if len(line) > _MAX_LINE_BYTES:
        raise DataError(f"{place}: longer than {_MAX_LINE_BYTES:,} bytes")
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: no JSON ({error})") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: not an object", 'Each line is {"id": …, "program": …, "answer": …}.')
    field = "program" if "program" in row else "completion"
    if field not in row:
        raise DataError(f"{place}: field `program` or `completion` is missing")
    text = row[field]
    if not isinstance(text, str | None):
        raise DataError(f"{place}: field `{field}` is not a string")
    return _Row(row.get("id", number), text, _read_answer(row, place))


def _read_answer(row: dict[str, Any], place: str) -> str | int | float:
    answer = row.get("answer")
    if answer is None:
        raise DataError(f"{place}: field `answer` is missing")
    if not isinstance(answer, str | int | float):
        raise DataError(f"{place}: field `answer` is neither a string nor a number")
    try:
        parse_gold(answer)
    except ValueError as error:
        raise DataError(f"{place}: field `answer`: {error}") from error
    return answer


@contextmanager
def _written_whole(path: Path) -> Iterator[TextIO]:
    """A text file beside `path` that takes its name if all went well and vanishes if not."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="utf-8") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        draft.unlink(missing_ok=True)
