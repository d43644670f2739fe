"""Verbs of refinement: `refine` runs one round, `rounds` runs them until the stop rule, or lists those of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pad_ray.cli.parser import (
    Commands,
    add_command,
    config_argument,
    human_lines,
    jsonable,
    print_json,
    settable,
    unreachable_flag,
)


def add(commands: Commands[Any]) -> None:
    """Adds the two."""
    refine = add_command(
        commands,
        "refine",
        "run one more round: the student learns from its own errors, after making what is missing",
        _refine,
        examples="pad-ray refine mine.yaml\npad-ray refine mine.yaml --set refinement.repair.mined=1",
        more="A round that was begun is gone on with. What is there already is kept.",
        resumes=True,
    )
    config_argument(refine)
    unreachable_flag(refine)
    jsonable(refine)
    rounds = add_command(
        commands,
        "rounds",
        "run rounds until the stop rule says so, or list those of a run",
        _rounds,
        examples="pad-ray rounds mine.yaml                     # until refinement.stop says so\n"
        "pad-ray rounds runs/mine --json              # what each round sampled, kept, gained and lost",
        more="With a configuration what is missing is run; with a run's folder or name nothing is.",
        resumes=True,
    )
    rounds.add_argument("config", metavar="CONFIG|RUN", help="a YAML file, or a run's folder or name")
    rounds.add_argument("--runs", default="runs", metavar="FOLDER", help="where a run is looked for (default: runs)")
    settable(rounds)
    unreachable_flag(rounds)
    jsonable(rounds)


def _refine(arguments: argparse.Namespace) -> int:
    return _run(arguments, Path(arguments.config), most=1)


def _rounds(arguments: argparse.Namespace) -> int:
    path = Path(arguments.config)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return _run(arguments, path, most=None)
    return _list(arguments)


def _run(arguments: argparse.Namespace, path: Path, most: int | None) -> int:
    from pad_ray.config import load_config
    from pad_ray.console import print_results, print_serving
    from pad_ray.pipeline import Pipeline
    from pad_ray.report import write_report
    from pad_ray.rounds import table_of

    with human_lines(arguments):
        config = load_config(path, arguments.set)
        pipeline = Pipeline(config if config.refinement else load_config(path, [*arguments.set, "refinement={}"]))
        results = pipeline.run("report", arguments.allow_unreachable, most)
        rounds, reason = pipeline.refinement.rounds, pipeline.refinement.reason
        report = write_report(pipeline.folder, pipeline.config, pipeline.stages, results)
        print_results(results, report)
        _print(rounds, reason)
        print_serving(pipeline.config, pipeline.folder.storage.uri)
    if arguments.json:
        print_json({"folder": pipeline.folder.storage.uri, "rounds": table_of(rounds), "stopped": reason})
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from pad_ray.evaluation.stopping import stop_reason
    from pad_ray.rounds import standings, table_of
    from pad_ray.saved_run import SavedRun

    run = SavedRun.find(arguments.config, arguments.runs)
    rounds, refinement = run.rounds, run.config.refinement
    reason = stop_reason(standings(rounds), refinement.stop) if rounds and refinement else None
    if arguments.json:
        print_json({"folder": run.storage.uri, "rounds": table_of(rounds), "stopped": reason, "manifests": rounds})
    else:
        _print(rounds, reason)
    return 0


def _print(rounds: Any, reason: str | None) -> None:
    from pad_ray.console import print_rounds

    print_rounds(rounds, reason)
