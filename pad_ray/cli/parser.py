"""How commands are spelt: one form of help, one line for what is wrong."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

from pad_ray import __version__
from pad_ray.errors import UNREACHABLE_FLAG

Commands = argparse._SubParsersAction

_EPILOG = """\
first steps:
  pad-ray doctor                      what this machine can do
  pad-ray init                        a commented configuration to start from
  pad-ray run quickstart.yaml         sample, verify, train, evaluate, report

Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted.
`pad-ray COMMAND --help` shows an example of each. Completion: `pad-ray completion --help`.
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help as wide as lines of text are read well."""

    def __init__(self, prog: str) -> None:
        import shutil

        super().__init__(prog, max_help_position=22, width=min(100, shutil.get_terminal_size().columns))


class Parser(argparse.ArgumentParser):
    """A parser whose complaints take one line, as all others do."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def new_parser() -> tuple[Parser, Commands[Parser]]:
    """The parser of `pad-ray`, and the place for its commands."""
    top = Parser(
        prog="pad-ray",
        description="Teach a small model to reason by writing programs.",
        epilog=_EPILOG,
        formatter_class=_Help,
    )
    top.add_argument("--version", action="version", version=f"pad-ray {__version__}")
    return top, top.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")


def add_command(
    commands: Commands[Parser],
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], int],
    *,
    examples: str,
    more: str = "",
    resumes: bool = False,
) -> Parser:
    """Adds a command.

    Args:
        commands: where it belongs.
        name: its verb.
        summary: what it does, in a line.
        run: does it, and returns the exit code.
        examples: command lines, each with what it does.
        more: further sentences for its own help.
        resumes: whether the same command goes on where it was interrupted.
    """
    summary = summary[0].upper() + summary[1:]
    command = commands.add_parser(
        name,
        help=summary[0].lower() + summary[1:],
        description=f"{summary}.{' ' if more else ''}{more}",
        epilog="examples:\n" + "".join(f"  {line}\n" for line in examples.strip().splitlines()),
        formatter_class=_Help,
    )
    command.description = "\n".join(_wrapped(command.description or ""))
    command.set_defaults(run=run, resumes=resumes)
    return command


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 88)


def config_argument(command: Parser) -> None:
    """The positional configuration, and what overrides it."""
    command.add_argument("config", type=Path, metavar="CONFIG", help="a YAML file, such as jobs/quickstart.yaml")
    settable(command)


def settable(command: Parser) -> None:
    """`--set`."""
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a setting, as often as you like: --set training.epochs=3",
    )


def jsonable(command: Parser) -> None:
    """`--json`."""
    command.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output, and all else on standard error"
    )


def unreachable_flag(command: Parser) -> None:
    """`--allow-unreachable`."""
    command.add_argument(UNREACHABLE_FLAG, action="store_true", help="leave samples bought under other settings unused")


def run_argument(command: Parser, **options: Any) -> None:
    """The positional run, and where runs are looked for."""
    command.add_argument("run_folder", metavar="RUN", help="a run's folder, or its name", **options)
    command.add_argument("--runs", default="runs", metavar="FOLDER", help="where run folders are kept (default: runs)")
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="runs=FOLDER, as for other commands"
    )


def runs_folder(arguments: argparse.Namespace) -> str:
    """Where a command that only looks at runs finds them: `--set runs=…` or `--runs`.

    Raises:
        ConfigError, InputError: another setting, or one that there is not.
    """
    from pad_ray.config import parse_config
    from pad_ray.errors import InputError

    for override in arguments.set:
        parse_config({}, "--set", [override])
        if override.partition("=")[0] != "runs":
            raise InputError(
                f"--set {override}: `{arguments.command}` takes a run as it is, so only `runs` can be set",
                "Give other settings to `pad-ray run`",
            )
    place: str = parse_config({"runs": arguments.runs}, "--set", arguments.set).runs
    return place


@contextmanager
def human_lines(arguments: argparse.Namespace) -> Iterator[None]:
    """Within the body, lines for people go to standard error if standard output is for JSON."""
    if not arguments.json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def print_json(document: Any) -> None:
    """Prints a document as JSON, made of dataclasses, mappings, sequences and plain values."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    from dataclasses import asdict, is_dataclass

    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
