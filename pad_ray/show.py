"""Where a row comes from and what became of it: `pad-ray show`.

    prediction ─▶ request ─▶ problem
    example ─▶ sample (and later verdicts on it) ─▶ request ─▶ problem

Ids of requests, samples, examples and predictions begin with the request's hash (`rid`), so any of them leads to the
whole chain. A problem leads to all that was asked about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pad_ray.errors import InputError
from pad_ray.recipes.edit import shows_wrong
from pad_ray.records import Row
from pad_ray.row_text import Block, plain_value, print_blocks
from pad_ray.run_folder import Stage, latest
from pad_ray.run_tables import RECORDS, RunTables, read
from pad_ray.samples_view import error_text

MIN_PREFIX = 6
_LISTED = 10


def print_chain(run: RunTables, id: str) -> None:
    """Prints the chain of a row.

    Args:
        run: the run.
        id: of a prediction, example, sample, request or problem, or the beginning of one.

    Raises:
        InputError: no row has such an id, several do, or the beginning is too short.
    """
    print_blocks(chain(run, id))


def chain(run: RunTables, id: str) -> list[Block]:
    """The rows of a chain as blocks, from what was made last to the problem; see `print_chain`."""
    kind, key = _find(run, id)
    return list(_of_problem(run, key) if kind == "problems" else _of_request(run, key))


def _find(run: RunTables, id: str) -> tuple[str, str]:
    """The kind and the key that an id stands for: `problems` and a problem's id, or `requests` and a rid."""
    import pyarrow.compute as pc
    from pyarrow import dataset

    kinds = [kind for kind in RECORDS if kind != "verdicts"]
    for condition in (dataset.field("id") == id, pc.starts_with(dataset.field("id"), id)):
        found = {(kind, row["id"]) for kind in kinds for _, row in run.find_rows(kind, condition, ["id"])}
        keys = {("problems", id) if kind == "problems" else ("requests", _rid(id)) for kind, id in found}
        if len(keys) == 1:
            return keys.pop()
        if keys:
            raise InputError(
                f"{len(keys):,} rows have an id that begins with `{id}`: {_listed(keys)}", "Give more of it"
            )
        if len(id) < MIN_PREFIX:
            raise InputError(f"no row has the id `{id}`", f"Give at least {MIN_PREFIX} characters of one")
    raise InputError(
        f"no row in {run.storage.uri} has an id that begins with `{id}`", "`pad-ray samples` shows ids of samples"
    )


def _listed(keys: set[tuple[str, str]]) -> str:
    names = sorted(key for _, key in keys)
    return ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")


def _rid(id: str) -> str:
    """The hash in `<rid>-<attempt>`."""
    return id.rpartition("-")[0]


def _of_request(run: RunTables, rid: str) -> Iterator[Block]:
    """The chain of what was asked once."""
    by_rid = _equals("rid", rid)
    samples = _last(run.find_rows("samples", by_rid))
    predictions = run.find_rows("predictions", by_rid)
    problem_id = None
    for stage, row in predictions:
        problem_id = row["problem_id"]
        yield Block(_title("prediction", stage, row), [*_prediction_facts(row), *_judged(row)])
    for stage, row in [] if predictions else samples:
        problem_id = row["problem_id"]
        yield from _example(run, row)
        yield from _later_verdicts(run, row)
        yield Block(_title("sample", stage, row), _judged(row))
    for stage, row in _last(run.find_rows("requests", by_rid)):
        problem_id = row["problem_id"]
        yield Block(_title("request", stage, row), _request_facts(row))
    for stage, row in run.find_rows("problems", _equals("id", problem_id)):
        yield Block(_title("problem", stage, row), _problem_facts(row))


def _of_problem(run: RunTables, id: str) -> Iterator[Block]:
    """A problem and the ids of all that was asked about it."""
    of_it = _equals("problem_id", id)
    for stage, row in run.find_rows("problems", _equals("id", id)):
        yield Block(_title("problem", stage, row), _problem_facts(row))
    fates = {row["id"]: _fate(row) for _, row in run.find_rows("examples", of_it)}
    predictions = run.find_rows("predictions", of_it)
    answers = [(f"prediction of {row['model']}", row) for _, row in predictions]
    shown = {row["rid"] for _, row in predictions}
    samples = [("sample", row) for _, row in _last(run.find_rows("samples", of_it)) if row["rid"] not in shown]
    lines = [
        (f"{what} {row['id']}", ", ".join(filter(None, (_verdict(run, row), fates.get(row["id"])))))
        for what, row in (*answers, *samples)
    ]
    if lines:
        yield Block("asked about it", lines)


def _equals(column: str, value: str | None) -> Any:
    from pyarrow import dataset

    return dataset.field(column) == (value or "")


def _last(found: list[tuple[Stage, Row]]) -> list[tuple[Stage, Row]]:
    """Of several attempts at a request the last."""
    stages = {row["id"]: stage for stage, row in found}
    return [(stages[row["id"]], row) for row in latest([row for _, row in found])]


def _title(what: str, stage: Stage, row: Row) -> str:
    place = f"{stage.name}/{stage.id}{'' if stage.done else ', unfinished'}"
    return f"{what} {row['id']} ({place})"


def _example(run: RunTables, sample: Row) -> Iterator[Block]:
    found = run.find_rows("examples", _equals("sample_id", sample["id"]))
    for stage, row in found:
        fields = [
            ("training", _fate(row)),
            ("marks", ", ".join(json.loads(row["marks"] or "[]")) or "none"),
            ("prompt", row["prompt"]),
            ("target", row["target"]),
        ]
        yield Block(_title("example", stage, row), fields)
    if found:
        return
    verdict = _verdict(run, sample)
    if verdict != "ok":
        why = f"not used: its verdict is {verdict}"
    else:
        why = "not used: it is none of the examples" if run.newest("examples") else "the examples are not made yet"
    yield Block(f"no example of {sample['id']}", [("training", why)])


def _fate(example: Row) -> str:
    """Whether the student learns from an example."""
    told = ", as what is not to be written" if shows_wrong(example) else ""
    return f"not used: {example['why_not']}" if example["why_not"] else f"used{told}"


def _later_verdicts(run: RunTables, sample: Row) -> Iterator[Block]:
    """What each verifier said of it, the last one first."""
    by_id = _equals("id", sample["id"])
    found = [(stage, row) for place in run.places("verdicts") for stage in place for row in read(stage, by_id)]
    for stage, row in found:
        yield Block(_title("later verdict on", stage, row), _verdict_facts({"teacher_error": None, **row}))


def _verdict(run: RunTables, row: Row) -> str:
    """The latest verdict on a sample."""
    later = run.find_rows("verdicts", _equals("id", row["id"]), ["verdict"])
    return str(later[0][1]["verdict"] if later else row["verdict"])


def _prediction_facts(row: Row) -> list[tuple[str, str | None]]:
    return [
        ("model", f"{row['model']}, {row['decoder']}, {row['k']} worked examples"),
        ("split", f"{row['benchmark']}, {row['split']}"),
    ]


def _judged(row: Row) -> list[tuple[str, str | None]]:
    """What was written and what came of it."""
    written = (
        f"{row['completion_tokens']} tokens after a prompt of {row['prompt_tokens']}, ended by {row['finish_reason']}"
    )
    cost = f"{row['cost']:.6f}" if row["cost"] else None
    return [("completion", row["completion"]), ("tokens", written), ("cost", cost), *_verdict_facts(row)]


def _verdict_facts(row: Row) -> list[tuple[str, str | None]]:
    return [
        ("program", row["program"]),
        ("verdict", row["verdict"]),
        ("value", plain_value(row["value"])),
        ("error", error_text(row)),
        ("forged", "it may have altered its value" if row["forged"] else None),
        ("tier", row["tier"]),
        ("verifier", row["verifier"]),
    ]


def _request_facts(row: Row) -> list[tuple[str, str | None]]:
    return [("model", row["model"]), ("k", str(row["k"])), ("sampling", row["sampling"]), ("prompt", row["prompt"])]


def _problem_facts(row: Row) -> list[tuple[str, str | None]]:
    return [
        ("split", f"{row['benchmark']}, {row['split']}"),
        ("question", row["question"]),
        ("gold", plain_value(row["gold"])),
        ("meta", row["meta"] if row["meta"] not in (None, "{}") else None),
    ]
