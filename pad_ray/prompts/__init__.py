"""Worked examples for few-shot prompting, one JSON Lines file a task.

A line is `{"set": 1, "question": ..., "program": ..., "answer": ...}`. Examples of one
`set` go into one prompt, as in PaD (arXiv 2305.13888), which asks with 8 contexts of 4 examples. None of the
built-in examples is a problem that pad-ray trains or evaluates on; those of `paper-replay` are (see replay.py).

Examples for recipes in words and in subquestions have `steps` too: `[{"question": …, "solution": …, "answer": …}, …]`.
"""

from __future__ import annotations

import ast
from importlib import resources
from pathlib import Path

from pad_ray.decompositions import Step
from pad_ray.errors import DataError
from pad_ray.jsonl import Row, json_type, read_rows
from pad_ray.prompts.replay import NAME as REPLAY
from pad_ray.prompts.replay import contaminates, replay_examples
from pad_ray.prompts.worked_example import WorkedExample

__all__ = ["BUILTIN", "REPLAY", "WorkedExample", "contaminates", "load_examples"]

BUILTIN = ("arithmetic", "socratic", "coin_flip", "last_letters")


def load_examples(path_or_name: str | Path, folder: str | Path | None = None) -> list[WorkedExample]:
    """Worked examples in the order of their file.

    Args:
        path_or_name: "arithmetic" (built in: 8 sets of 4, each from one operation to three), "socratic", "coin_flip",
            "last_letters" (built in: 2 sets of 4 with steps each), "paper-replay" (GSM8K test questions as in the
            paper, from the data folder), or the path of a JSON Lines file with `set` (whole number), `question`,
            `program`, and optionally `answer` and `steps`.
        folder: the data folder; by default the one that `PAD_RAY_DATA` names.

    Raises:
        DataError: no such file or name, a malformed line, a missing or mistyped field, a program
            that does not parse.
    """
    if str(path_or_name) == REPLAY:
        return replay_examples(folder)
    if str(path_or_name) in BUILTIN:
        with resources.as_file(resources.files(__name__) / f"{path_or_name}.jsonl") as path:
            return [_example(row) for row in list(read_rows(path))]
    path = Path(path_or_name)
    if not path.suffix and not path.exists():
        raise DataError(
            f"{path}: no such file, and no built-in examples of that name",
            f"Built in: {', '.join((*BUILTIN, REPLAY))}.",
        )
    return [_example(row) for row in list(read_rows(path))]


def _example(row: Row) -> WorkedExample:
    number = row.fields.get("set")
    if not isinstance(number, int) or isinstance(number, bool):
        found = json_type(number) if "set" in row.fields else "missing"
        raise DataError(f"{row.place}: field `set` is {found}", "Give the number of the example's context set.")
    program = row.text("program").strip()
    _check_program(program, row.place)
    return WorkedExample(number, row.text("question").strip(), program, _answer(row), _steps(row))


def _check_program(program: str, place: str) -> None:
    try:
        body = ast.parse(program).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise DataError(f"{place}: field `program` is no Python ({error})", "Mend the program.") from None
    if not any(isinstance(node, ast.FunctionDef) and node.name == "solution" for node in body):
        raise DataError(f"{place}: field `program` defines no `solution`", "Write it as `def solution():`.")


def _steps(row: Row) -> tuple[Step, ...]:
    listed = row.fields.get("steps", [])
    if not isinstance(listed, list):
        raise DataError(f"{row.place}: field `steps` is {json_type(listed)}", _STEPS)
    return tuple(_step(one, row.place) for one in listed)


def _step(fields: object, place: str) -> Step:
    texts = [fields.get(name) for name in ("question", "solution", "answer")] if isinstance(fields, dict) else []
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise DataError(f"{place}: field `steps` is not of the form", _STEPS)
    question, solution, answer = map(str, texts)
    return Step(question, solution, answer)


_STEPS = 'Give `[{"question": …, "solution": …, "answer": …}, …]`, all of them texts.'


def _answer(row: Row) -> int | float | str | None:
    answer = row.fields.get("answer")
    if answer is None or (isinstance(answer, int | float | str) and not isinstance(answer, bool)):
        return answer
    raise DataError(f"{row.place}: field `answer` is {json_type(answer)}", "Give a number or a string.")
