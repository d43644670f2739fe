"""The command `pad-ray`: one verb a stage, no logic."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from pad_ray.errors import InputError, PadRayError, PlacementError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0 done, 1 failed, 2 bad input, 130 interrupted.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except PadRayError as error:
        print(f"pad-ray: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("pad-ray: interrupted; the same command goes on from the last finished stage", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints take one line, as all others do."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> _Parser:
    parser = _Parser(prog="pad-ray", description="Teach a small model to reason by writing programs.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = _command(commands, "run", "run a whole configuration: sample, verify, train, evaluate, report", _run)
    run.add_argument("config", type=Path, help="a YAML file, such as jobs/quickstart.yaml")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a setting: training.epochs=3",
    )
    verify = _command(commands, "verify", "judge programs in a JSONL file against their gold answers", _verify)
    verify.add_argument("--input", type=Path, required=True, help="JSONL with `program` or `completion`, and `answer`")
    verify.add_argument("--output", type=Path, required=True, help="JSONL to write: one verdict for each line")
    verify.add_argument("--mode", choices=("tolerance", "exact", "round", "string"), default="tolerance")
    verify.add_argument("--relative", type=float, default=1e-6, help="relative tolerance")
    verify.add_argument("--absolute", type=float, default=1e-3, help="absolute tolerance")
    verify.add_argument("--workers", type=int, default=1, help="sandbox workers")
    doctor = _command(commands, "doctor", "say what this machine can do", _doctor)
    doctor.add_argument("--sandbox", action="store_true", required=True, help="try to escape from the sandbox")
    doctor.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], int],
) -> _Parser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(run=run)
    return command


def _run(arguments: argparse.Namespace) -> int:
    from pad_ray.config import load_config
    from pad_ray.console import print_plan, print_results
    from pad_ray.pipeline import Pipeline
    from pad_ray.report import write_report

    pipeline = Pipeline(load_config(arguments.config, arguments.set))
    print_plan(pipeline)
    results = pipeline.run()
    print_results(results, write_report(pipeline.folder, pipeline.config, vars(pipeline.stages), results))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from pad_ray.console import print_verdicts
    from pad_ray.programs.answers import Comparison, Mode
    from pad_ray.verify_file import verify_file

    if arguments.workers < 1:
        raise InputError(f"--workers {arguments.workers} is too few", "Give 1 or more")
    try:
        comparison = Comparison(Mode(arguments.mode), arguments.relative, arguments.absolute)
    except ValueError as error:
        raise InputError(f"--relative {arguments.relative}, --absolute {arguments.absolute}: {error}") from None
    counts = verify_file(arguments.input, arguments.output, comparison=comparison, workers=arguments.workers)
    print_verdicts(counts)
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from pad_ray.console import print_escapes
    from pad_ray.sandbox import SandboxUnavailable
    from pad_ray.sandbox.doctor import examine

    try:
        escapes = examine()
    except SandboxUnavailable as error:
        raise PlacementError(error.problem, error.mend) from error
    return print_escapes(escapes, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
