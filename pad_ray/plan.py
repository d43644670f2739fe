"""What a run would do, said before it starts: what is kept, what is gone on with, what is made anew, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.answers import Answers
from pad_ray.benchmarks import State, coverage
from pad_ray.config import RunConfig
from pad_ray.pipeline import Pipeline, Until
from pad_ray.prompts import contaminates
from pad_ray.provenance import shown_settings
from pad_ray.run_folder import Stage
from pad_ray.saved_run import tests_by
from pad_ray.synthesis.stream import summary
from pad_ray.training.settings import TrainingConfig


@dataclass(frozen=True)
class Step:
    """One stage of the plan.

    Attributes:
        state: `kept`, `go on`, `again` (requests at which the teacher failed) or `to do`.
        note: how many rows there are already.
    """

    state: str
    name: str
    id: str
    note: str = ""


def steps(pipeline: Pipeline, until: Until = "report") -> Iterator[Step]:
    """The stages in order, as far as a run goes that is to end there.

    What follows a stage that is still to do has an id only when that one is done.
    """
    known = True
    stages = pipeline.stages
    for name in pipeline.needed(until):
        stage = stages[name]
        step = _step(name, stage, pipeline.sampling) if known else Step("to do", name, "")
        known = known and step.state == "kept"
        yield step


def _step(name: str, stage: Stage, sampling: Answers) -> Step:
    if name != "samples":
        return Step("kept" if stage.done else "to do", name, stage.id)
    facts = summary(stage)
    if sampling.complete:
        return Step("kept", name, stage.id, f"{facts['rows']:,} rows")
    if stage.done:
        return Step("again", name, stage.id, f"{facts['unanswered']:,} requests failed at the teacher")
    if not facts["rows"]:
        return Step("to do", name, stage.id)
    return Step("go on", name, stage.id, f"{facts['rows']:,} rows are there")


def purposes(pipeline: Pipeline) -> dict[str, str]:
    """What each stage is for, in a few words, by its name."""
    config = pipeline.config
    splits = Counter(row["split"] for row in pipeline.problems)
    tests = f"{sum(splits[split] for split in splits if split not in ('train', 'validation')):,} test problems"
    teacher, training = config.teacher, config.training
    *others, last = map(str, config.evaluation.shots)
    shots = f"{', '.join(others)} or {last}" if others else last
    lora = f", LoRA of rank {config.student.lora.rank}" if config.student.lora else ""
    return {
        "problems": ", ".join(f"{count:,} {split}" for split, count in splits.items()),
        "requests": f"{teacher.samples} for each of {splits['train']:,} problems, "
        f"{teacher.shots} worked examples shown",
        "samples": f"{pipeline.teacher.name} writes programs, the sandbox runs them",
        "verdicts": "what an older verifier judged is judged again; nothing is bought",
        "examples": f"what held, at most {config.examples.per_problem} for a problem",
        "base_validation": f"{shots} worked examples, on {splits['validation']:,} problems",
        "base": f"the base model on {tests}",
        "student": f"{Path(pipeline.base.model).name}, {_length(training)}, "
        f"batches of {training.batch_size}, learning rate {training.learning_rate:g}{lora}",
        **{
            tests_by(decoder): f"the student on {tests}" + ("" if decoder == "greedy" else f", by {decoder}")
            for decoder in config.evaluation.decoders
        },
        **{name: _of_round(pipeline, name) for name in pipeline.stages if name.startswith(("round-", "student_val"))},
    }


def _length(training: TrainingConfig) -> str:
    return f"{training.tokens:,} tokens" if training.tokens else f"{training.epochs:g} epochs"


def _of_round(pipeline: Pipeline, name: str) -> str:
    """What a stage of a round is for."""
    settings, validation = pipeline.refinement.settings, len(pipeline.parts.of_split("validation"))
    train, tests = len(pipeline.parts.of_split("train")), len(pipeline.parts.tests)
    drawn = settings.samples * len(settings.temperatures)
    about = {
        "samples": f"the student before it, {drawn} times for each of {train:,} problems",
        "examples": "what held, the student's own, and lessons in repair",
        "validation": f"{validation:,} problems, which say whether there is another round",
        "test": f"{tests:,} test problems",
    }
    if name == "student_validation":
        return about["validation"]
    return about.get(name.partition(" ")[2].partition(" ")[0], "the student, trained on them from the base")


def rounds_ahead(pipeline: Pipeline) -> str:
    """How many rounds may follow those in the plan; empty where there are none."""
    if pipeline.config.refinement is None or pipeline.refinement.reason:
        return ""
    rule = pipeline.refinement.settings.stop
    return f"rounds go on to {rule.rounds} at most, and end after {rule.patience} without a gain beyond the interval"


def warnings(pipeline: Pipeline) -> Iterator[str]:
    """What a reader of results must know: contaminated worked examples, a benchmark of which a part is here."""
    if sentence := contaminates(pipeline.shown):
        yield sentence
    for benchmark in pipeline.benchmarks.values():
        found = coverage(benchmark, pipeline.config.problems.data)
        if found.state is State.PARTIAL:
            yield f"the test problems are a part of {found.benchmark.name}, {found}"
    if sentence := rounds_ahead(pipeline):
        yield sentence


def changed_settings(pipeline: Pipeline) -> list[str]:
    """Settings that differ from those of the run before: `training.epochs: 4 → 8`; secrets show as `***`."""
    import yaml

    text = pipeline.folder.storage.read_text("run.yaml")
    before = yaml.safe_load(text) if text else None
    if not isinstance(before, dict):
        return []
    # What an older version did not know has its default.
    before = _over(RunConfig().model_dump(mode="json", by_alias=True), before)
    now = shown_settings(pipeline.config)
    return [f"{key}: {_plain(old)} → {_plain(new)}" for key, old, new in _differences(before, now)]


def _over(defaults: Any, settings: Any) -> Any:
    """`settings`, with the defaults of what is not among them."""
    if not isinstance(defaults, Mapping) or not isinstance(settings, Mapping):
        return settings
    return {**defaults, **{key: _over(defaults.get(key), value) for key, value in settings.items()}}


def _plain(value: Any) -> str:
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _differences(old: Any, new: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from _differences(old.get(key), new.get(key), f"{prefix}.{key}" if prefix else str(key))
    elif old != new:
        yield prefix, old, new
