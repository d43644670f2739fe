"""The command `pad-ray`: one verb a stage, no logic."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pad_ray.errors import UNREACHABLE_FLAG, InputError, PadRayError, PlacementError

if TYPE_CHECKING:
    from pad_ray.pipeline import Pipeline


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
    _settable(run)
    until = ("samples", "examples", "report")
    run.add_argument("--until", choices=until, default="report", help="the last thing to make")
    run.add_argument("--dry-run", action="store_true", help="print the plan, and a forecast from a small probe")
    run.add_argument("--probe", type=int, metavar="ROWS", help="rows of the probe; by default what an engine holds")
    run.add_argument(UNREACHABLE_FLAG, action="store_true", help="leave samples bought under other settings unused")
    verify = _command(commands, "verify", "judge a run's samples again, or the programs in a JSONL file", _verify)
    verify.add_argument("run_folder", nargs="?", metavar="RUN", help="a run's folder; its samples are judged again")
    _settable(verify)
    verify.add_argument("--input", type=Path, help="JSONL with `program` or `completion`, and `answer`")
    verify.add_argument("--output", type=Path, help="JSONL to write: one verdict for each line")
    verify.add_argument("--mode", choices=("tolerance", "exact", "round", "string"), default="tolerance")
    verify.add_argument("--relative", type=float, default=1e-6, help="relative tolerance")
    verify.add_argument("--absolute", type=float, default=1e-3, help="absolute tolerance")
    verify.add_argument("--workers", type=int, default=1, help="sandbox workers")
    samples = _command(commands, "samples", "show what a teacher wrote and what came of it", _samples)
    samples.add_argument("run_folder", metavar="RUN", help="a run's folder, or its name")
    samples.add_argument("--verdict", help="only samples with this verdict, such as wrong_answer")
    samples.add_argument("--limit", type=int, default=5, help="at most so many samples")
    samples.add_argument("--json", action="store_true", help="a JSON object a line")
    show = _command(commands, "show", "show where a row of a run comes from and what became of it", _show)
    show.add_argument("run_folder", metavar="RUN", help="a run's folder, or its name")
    show.add_argument("id", metavar="ID", help="of a prediction, example, sample, request or problem; or its beginning")
    export = _command(commands, "export", "take out of a run what it made: student or examples", _export)
    export.add_argument("run_folder", metavar="RUN", help="a run's folder, or its name")
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("--merge", nargs="?", const="", metavar="FOLDER", help="merge the LoRA adapter into its base")
    what.add_argument("--push", metavar="ORG/NAME", help="upload the student to a hub; HF_TOKEN is the token")
    what.add_argument("--jsonl", type=Path, metavar="FILE", help="write the examples, for other trainers")
    export.add_argument("--merged", action="store_true", help="with --push: merge an adapter first")
    export.add_argument("--public", action="store_true", help="with --push: make a public repository")
    forms = ("prompt-completion", "messages")
    export.add_argument("--format", choices=forms, default=forms[0], help="with --jsonl: fields of a line")
    for looking in (samples, show, export):
        looking.add_argument("--runs", default="runs", help="where run folders are kept")
    doctor = _command(commands, "doctor", "say what this machine can do", _doctor)
    doctor.add_argument("--sandbox", action="store_true", required=True, help="try to escape from the sandbox")
    doctor.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def _settable(command: _Parser) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a setting: training.epochs=3",
    )


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
    from pad_ray.console import print_bill, print_plan, print_results, print_rows
    from pad_ray.forecast import bill
    from pad_ray.pipeline import Pipeline
    from pad_ray.plan import changed_settings, steps
    from pad_ray.prompts import contaminates
    from pad_ray.report import write_report

    pipeline = Pipeline(load_config(arguments.config, arguments.set))
    folder = pipeline.folder
    print_plan(folder.storage.uri, pipeline.config.name, steps(pipeline), changed_settings(pipeline))
    if sentence := contaminates(pipeline.config.teacher.examples):
        print(f"  beware   {sentence}")
    if arguments.dry_run:
        return _forecast(pipeline, arguments)
    results = pipeline.run(arguments.until, arguments.allow_unreachable)
    if found := bill(pipeline.sampling.samples):
        print_bill(found)
    if arguments.until != "report":
        print_rows(pipeline.sampling, folder.storage.uri)
        return 0
    print_results(results, write_report(folder, pipeline.config, pipeline.stages, results))
    return 0


def _forecast(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    from pad_ray.console import print_forecast
    from pad_ray.forecast import probe
    from pad_ray.runtime import start_ray

    with pipeline.folder.locked():
        pipeline.prepare(arguments.allow_unreachable)
        if not pipeline.sampling.complete:
            start_ray(pipeline.config.resources)
        print_forecast(probe(pipeline.sampling, pipeline.teacher, arguments.probe))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.run_folder:
        return _verify_run(arguments)
    if not (arguments.input and arguments.output):
        raise InputError("nothing to verify", "Give a run's folder, or --input and --output")
    return _verify_file(arguments)


def _verify_run(arguments: argparse.Namespace) -> int:
    from pad_ray.config import load_config
    from pad_ray.console import print_verdicts
    from pad_ray.pipeline import Pipeline
    from pad_ray.verification import Verdict

    folder = Path(arguments.run_folder)
    config = load_config(folder / "run.yaml", arguments.set)
    pipeline = Pipeline(config.model_copy(update={"runs": str(folder.resolve().parent), "name": folder.resolve().name}))
    facts = pipeline.sampling.judge()
    print_verdicts({verdict: facts[verdict] for verdict in Verdict if facts.get(verdict)})
    print(f"judged {facts['judged']:,} samples again; {facts['changed']:,} verdicts changed; none was bought")
    return 0


def _verify_file(arguments: argparse.Namespace) -> int:
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


def _samples(arguments: argparse.Namespace) -> int:
    from pad_ray.run_tables import RunTables
    from pad_ray.samples_view import print_samples

    run = RunTables.find(arguments.run_folder, arguments.runs)
    print_samples(run, arguments.verdict, arguments.limit, as_json=arguments.json)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from pad_ray.run_tables import RunTables
    from pad_ray.show import print_chain

    print_chain(RunTables.find(arguments.run_folder, arguments.runs), arguments.id)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from pad_ray.export import merge_adapter, push_student, write_jsonl
    from pad_ray.run_tables import RunTables
    from pad_ray.storage import Storage

    run = RunTables.find(arguments.run_folder, arguments.runs).storage
    if arguments.push:
        print(push_student(run, arguments.push, merged=arguments.merged, public=arguments.public))
    elif arguments.jsonl:
        print(f"{write_jsonl(run, arguments.jsonl, arguments.format):,} examples in {arguments.jsonl}")
    else:
        print(merge_adapter(run, Storage.open(arguments.merge) if arguments.merge else None).uri)
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
