"""The verb that takes out of a run what it made: `export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pad_ray.cli.parser import Commands, add_command, jsonable, print_json, run_argument, runs_folder
from pad_ray.errors import InputError

_FORMATS = ("prompt-completion", "messages")


def add(commands: Commands[Any]) -> None:
    """Adds `export`."""
    export = add_command(
        commands,
        "export",
        "take out of a run what it made: its student or its examples",
        _export,
        examples="pad-ray export mine --merge merged/               # a LoRA adapter, merged into its base\n"
        "pad-ray export mine --push my-org/my-student       # HF_TOKEN is the token; private unless --public\n"
        "pad-ray export mine --jsonl examples.jsonl --format messages",
    )
    run_argument(export)
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("--merge", nargs="?", const="", metavar="FOLDER", help="merge the LoRA adapter into its base")
    what.add_argument("--push", metavar="ORG/NAME", help="upload the student to a hub; HF_TOKEN is the token")
    what.add_argument("--jsonl", type=Path, metavar="FILE", help="write the examples, for other trainers")
    export.add_argument(
        "--scale", type=float, default=1.0, metavar="X", help="with --merge: the adapter counts X times (default: 1)"
    )
    export.add_argument("--merged", action="store_true", help="with --push: merge an adapter first")
    export.add_argument("--public", action="store_true", help="with --push: make a public repository")
    export.add_argument("--format", choices=_FORMATS, default=_FORMATS[0], help="with --jsonl: fields of a line")
    jsonable(export)


def _export(arguments: argparse.Namespace) -> int:
    from pad_ray.export import merge_adapter, push_student, write_jsonl
    from pad_ray.run_tables import RunTables
    from pad_ray.storage import Storage

    if arguments.scale != 1 and arguments.merge is None:
        raise InputError(f"--scale {arguments.scale:g} belongs to --merge", "`pad-ray average` writes a weaker adapter")
    run = RunTables.find(arguments.run_folder, runs_folder(arguments)).storage
    facts: dict[str, Any] = {}
    if arguments.push:
        facts["pushed"] = push_student(run, arguments.push, merged=arguments.merged, public=arguments.public)
    elif arguments.jsonl:
        facts["examples"] = write_jsonl(run, arguments.jsonl, arguments.format)
        facts["file"] = str(arguments.jsonl)
    else:
        target = Storage.open(arguments.merge) if arguments.merge else None
        facts["merged"] = merge_adapter(run, target, arguments.scale).uri
    print_json(facts) if arguments.json else print(" ".join(f"{name}: {value}" for name, value in facts.items()))
    return 0
