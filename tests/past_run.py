"""A run folder as a run leaves it: real stages and records, small enough to read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pad_ray.config import ExamplesConfig
from pad_ray.recipes import recipe_named
from pad_ray.records import Row
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.marks import mark_samples

QUESTIONS = {f"train-{n}": f"Ann has {n} nuts and finds 20. How many has she?" for n in (1, 2, 10)}
RIGHT = "def solution():\n    nuts = {n}\n    return nuts + 20"


def finish(folder: RunFolder, name: str, rows: Sequence[Row], settings: Any = None, done: int | None = 1) -> Stage:
    """Writes a stage's rows and, unless `done` is None, its done mark of that time (in seconds)."""
    kind = name.rpartition("/")[2]
    stage = folder.stage(name, settings, record=kind.removesuffix("s"))
    with folder.working(stage):
        stage.write_rows(rows)
    mark = Path(stage.storage.path) / "done.json"
    if done is None:
        mark.unlink()
    else:
        os.utime(mark, (done, done))
    return stage


def request(rid: str, problem: str = "train-1", k: int = 0) -> Row:
    """What a model is asked; two lines of prompt."""
    return {
        "id": f"{rid}-0",
        "rid": rid,
        "attempt": 0,
        "problem_id": problem,
        "k": k,
        "prompt": f"Question: {QUESTIONS[problem]}\nSolution:",
        "gold": f"int:{20 + int(problem.rpartition('-')[2])}",
        "model": "teacher-of-all",
        "sampling": '{"temperature": 0.7}',
    }


def sample(rid: str, problem: str = "train-1", attempt: int = 0, **facts: Any) -> Row:
    """A right answer, unless the facts say otherwise."""
    asked = {
        name: value for name, value in request(rid, problem).items() if name not in ("prompt", "model", "sampling")
    }
    n = problem.rpartition("-")[2]
    program = RIGHT.format(n=n)
    return {
        **asked,
        "id": f"{rid}-{attempt}",
        "attempt": attempt,
        "completion": program.removeprefix("def solution():"),
        "prompt_tokens": 30,
        "completion_tokens": 12,
        "finish_reason": "stop",
        "cost": 0.0,
        "program": program,
        "verdict": "ok",
        "value": asked["gold"],
        "forged": False,
        "tier": "monty",
        "verifier": "1-first",
        **facts,
    }


def wrong(rid: str, problem: str = "train-1", **facts: Any) -> Row:
    """An answer that ended in an error."""
    said = {"error_class": "NameError", "error": "name 'nut' is not defined", "line": 3}
    return sample(rid, problem, **{"verdict": "name_error", "value": None, **said, **facts})


def write_run(runs: Path, name: str = "small") -> RunFolder:
    """A run with a right sample, a copy of it, a wrong one, examples of them and a student's prediction."""
    folder = RunFolder.open(str(runs), name)
    problems = [
        {
            "id": id,
            "split": "train",
            "benchmark": "nuts",
            "question": text,
            "gold": f"int:{20 + int(id[6:])}",
            "meta": "{}",
        }
        for id, text in QUESTIONS.items()
    ]
    samples = [sample("aaaaaa1"), sample("aaaaaa2"), wrong("bbbbbb1", "train-2")]
    marks = mark_samples(samples, QUESTIONS)
    examples = make_examples(samples, QUESTIONS, recipe_named("pad"), ExamplesConfig(), marks)
    facts = {"benchmark": "nuts", "split": "test", "model": "student", "decoder": "greedy"}
    prediction = {**sample("cccccc1", "train-10"), **facts, "question": QUESTIONS["train-10"]}
    finish(folder, "problems", problems)
    finish(folder, "requests", [request("aaaaaa1"), request("aaaaaa2", k=1), request("bbbbbb1", "train-2")])
    finish(folder, "samples", samples)
    finish(folder, "examples", examples)
    finish(folder, "evaluation/student/requests", [request("cccccc1", "train-10")])
    finish(folder, "evaluation/student/samples", [sample("cccccc1", "train-10")])
    finish(folder, "evaluation/student/predictions", [prediction])
    return folder
