"""Verbs around a run: `init` before it, `doctor` for the machine, `clean` after it, `completion` for the shell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pad_ray.cli.parser import (
    Commands,
    add_command,
    human_lines,
    jsonable,
    print_json,
    run_argument,
    runs_folder,
    settable,
)
from pad_ray.errors import InputError, PlacementError

_KINDS = ("quickstart", "own", "gsm8k", "http", "recorded", "cluster")


def add_init(commands: Commands[Any]) -> None:
    """Adds `init`, the first of all."""
    init = add_command(
        commands,
        "init",
        "write a commented configuration for a kind of run",
        _init,
        examples="pad-ray init                        # quickstart.yaml\n"
        "pad-ray init own mine.yaml\n"
        "pad-ray init http mine.yaml --set teacher.model=some-model",
        more="Kinds: quickstart (no GPU, no data), own (your problems in a JSONL file), gsm8k, http (a teacher behind "
        "an endpoint), recorded (completions that you have), cluster (several GPUs).",
    )
    init.add_argument("kind", nargs="?", default="quickstart", choices=_KINDS, metavar="KIND", help=", ".join(_KINDS))
    init.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to; KIND.yaml by default, - to print it"
    )
    init.add_argument("--force", action="store_true", help="write over a file that is there")
    settable(init)
    jsonable(init)


def add(commands: Commands[Any]) -> None:
    """Adds the other three."""
    doctor = add_command(
        commands,
        "doctor",
        "say what this machine can do, and what a run would place where",
        _doctor,
        examples="pad-ray doctor                      # about two minutes: engines are really started\n"
        "pad-ray doctor mine.yaml            # also: what this run would place where\n"
        "pad-ray doctor --quick\npad-ray doctor --sandbox            # tries to escape from the sandbox, live",
        more="Exit code 1 if something that a run needs does not work.",
    )
    doctor.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="a run to place on this machine")
    doctor.add_argument("--quick", action="store_true", help="start no vLLM and no DeepSpeed")
    doctor.add_argument("--sandbox", action="store_true", help="only try to escape from the sandbox")
    settable(doctor)
    jsonable(doctor)
    clean = add_command(
        commands,
        "clean",
        "say what of a run can go, and remove it when told to",
        _clean,
        examples="pad-ray clean mine                  # says what could go, removes nothing\n"
        "pad-ray clean mine --yes\npad-ray clean mine --logs --samples --yes",
        more="By default: stages of settings that the run no longer has, and Ray Train's own files. What a teacher "
        "wrote is kept unless --samples is given.",
    )
    run_argument(clean)
    clean.add_argument("--logs", action="store_true", help="also what Ray and its workers said")
    clean.add_argument("--samples", action="store_true", help="also samples bought under settings of before")
    clean.add_argument("--yes", action="store_true", help="remove it")
    jsonable(clean)
    completion = add_command(
        commands,
        "completion",
        "print what a shell loads to complete commands, settings and runs",
        _completion,
        examples="source <(pad-ray completion bash)                                 # in ~/.bashrc\n"
        "source <(pad-ray completion zsh)                                  # in ~/.zshrc\n"
        "pad-ray completion fish > ~/.config/fish/completions/pad-ray.fish",
    )
    completion.add_argument("shell", nargs="?", choices=("bash", "zsh", "fish"), help="which shell")
    completion.add_argument("--words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def _init(arguments: argparse.Namespace) -> int:
    from pad_ray.starters import starter_named, starter_text

    file = arguments.file or Path(f"{arguments.kind}.yaml")
    name = f"{arguments.kind}.yaml" if str(file) == "-" else str(file)
    text = starter_text(starter_named(arguments.kind), name, arguments.set)
    if str(file) == "-":
        print_json({"kind": arguments.kind, "text": text}) if arguments.json else print(text, end="")
        return 0
    if file.exists() and not arguments.force:
        raise InputError(f"{file} is there already", "Name another file, or write over it with --force")
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})", "Choose another place") from None
    if arguments.json:
        print_json({"kind": arguments.kind, "file": str(file)})
    else:
        print(f"wrote {file}\nnext:  pad-ray run {file} --dry-run --probe 0     # the plan\n       pad-ray run {file}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    if arguments.sandbox:
        return _escapes(arguments)
    from pad_ray.config import load_config, parse_config
    from pad_ray.doctor import examine
    from pad_ray.doctor.text import print_check, print_summary

    config = load_config(arguments.config, arguments.set) if arguments.config else parse_config({})
    checks = []
    with human_lines(arguments):
        for check in examine(config, quick=arguments.quick):
            print_check(check)
            checks.append(check)
        print_summary(checks)
    if arguments.json:
        print_json(checks)
    return 1 if any(check.state == "bad" for check in checks) else 0


def _escapes(arguments: argparse.Namespace) -> int:
    from pad_ray.console import print_escapes
    from pad_ray.sandbox import SandboxUnavailable
    from pad_ray.sandbox.doctor import examine

    try:
        escapes = examine()
    except SandboxUnavailable as error:
        raise PlacementError(error.problem, error.mend) from error
    return print_escapes(escapes, as_json=arguments.json)


def _clean(arguments: argparse.Namespace) -> int:
    from pad_ray.clean import BY_DEFAULT, Kind, find_waste, remove, size_text
    from pad_ray.saved_run import SavedRun
    from pad_ray.style import table

    run = SavedRun.find(arguments.run_folder, runs_folder(arguments))
    asked = [Kind.LOGS] * arguments.logs + [Kind.SAMPLES] * arguments.samples
    waste = find_waste(run, [*BY_DEFAULT, *asked])
    with human_lines(arguments):
        rows = [(str(one.kind), size_text(one.bytes), one.place) for one in waste]
        print("\n".join(table(rows, right=(1,))) if rows else f"nothing in {run.storage.uri} can go")
        freed = remove(run, waste) if arguments.yes else 0
        if waste:
            total = size_text(sum(one.bytes for one in waste))
            print(f"removed {total}" if arguments.yes else f"\n{total} in all; nothing is removed without --yes")
    if arguments.json:
        print_json({"waste": waste, "freed": freed})
    return 0


def _completion(arguments: argparse.Namespace) -> int:
    from pad_ray.completion import SCRIPTS, words

    if arguments.words is not None:
        from pad_ray.cli import parser
        from pad_ray.run_tables import run_names

        print("\n".join(words(parser(), arguments.words, run_names("runs"))))
        return 0
    if arguments.shell is None:
        raise InputError("no shell is named", "Give bash, zsh or fish")
    sys.stdout.write(SCRIPTS[arguments.shell])
    return 0
