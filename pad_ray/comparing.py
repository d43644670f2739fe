"""Runs an experiment cell by cell, and puts all that it measured beside each other.

Samples are bought once, by the run `shared`, which measures the base too; each cell is a run beside it, and takes over
what another one has made already: a student that two arms begin with is trained, asked and measured once. What is done
is kept, so an experiment may be stopped, and an arm may be added, at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace

from pad_ray.comparison import Cell, Comparison
from pad_ray.decoding.settings import TURNS
from pad_ray.evaluation.paired import pair
from pad_ray.pipeline import Pipeline
from pad_ray.records import Row
from pad_ray.results import results_of
from pad_ray.run_folder import Stage
from pad_ray.runtime import ray_running
from pad_ray.storage import Storage

FILE = "comparison.json"
BASE = "base"


@dataclass(frozen=True)
class Finding:
    """One figure of an experiment: a student, or the base, on a split by a decoder.

    Attributes:
        arm, fraction, seed: the cell; the base belongs to none, and has the arm `base`.
        student: `student`, `round-1`, …; `base` of the base.
        last: it is the last student of its cell.
        decoder, benchmark, split: how and on what it was measured.
        n, correct, accuracy, low, high, executable_rate: as rows of results.json have them.
        repaired: of a decoder with repair, see `pad_ray.evaluation.repaired`.
        tokens: tokens that it was trained on, prompts and targets of all passes.
        difference: its accuracy minus that of the reference's last student, same share, seed and decoder, with a 95 %
            interval and McNemar's p; None of the reference itself, and of what has no counterpart.
    """

    arm: str
    fraction: float
    seed: int
    student: str
    last: bool
    decoder: str
    benchmark: str
    split: str
    n: int
    correct: int
    accuracy: float
    low: float
    high: float
    executable_rate: float | None
    repaired: dict[str, int] | None
    tokens: int
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class _Measured:
    """A figure, and the answers that it is made of."""

    finding: Finding
    right: dict[str, bool]

    @property
    def key(self) -> tuple[float, int, str, str, str]:
        one = self.finding
        decoder = "greedy" if one.decoder == TURNS else one.decoder  # two students write what is likeliest, too
        return one.fraction, one.seed, decoder, one.benchmark, one.split


def compare(comparison: Comparison, begin: Callable[[str], None] = lambda name: None) -> list[Finding]:
    """Runs what is missing of an experiment, and writes `comparison.json`.

    Args:
        comparison: a checked experiment.
        begin: hears the name of each run before it starts.

    Raises:
        InputError: a setting, file or model that cannot be used; told before anything is run.
    """
    pipelines = [Pipeline(config) for config in (comparison.shared, *(cell.config for cell in comparison.cells))]
    for pipeline in pipelines:
        pipeline.folder.others = [other.folder.storage for other in pipelines if other is not pipeline]
    with _ray(comparison):
        for pipeline in pipelines:
            begin(pipeline.config.name)
            pipeline.run("base" if pipeline is pipelines[0] else "report")
    return write_findings(comparison, pipelines)


def write_findings(comparison: Comparison, pipelines: Sequence[Pipeline]) -> list[Finding]:
    """Reads what the runs have measured, pairs it, and writes `comparison.json`."""
    findings = findings_of(comparison, pipelines)
    text = json.dumps({"config": comparison.config.model_dump(), "findings": list(map(asdict, findings))}, indent=2)
    folder(comparison).write_text(FILE, text + "\n")
    return findings


def folder(comparison: Comparison) -> Storage:
    """The experiment's folder."""
    return Storage.open(comparison.config.runs) / comparison.config.name


def _ray(comparison: Comparison) -> AbstractContextManager[None]:
    """One Ray for all runs; each would start its own otherwise."""
    place = folder(comparison)
    place.make()
    return ray_running(comparison.shared.resources, place)


def findings_of(comparison: Comparison, pipelines: Sequence[Pipeline]) -> list[Finding]:
    """All figures, the base first, then by cell; of what is not measured yet there is none.

    Args:
        comparison: the experiment.
        pipelines: `shared`, then one for each cell.
    """
    cells = [Cell(BASE, 1.0, 0, comparison.shared), *comparison.cells]
    measured = [one for cell, pipeline in zip(cells, pipelines, strict=True) for one in _measured(cell, pipeline)]
    reference = {
        one.key: one for one in measured if one.finding.arm == comparison.config.paired_with and one.finding.last
    }
    return [_paired(one, reference.get(one.key)) for one in measured]


def _measured(cell: Cell, pipeline: Pipeline) -> list[_Measured]:
    stages = [stage for stage in pipeline.stages.values() if stage.record == "prediction" and stage.done]
    found = [one for stage in stages for one in _of_stage(cell, pipeline, stage)]
    return [one for one in found if (one.finding.student == BASE) == (cell.arm == BASE)]


def _of_stage(cell: Cell, pipeline: Pipeline, stage: Stage) -> list[_Measured]:
    predictions = stage.read_rows(["benchmark", "split", "problem_id", "k", "verdict"])
    return [
        _Measured(_finding(cell, pipeline, row), _right(predictions, row))
        for row in results_of([stage], pipeline.config, pipeline.parts.names)
        if row["split"] != "validation"
    ]


def _right(predictions: Sequence[Row], row: Row) -> dict[str, bool]:
    place = (row["benchmark"], row["split"], row["shots"])
    here = (one for one in predictions if (one["benchmark"], one["split"], one["k"]) == place)
    return {one["problem_id"]: one["verdict"] == "ok" for one in here}


def _finding(cell: Cell, pipeline: Pipeline, row: Row) -> Finding:
    rounds = pipeline.refinement.rounds if pipeline.config.refinement else []
    students = [pipeline.student, *(pipeline.refinement.student(one.number) for one in rounds[1:])]
    marks = {student.name: student.stage.done or {} for student in students}
    figures = ("decoder", "benchmark", "split", "n", "correct", "accuracy", "low", "high", "executable_rate")
    return Finding(
        arm=cell.arm,
        fraction=cell.fraction,
        seed=cell.seed,
        student=row["model"],
        last=row["model"] == students[-1].name,
        repaired=row.get("repaired"),
        tokens=int(marks.get(row["model"], {}).get("tokens", 0)),
        **{name: row[name] for name in figures},
    )


def _paired(one: _Measured, reference: _Measured | None) -> Finding:
    if reference is None or reference is one or not one.right.keys() & reference.right.keys():
        return one.finding
    table = pair(reference.right, one.right)
    low, high = table.interval()
    return replace(
        one.finding, difference=table.difference, difference_low=low, difference_high=high, p_value=table.p_value
    )
