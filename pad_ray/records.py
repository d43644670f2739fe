"""The records that flow through a run, each one immutable row of a Parquet table with a fixed Arrow schema.

    Problem ─▶ Request ─▶ Sample (with its first verdict) ─▶ Example ─▶ checkpoint ─▶ Prediction

Schemas are fixed because Parquet written by batches drifts otherwise: integers turn to floats, empty columns to null.
Values of any type (gold answers, what programs returned) are carried as tagged text, see `pad_ray.programs.values`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_COMPLETION = {
    "id": "string",
    "rid": "string",
    "attempt": "int32",
    "problem_id": "string",
    "k": "int32",
    "gold": "string",
    "completion": "string",  # null where the teacher failed
    "prompt_tokens": "int32",
    "completion_tokens": "int32",
    "finish_reason": "string",  # stop, length, error
    "teacher_error": "string",
    "seconds": "float64",  # from asking to the answer
    "cost": "float64",  # money, in the currency of `teacher.http`; 0 where the teacher costs none
    "trace": "string",  # JSON: what a decoder considered, see `pad_ray.decoding.trace`; null where it draws at once
}
_JUDGEMENT = {
    "program": "string",
    "verdict": "string",
    "value": "string",
    "error_class": "string",
    "error": "string",
    "line": "int32",
    "forged": "bool",
    "tier": "string",
    "cpu_seconds": "float64",
    "verifier": "string",  # version of the judgement
}

_SCHEMAS: dict[str, dict[str, str]] = {
    "problem": {
        "id": "string",  # unique in the run
        "split": "string",  # train, validation, test, unseen
        "benchmark": "string",
        "question": "string",
        "gold": "string",  # tagged text
        "meta": "string",  # JSON: whatever else the source says
    },
    "request": {
        "id": "string",  # rid and attempt: the key of a row that is asked for once
        "rid": "string",  # hash of everything that shapes the completion
        "attempt": "int32",
        "problem_id": "string",
        "k": "int32",  # the how-manieth sample of the problem
        "prompt": "string",
        "gold": "string",
        "model": "string",
        "sampling": "string",  # JSON: temperature, top_p, max_tokens, seed, stop
    },
    "completion": _COMPLETION,
    "sample": {
        **_COMPLETION,
        "text_hash": "string",
        **_JUDGEMENT,
    },
    "verdict": {"id": "string", **_JUDGEMENT},  # a later judgement on the sample of that id
    "example": {
        "id": "string",
        "sample_id": "string",
        "problem_id": "string",
        "split": "string",  # train or validation
        "prompt": "string",
        "target": "string",
        "task": "string",  # what it teaches, of a recipe with several tasks; null otherwise
        "weight": "float64",  # how much it counts in the loss beside others; null counts 1
        "marks": "string",  # JSON: what is noteworthy about the sample, see `pad_ray.synthesis.marks`
        "used": "bool",  # whether the student learns from it
        "why_not": "string",  # the mark that excludes it, or `per_problem limit`; null where it is used
        "lesson": "string",  # null: question to program; a repair is `injected:<kind>` or `mined:<verdict>`,
        # the wrong one of a pair `edit:<verdict>`
        "broken_id": "string",  # of a repair: the sample that the broken program is, or was made from
        "contrast": "string",  # JSON: of a pair, the other target and how much more or less what differs counts
    },
}
_SCHEMAS["prediction"] = {
    "benchmark": "string",
    "split": "string",
    "model": "string",  # `base` or the checkpoint's name
    "decoder": "string",
    "question": "string",
    **_SCHEMAS["sample"],
}


@lru_cache
def schema(record: str) -> Any:
    """The Arrow schema (`pyarrow.Schema`) of a record, such as `sample`."""
    import pyarrow

    kinds = {
        "string": pyarrow.string(),
        "int32": pyarrow.int32(),
        "float64": pyarrow.float64(),
        "bool": pyarrow.bool_(),
    }
    return pyarrow.schema([(name, kinds[kind]) for name, kind in _SCHEMAS[record].items()])


def table(record: str, rows: list[Row]) -> Any:
    """Rows as a `pyarrow.Table` of the record's schema; keys that a row lacks are null, others are refused."""
    import pyarrow

    columns = _SCHEMAS[record]
    for row in rows:
        if unknown := row.keys() - columns.keys():
            raise ValueError(f"a {record} has no column {sorted(unknown)[0]}")
    return pyarrow.Table.from_pylist(rows, schema=schema(record))


def example_row(**told: Any) -> Row:
    """A row of the record `example` that the student learns from; what is not told is null."""
    return {**dict.fromkeys(columns("example")), "split": "train", "marks": "[]", "used": True, **told}


def columns(record: str) -> list[str]:
    """The record's column names, in order."""
    return list(_SCHEMAS[record])


def content_hash(*parts: Any, length: int = 16) -> str:
    """A short stable hash (hexadecimal) of JSON-like content. Identity is content, never a position."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def file_hash(path: Path, length: int = 16) -> str:
    """`content_hash` of a file's text, which is read a piece at a time."""
    digest = hashlib.sha256(b'["')
    with path.open(encoding="utf-8") as file:
        while piece := file.read(2**20):
            digest.update(json.dumps(piece, ensure_ascii=False)[1:-1].encode())
    digest.update(b'"]')
    return digest.hexdigest()[:length]


def list_hash(items: Iterable[Any], length: int = 16) -> str:
    """`content_hash(list(items))`, without the list: for as many items as do not fit into memory."""
    digest = hashlib.sha256(b"[[")
    for number, item in enumerate(items):
        text = json.dumps(item, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
        digest.update(f"{',' if number else ''}{text}".encode())
    digest.update(b"]]")
    return digest.hexdigest()[:length]
