"""The verb that judges without buying: `verify`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from pad_ray.cli.parser import Commands, add_command, human_lines, jsonable, print_json, settable
from pad_ray.errors import InputError


def add(commands: Commands[Any]) -> None:
    """Adds `verify`."""
    verify = add_command(
        commands,
        "verify",
        "judge a run's samples again, or the programs in a JSONL file",
        _verify,
        examples="pad-ray verify runs/mine --set verification.absolute=0.01\n"
        "pad-ray verify --input completions.jsonl --output verdicts.jsonl",
        more="Nothing is bought and no model is asked: programs run in the sandbox, and values are compared with gold.",
        resumes=True,
    )
    verify.add_argument("run_folder", nargs="?", metavar="RUN", help="a run's folder; its samples are judged again")
    settable(verify)
    verify.add_argument("--input", type=Path, help="JSONL with `program` or `completion`, and `answer`")
    verify.add_argument("--output", type=Path, help="JSONL to write: one verdict for each line")
    verify.add_argument("--mode", choices=("tolerance", "exact", "round", "string"), default="tolerance")
    verify.add_argument("--relative", type=float, default=1e-6, help="relative tolerance")
    verify.add_argument("--absolute", type=float, default=1e-3, help="absolute tolerance")
    verify.add_argument("--workers", type=int, default=1, help="sandbox workers")
    jsonable(verify)


def _verify(arguments: argparse.Namespace) -> int:
    with human_lines(arguments):
        if arguments.run_folder:
            facts = _verify_run(arguments)
        elif arguments.input and arguments.output:
            facts = _verify_file(arguments)
        else:
            raise InputError("nothing to verify", "Give a run's folder, or --input and --output")
    if arguments.json:
        print_json(facts)
    return 0


def _verify_run(arguments: argparse.Namespace) -> dict[str, Any]:
    from pad_ray.console import print_verdicts
    from pad_ray.pipeline import Pipeline
    from pad_ray.provenance import recorded_config
    from pad_ray.run_tables import RunTables
    from pad_ray.verification import Verdict

    storage = RunTables.find(arguments.run_folder).storage
    facts = Pipeline(recorded_config(storage, arguments.set)).sampling.judge()
    verdicts = {str(verdict): facts[verdict] for verdict in Verdict if facts.get(verdict)}
    print_verdicts(verdicts)
    print(f"judged {facts['judged']:,} samples again; {facts['changed']:,} verdicts changed; none was bought")
    return {"verdicts": verdicts, "judged": facts["judged"], "changed": facts["changed"]}


def _verify_file(arguments: argparse.Namespace) -> dict[str, Any]:
    from pad_ray.console import print_verdicts
    from pad_ray.programs.answers import Comparison, Mode
    from pad_ray.verify_file import verify_file

    most = 8 * (os.cpu_count() or 1)
    if not 1 <= arguments.workers <= most:
        raise InputError(
            f"--workers {arguments.workers} is too {'few' if arguments.workers < 1 else 'many'}", f"Give 1 to {most}"
        )
    try:
        comparison = Comparison(Mode(arguments.mode), arguments.relative, arguments.absolute)
    except ValueError as error:
        raise InputError(f"--relative {arguments.relative}, --absolute {arguments.absolute}: {error}") from None
    counts = verify_file(arguments.input, arguments.output, comparison=comparison, workers=arguments.workers)
    print_verdicts(counts)
    return {"verdicts": {str(verdict): count for verdict, count in counts.items()}, "output": arguments.output}
