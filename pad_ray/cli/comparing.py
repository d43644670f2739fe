"""The verb that runs an experiment: `compare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pad_ray.cli.parser import Commands, add_command, human_lines, jsonable, print_json, settable

if TYPE_CHECKING:
    from pad_ray.comparison import Comparison


def add(commands: Commands[Any]) -> None:
    """Adds `compare`."""
    compare = add_command(
        commands,
        "compare",
        "run an experiment: arms over the same problems, under one budget, with paired tests",
        _compare,
        examples="pad-ray compare jobs/compare.yaml\n"
        "pad-ray compare jobs/compare.yaml --dry-run           # the runs that it has, and what is missing of each\n"
        "pad-ray compare mine.yaml --set tokens=300000 --json",
        more="Each cell is a run of its own: what is done is kept, and another arm re-runs nothing.",
        resumes=True,
    )
    compare.add_argument("config", type=Path, metavar="CONFIG", help="a YAML file, such as jobs/compare.yaml")
    settable(compare)
    compare.add_argument("--dry-run", action="store_true", help="print the runs, and what is missing of each")
    jsonable(compare)


def _compare(arguments: argparse.Namespace) -> int:
    from pad_ray.comparing import compare, folder
    from pad_ray.comparison import load_comparison
    from pad_ray.console import print_findings
    from pad_ray.report.comparison import FILE, comparison_page

    comparison = load_comparison(arguments.config, arguments.set)
    if arguments.dry_run:
        return _plan(comparison, arguments)
    place = folder(comparison)
    with human_lines(arguments):
        findings = compare(
            comparison,
            begin=lambda name: print(f"\nrun {name}"),
            measured=lambda found, left: place.write_text(FILE, comparison_page(comparison, found, left)),
        )
        print_findings(findings)
        print(f"\nreport: {(place / FILE).uri}")
    if arguments.json:
        print_json({"folder": place.uri, "findings": findings})
    return 0


def _plan(comparison: Comparison, arguments: argparse.Namespace) -> int:
    from pad_ray.pipeline import Pipeline
    from pad_ray.plan import steps

    found = {}
    for config, until in [
        *((one, "base") for one in comparison.shared),
        *((cell.config, "report") for cell in comparison.cells),
    ]:
        planned = list(steps(Pipeline(config), until))  # type: ignore[arg-type]  # one of two literals
        found[config.name] = [step.name for step in planned if step.state != "kept"]
    if arguments.json:
        print_json(found)
    else:
        for name, missing in found.items():
            print(f"{name:<32} {', '.join(missing) or 'all is done'}")
    return 0
