"""Runs an experiment cell by cell, and puts all that it measured beside each other.

Samples are bought once, by the run `shared`, which measures the base too; each cell is a run beside it, and takes over
what another one has made already: a student that two arms begin with is trained, asked and measured once. What is done
is kept, so an experiment may be stopped, and an arm may be added, at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict

from pad_ray.comparison import Cell, Comparison
from pad_ray.findings import Finding, Measured, paired, pooled
from pad_ray.pipeline import Pipeline
from pad_ray.records import Row
from pad_ray.results import results_of
from pad_ray.run_folder import Stage
from pad_ray.runtime import ray_running
from pad_ray.storage import Storage

FILE = "comparison.json"
BASE = "base"


def compare(
    comparison: Comparison,
    begin: Callable[[str], None] = lambda name: None,
    measured: Callable[[list[Finding], int], None] = lambda findings, left: None,
) -> list[Finding]:
    """Runs what is missing of an experiment, and writes `comparison.json` after each run.

    Args:
        comparison: a checked experiment.
        begin: hears the name of each run before it starts.
        measured: hears after each run what all have measured so far, and how many are left; an experiment takes hours.

    Raises:
        InputError: a setting, file or model that cannot be used; told before anything is run.
    """
    pipelines = [Pipeline(config) for config in (*comparison.shared, *(cell.config for cell in comparison.cells))]
    for pipeline in pipelines:
        pipeline.folder.others = [other.folder.storage for other in pipelines if other is not pipeline]
    findings: list[Finding] = []
    with _ray(comparison):
        for place, pipeline in enumerate(pipelines):
            begin(pipeline.config.name)
            pipeline.run("base" if place < len(comparison.shared) else "report")
            findings = write_findings(comparison, pipelines)
            measured(findings, len(pipelines) - place - 1)
    return findings


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
    return ray_running(comparison.shared[0].resources, place)


def findings_of(comparison: Comparison, pipelines: Sequence[Pipeline]) -> list[Finding]:
    """All figures, the base first, then by cell; of what is not measured yet there is none.

    Args:
        comparison: the experiment.
        pipelines: those of `shared`, then one for each cell.
    """
    cells = [*(Cell(BASE, 1.0, 0, config) for config in comparison.shared), *comparison.cells]
    apart = [one for cell, pipeline in zip(cells, pipelines, strict=True) for one in _measured(cell, pipeline)]
    measured = pooled(apart)
    reference = {
        one.key: one for one in measured if one.finding.arm == comparison.config.paired_with and one.finding.last
    }
    return [paired(one, reference.get(one.key)) for one in measured]


def _measured(cell: Cell, pipeline: Pipeline) -> list[Measured]:
    stages = [stage for stage in pipeline.stages.values() if stage.record == "prediction" and stage.done]
    found = [one for stage in stages for one in _of_stage(cell, pipeline, stage)]
    return [one for one in found if (one.finding.student == BASE) == (cell.arm == BASE)]


def _of_stage(cell: Cell, pipeline: Pipeline, stage: Stage) -> list[Measured]:
    predictions = stage.read_rows(["benchmark", "split", "problem_id", "k", "verdict"])
    return [
        Measured(_finding(cell, pipeline, row), _right(predictions, row))
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
