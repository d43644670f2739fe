"""Verbs that look at a run and change nothing but its report: `status`, `report`, `show`, `samples`."""

from __future__ import annotations

import argparse
import time
from typing import Any

from pad_ray.cli.parser import Commands, add_command, jsonable, print_json, run_argument, runs_folder


def add(commands: Commands[Any]) -> None:
    """Adds the four."""
    status = add_command(
        commands,
        "status",
        "say how far a run is, from another terminal or when it is over; without a run, of all",
        _status,
        examples="pad-ray status\npad-ray status mine\npad-ray status runs/mine --follow",
    )
    run_argument(status, nargs="?")
    status.add_argument("--follow", action="store_true", help="look again every two seconds until nobody is at work")
    jsonable(status)
    report = add_command(
        commands,
        "report",
        "write the report of a run again, from what is in its folder",
        _report,
        examples="pad-ray report mine\npad-ray report runs/mine",
        more="One HTML file that needs nothing from outside. Neither models nor problem files are needed.",
    )
    run_argument(report)
    jsonable(report)
    show = add_command(
        commands,
        "show",
        "show where a row of a run comes from and what became of it",
        _show,
        examples="pad-ray show mine 3f2a91c0          # ids stand in the output of `pad-ray samples`",
    )
    run_argument(show)
    show.add_argument("id", metavar="ID", help="of a prediction, example, sample, request or problem; or its beginning")
    jsonable(show)
    samples = add_command(
        commands,
        "samples",
        "show what a teacher wrote and what came of it",
        _samples,
        examples="pad-ray samples mine --verdict wrong_answer --limit 3\npad-ray samples mine --json | jq .program",
    )
    run_argument(samples)
    samples.add_argument("--verdict", help="only samples with this verdict, such as wrong_answer")
    samples.add_argument("--verifier", metavar="VERSION", help="whose verdicts; by default of the one that judged last")
    samples.add_argument("--limit", type=int, default=5, help="at most so many samples (default: 5)")
    samples.add_argument("--json", action="store_true", help="print a JSON object a line")


def _status(arguments: argparse.Namespace) -> int:
    from pad_ray.saved_run import SavedRun
    from pad_ray.status import all_runs, status_of
    from pad_ray.status_text import print_runs, print_status

    if arguments.run_folder is None:
        found = list(all_runs(runs_folder(arguments)))
        print_json(found) if arguments.json else print_runs(found, runs_folder(arguments))
        return 0
    while True:
        status = status_of(SavedRun.find(arguments.run_folder, runs_folder(arguments)))
        again = arguments.follow and status.state == "running"
        if not (arguments.json and again):
            print_json(status) if arguments.json else print_status(status)
        if not again:
            return 0
        time.sleep(2)


def _report(arguments: argparse.Namespace) -> int:
    from pad_ray.report import write_report
    from pad_ray.results import measured
    from pad_ray.saved_run import SavedRun

    run = SavedRun.find(arguments.run_folder, runs_folder(arguments))
    results = run.results or measured(run.stages, run.config)  # a run that was stopped has measured a part
    place = write_report(run.folder, run.config, run.stages, results)
    print_json({"run": run.name, "report": place}) if arguments.json else print(f"report: {place}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from pad_ray.run_tables import RunTables
    from pad_ray.show import chain, print_chain

    run = RunTables.find(arguments.run_folder, runs_folder(arguments))
    if arguments.json:
        print_json([{"title": block.title, **dict(block.fields)} for block in chain(run, arguments.id)])
    else:
        print_chain(run, arguments.id)
    return 0


def _samples(arguments: argparse.Namespace) -> int:
    from pad_ray.run_tables import RunTables
    from pad_ray.samples_view import print_samples

    run = RunTables.find(arguments.run_folder, runs_folder(arguments))
    print_samples(run, arguments.verdict, arguments.limit, arguments.verifier, as_json=arguments.json)
    return 0
