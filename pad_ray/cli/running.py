"""Verbs that make something of a configuration: each does what is missing, up to its own end."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from pad_ray.cli.parser import (
    Commands,
    Parser,
    add_command,
    config_argument,
    human_lines,
    jsonable,
    print_json,
    unreachable_flag,
)
from pad_ray.decoding.settings import DECODERS, NAMES, REPAIR
from pad_ray.errors import InputError

if TYPE_CHECKING:
    from pad_ray.pipeline import Pipeline, Until
    from pad_ray.plan import Step

_MISSING = "The plan is printed first; what is there already is kept, and only what is missing is done."


def add(commands: Commands[Parser]) -> None:
    """Adds `run`, `sample`, `train` and `evaluate`."""
    run = _add(
        commands,
        "run",
        "run a whole configuration: sample, verify, train, evaluate, report",
        "pad-ray run jobs/quickstart.yaml\n"
        "pad-ray run mine.yaml --set training.epochs=3      # retrains, keeps every sample\n"
        "pad-ray run mine.yaml --dry-run                    # the plan, and what it would cost",
    )
    run.add_argument(
        "--until",
        choices=("samples", "examples", "student", "report"),
        default="report",
        help="the last thing to make (default: report)",
    )
    _probing(run)
    sample = _add(
        commands,
        "sample",
        "let the teacher write programs and the sandbox judge them; no training",
        "pad-ray sample mine.yaml\npad-ray sample mine.yaml --set teacher.samples=8    # buys only the four more",
        until="samples",
    )
    _probing(sample)
    _add(
        commands,
        "train",
        "train the student on the programs that held, after sampling what is missing",
        "pad-ray train mine.yaml\npad-ray train mine.yaml --set training.learning_rate=1e-4",
        until="student",
        dry_run=False,
    )
    evaluate = _add(
        commands,
        "evaluate",
        "measure base and student on the test problems, after making what is missing",
        "pad-ray evaluate mine.yaml --decoder step-beam\npad-ray evaluate mine.yaml --set problems.test=svamp --json",
        dry_run=False,
    )
    evaluate.add_argument(
        "--decoder",
        choices=NAMES,
        metavar="DECODER",
        action="append",
        help=f"how the student is decoded, of {', '.join(DECODERS)}, or with {REPAIR} behind it; may be given again "
        "(default: `evaluation.decoders`)",
    )


def _add(
    commands: Commands[Parser],
    name: str,
    summary: str,
    examples: str,
    until: Until = "report",
    dry_run: bool | None = None,
) -> Parser:
    command = add_command(commands, name, summary, _run, examples=examples, more=_MISSING, resumes=True)
    config_argument(command)
    unreachable_flag(command)
    jsonable(command)
    command.set_defaults(until=until, dry_run=dry_run)
    return command


def _probing(command: Parser) -> None:
    command.add_argument(
        "--dry-run", action="store_true", default=False, help="print the plan, and a forecast from a small probe"
    )
    command.add_argument(
        "--probe",
        type=int,
        metavar="ROWS",
        help="rows of the probe, which are kept; by default what an engine holds, and 0 asks nothing",
    )


def _run(arguments: argparse.Namespace) -> int:
    from pad_ray.config import load_config
    from pad_ray.parcel import check_runs, under_a_job
    from pad_ray.pipeline import Pipeline

    _check_probe(arguments)
    with human_lines(arguments):
        decoders = getattr(arguments, "decoder", None)
        chosen = [f"evaluation.decoders={json.dumps(decoders)}"] if decoders else []
        config = load_config(arguments.config, [*arguments.set, *chosen])
        if under_a_job():
            check_runs(config)
        pipeline = Pipeline(config)
        _print_plan(pipeline, arguments.until)
        facts = _dry_run(pipeline, arguments) if arguments.dry_run else _work(pipeline, arguments)
    if arguments.json:
        print_json({"run": pipeline.config.name, "folder": pipeline.folder.storage.uri, **facts})
    return 0


def _check_probe(arguments: argparse.Namespace) -> None:
    probe = getattr(arguments, "probe", None)
    if probe is not None and not arguments.dry_run:
        raise InputError(f"--probe {probe} belongs to --dry-run", "Give both, or neither")
    if probe is not None and probe < 0:
        raise InputError(f"--probe {probe} is too few", "Give a number of rows, 0 to ask nothing")


def _print_plan(pipeline: Pipeline, until: Until) -> None:
    from pad_ray.console import print_plan
    from pad_ray.plan import changed_settings, purposes, warnings

    name, place = pipeline.config.name, pipeline.folder.storage.uri
    print_plan(place, name, _steps(pipeline, until), changed_settings(pipeline), purposes(pipeline))
    for sentence in warnings(pipeline):
        print(f"  beware   {sentence}")


def _work(pipeline: Pipeline, arguments: argparse.Namespace) -> dict[str, Any]:
    from pad_ray.console import print_bill, print_results, print_rows, print_serving, print_student
    from pad_ray.forecast import bill
    from pad_ray.report import write_report

    folder = pipeline.folder
    results = pipeline.run(arguments.until, arguments.allow_unreachable)
    if found := bill(pipeline.sampling.samples):
        print_bill(found)
    if arguments.until == "report":
        report = write_report(folder, pipeline.config, pipeline.stages, results)
        print_results(results, report)
        print_serving(pipeline.config, folder.storage.uri)
        return {"results": results, "report": report}
    if arguments.until == "student":
        mark = pipeline.student_stage.done or {}
        print_student(mark, pipeline.student_stage.storage.uri)
        return {"student": pipeline.student_stage.storage.uri, "training": mark}
    print_rows(pipeline.sampling, (folder.storage / "samples").uri)
    return {"samples": pipeline.sampling.samples.storage.uri, "verdicts": pipeline.sampling.verdicts.done}


def _dry_run(pipeline: Pipeline, arguments: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from pad_ray.console import print_forecast

    if arguments.probe == 0:
        return {"plan": [asdict(step) for step in _steps(pipeline, arguments.until)]}
    forecast = pipeline.forecast(arguments.probe, arguments.allow_unreachable)
    print_forecast(forecast)
    return {"forecast": asdict(forecast)}


def _steps(pipeline: Pipeline, until: Until) -> list[Step]:
    from pad_ray.plan import steps

    return list(steps(pipeline, until))
