"""A run as a report finds it: real folder, stages and records, with programs such as small models write."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import RunConfig, parse_config
from pad_ray.evaluation.metrics import summarise
from pad_ray.programs.values import encode
from pad_ray.provenance import provenance
from pad_ray.records import Row
from pad_ray.report import write_report
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.word_problems import WordProblem, generate

SIZES = {"train": 24, "validation": 12, "test": 60, "unseen": 30}

# Verdict, exception, message: the ways in which a program fails, as often as a small model fails so.
FAILURES = [
    *[("wrong_answer", None, None)] * 5,
    *[("syntax_error", "SyntaxError", "invalid syntax")] * 2,
    *[("name_error", "NameError", "name 'friend' is not defined")] * 2,
    ("unbound_local", "UnboundLocalError", "local variable 'total' referenced before assignment"),
    ("runtime_error", "ZeroDivisionError", "division by zero"),
    ("no_answer", None, "the program returns None"),
]
RECORDS = {
    "problems": "problem",
    "requests": "request",
    "samples": "sample",
    "examples": "example",
    "student": "",
    "base_validation": "prediction",
    "base": "prediction",
    "student_test": "prediction",
}
PLACES = {name: f"evaluation/{name}" for name in ("base_validation", "base", "student_test")}


@dataclass
class Run:
    """A run folder with what was done in it; `page()` writes the report and reads it."""

    folder: RunFolder
    config: RunConfig
    stages: dict[str, Stage]
    results: list[dict[str, Any]] = field(default_factory=list)

    def finish(self, name: str, rows: Sequence[Row] = (), **facts: Any) -> None:
        """Does a stage: its rows, its done mark, its event."""
        stage = self.stages[name]
        with self.folder.working(stage) as mark:
            if stage.record:
                stage.write_rows(rows)
                mark["rows"] = len(rows)
            mark.update(facts)

    def page(self) -> str:
        """The text of the report."""
        place = write_report(self.folder, self.config, self.stages, self.results)
        return Path(place).read_text(encoding="utf-8")


def sample(problem: WordProblem, right: bool, draw: random.Random, k: int = 0) -> Row:
    """A judged completion that is right or not."""
    row: Row = {
        "id": f"{problem.id}-{k}",
        "problem_id": problem.id,
        "k": k,
        "gold": encode(problem.answer),
        "prompt_tokens": 410,
        "completion_tokens": 48,
        "finish_reason": "stop",
        "forged": False,
        "tier": "monty",
    }
    lines = problem.program.strip().splitlines()
    if right:
        return {**row, **judged(problem.program.strip(), "ok", encode(problem.answer))}
    verdict, error_class, error = draw.choice(FAILURES)
    value = encode(problem.answer + draw.randint(1, 30)) if verdict == "wrong_answer" else None
    program = "\n".join([*lines[:-2], f"    result = {lines[1].split()[0]}", lines[-1]])
    return {**row, **judged(program, verdict, value), "error_class": error_class, "error": error}


def judged(program: str, verdict: str, value: str | None) -> Row:
    """The columns of a sample that come with its verdict."""
    completion = program.removeprefix("def solution():")
    return {"program": program, "completion": completion, "verdict": verdict, "value": value}


def predictions(problems: Sequence[WordProblem], model: str, share: float, shots: int = 0, seed: int = 0) -> list[Row]:
    """Predictions of which a share is right, to the nearest problem."""
    draw = random.Random(f"{model} {shots} {seed}")
    right = set(draw.sample(range(len(problems)), round(share * len(problems))))
    facts = {"benchmark": "quickstart", "model": model, "decoder": "greedy"}
    return [
        {**sample(p, n in right, draw, shots), **facts, "split": p.id.split("-")[1], "question": p.question}
        for n, p in enumerate(problems)
    ]


def measure(run: Run, name: str, rows: Sequence[Row]) -> None:
    """Does a stage of predictions and adds its results, as the pipeline does."""
    run.finish(name, rows, tokens=48 * len(rows), **Counter(row["verdict"] for row in rows))
    for shots in sorted({row["k"] for row in rows}):
        chosen = [row for row in rows if row["k"] == shots]
        run.results += summarise(chosen, model=chosen[0]["model"], recipe="pad", decoder="greedy", shots=shots, seed=0)


def new_run(runs: Path) -> Run:
    """A run of which nothing is done."""
    settings = {"name": "demo", "runs": str(runs), "teacher": {"samples": 3}, "problems": {"sizes": SIZES}}
    folder = RunFolder.open(str(runs), "demo")
    stages = {
        name: Stage(name, f"id-{name}", folder.storage / PLACES.get(name, name) / f"id-{name}", record)
        for name, record in RECORDS.items()
    }
    return Run(folder, parse_config(settings), stages)


def whole_run(runs: Path, base: float = 0.1, student: float = 0.6, held: float = 0.3) -> Run:
    """A run in which base and student answer a share of the problems right, and so much of the teacher held."""
    run, splits = new_run(runs), generate(0, SIZES)
    _synthesise(run, splits, held)
    tests = splits["test"] + splits["unseen"]
    for_prompts = [predictions(splits["validation"], "base", base * k / 4, k) for k in (0, 4)]
    measure(run, "base_validation", [row for rows in for_prompts for row in rows])
    measure(run, "base", predictions(tests, "base", base, 4))
    train(run, [1.4 * 0.98**step + 0.2 for step in range(40)])
    measure(run, "student_test", predictions(tests, "student", student))
    (run.folder.storage / "evaluation").write_text("results.json", json.dumps(run.results))
    return run


@pytest.fixture
def empty_run(tmp_path: Path) -> Run:
    """A run of which nothing is done."""
    return new_run(tmp_path)


MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes a whole run, see `whole_run`."""
    return partial(whole_run, tmp_path)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run, to be read only."""
    return whole_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def page(run: Run) -> str:
    """Its report."""
    return run.page()


@pytest.fixture(scope="session")
def document(page: str) -> Document:
    """The same, parsed."""
    return Document(page)


def _synthesise(run: Run, splits: dict[str, list[WordProblem]], held: float) -> None:
    """Problems, requests, samples and examples."""
    draw = random.Random(0)
    run.folder.storage.write_text("run.yaml", provenance(run.config))
    run.finish("problems", [problem_row(p, split) for split, problems in splits.items() for p in problems])
    run.finish("requests", [{"id": f"{p.id}-{k}", "k": k} for p in splits["train"] for k in range(3)])
    samples = [sample(p, draw.random() < held, draw, k) for p in splits["train"] for k in range(3)]
    run.finish("samples", samples, tokens=48 * len(samples))
    seen: set[str] = set()
    examples = []
    for row in samples:
        if row["verdict"] == "ok":
            used = row["problem_id"] not in seen
            seen.add(row["problem_id"])
            facts = {"problem_id": row["problem_id"], "split": "train", "why_not": None if used else "duplicate"}
            examples.append({"id": row["id"], "used": used, **facts})
    run.finish("examples", examples)


def problem_row(problem: WordProblem, split: str) -> Row:
    """As `pad_ray.splits` makes it."""
    meta = json.dumps({"operations": problem.operations, "template": problem.template})
    return {"id": problem.id, "split": split, "benchmark": "quickstart", "question": problem.question,
            "gold": encode(problem.answer), "meta": meta}  # fmt: skip


def train(run: Run, losses: Sequence[float]) -> None:
    """Does the student's stage, with a loss curve and no weights."""
    records = [{"step": n + 1, "loss": loss, "tokens": 2_000, "learning_rate": 3e-4} for n, loss in enumerate(losses)]
    run.finish("student", examples=14, problems=14, steps=len(losses), tokens=2_000 * len(losses))
    text = "".join(json.dumps(record) + "\n" for record in records)
    run.stages["student"].storage.write_text("metrics.jsonl", text)


class Document(HTMLParser):
    """A parsed page: its elements with attributes, its text, and what is wrong with its nesting."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"{tag} is closed out of turn, line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data.replace("\u00a0", " ")

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of all elements of a tag."""
        return [attributes for found, attributes in self.elements if found == tag]

    def values(self, key: str) -> list[str]:
        """Values of an attribute, of all elements that have it."""
        return [attributes[key] for _, attributes in self.elements if key in attributes]


Parse = Callable[[str], Document]


@pytest.fixture
def parse() -> Parse:
    """Reads a page."""
    return Document
