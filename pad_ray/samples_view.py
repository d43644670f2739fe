"""What a teacher wrote and what came of it, for people to look at: `pad-ray samples`."""

from __future__ import annotations

import json
from typing import Any

from pad_ray.errors import InputError
from pad_ray.records import Row
from pad_ray.row_text import Block, plain_value, print_blocks, print_lines
from pad_ray.run_folder import latest
from pad_ray.run_tables import RunTables, read
from pad_ray.verification import Verdict


def sample_rows(run: RunTables, verdict: str | None = None, limit: int = 5, verifier: str | None = None) -> list[Row]:
    """The first samples of a run by id, with their verdicts and their questions.

    Args:
        run: the run.
        verdict: only samples with this one.
        limit: at most so many.
        verifier: whose verdicts, by its version; by default those of the one that judged last.

    Returns:
        Sample rows with a further key `question`, None where the problem is not there.

    Raises:
        InputError: no such verdict or verifier, a limit below 1, or a run without samples.
    """
    if verdict is not None and verdict not in list(Verdict):
        raise InputError(f"there is no verdict `{verdict}`", f"There are: {', '.join(Verdict)}")
    if limit < 1:
        raise InputError(f"a limit of {limit} shows nothing", "Give 1 or more")
    stage = run.newest("samples")
    if stage is None:
        raise InputError(f"{run.storage.uri} holds no samples", "Look at a run that has begun to sample")
    judged = run.verdicts(verifier)
    later = {row["id"]: row for row in read(judged, only=["id", "verdict", "verifier"])} if judged else {}
    rows = latest(read(stage, only=["id", "rid", "attempt", "verdict", "verifier"]))
    told = [(row["id"], later.get(row["id"], row)) for row in rows]
    if verifier:
        told = [(id, said) for id, said in told if said["verifier"] == verifier]
        if not told:
            raise _no_such_verifier(run, verifier, {row["verifier"] for row in rows if row["verifier"]})
    chosen = _among([id for id, said in told if verdict in (None, said["verdict"])][:limit])
    again = {row["id"]: row for row in read(judged, chosen)} if judged else {}
    found = [{**row, **again.get(row["id"], {})} for row in latest(read(stage, chosen))]
    asked = _among([row["problem_id"] for row in found])
    questions = {row["id"]: row["question"] for _, row in run.find_rows("problems", asked, ["id", "question"])}
    return [{**row, "question": questions.get(row["problem_id"])} for row in found]


def _no_such_verifier(run: RunTables, verifier: str, first: set[str]) -> InputError:
    marks = [stage.done for stages in run.places("verdicts") for stage in stages if stage.name == "verdicts"]
    known = first | {mark["verifier"] for mark in marks if mark and "verifier" in mark}
    return InputError(f"no verifier `{verifier}` judged these samples", f"There are: {', '.join(sorted(known))}")


def _among(ids: list[str]) -> Any:
    """The condition that a row's id is one of these, of which there may be none."""
    import pyarrow
    from pyarrow import dataset

    return dataset.field("id").isin(pyarrow.array(ids, pyarrow.string()))


def print_samples(
    run: RunTables, verdict: str | None = None, limit: int = 5, verifier: str | None = None, as_json: bool = False
) -> None:
    """Prints samples: blocks of text, or a JSON object a line.

    Raises:
        InputError: as `sample_rows`.
    """
    rows = sample_rows(run, verdict, limit, verifier)
    if as_json:
        print_lines(json.dumps(row) for row in rows)
    elif not rows:
        print(f"no samples with the verdict {verdict}" if verdict else "no samples yet")
    else:
        print_blocks(map(sample_block, rows))


def sample_block(row: Row) -> Block:
    """A sample as it is shown."""
    return Block(
        f"sample {row['id']}: {row['verdict']}",
        [
            ("problem", row["problem_id"]),
            ("question", row["question"]),
            ("gold", plain_value(row["gold"])),
            ("program", row["program"]),
            ("completion", row["completion"] if row["program"] is None else None),
            ("value", plain_value(row["value"])),
            ("error", error_text(row)),
            ("verifier", row["verifier"]),
        ],
    )


def error_text(row: Row) -> str | None:
    """What went wrong, in one line: the teacher's trouble, or the exception and the line of the program."""
    if row["teacher_error"]:
        return str(row["teacher_error"])
    said = ": ".join(part for part in (row["error_class"], row["error"]) if part)
    return f"{said} (line {row['line']})" if said and row["line"] else said or None
