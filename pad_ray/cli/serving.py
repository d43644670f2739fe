"""The verb that serves a student: `serve`."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

from pad_ray.cli.parser import Commands, add_command, human_lines, jsonable, print_json, settable
from pad_ray.errors import InputError, StageError

_DEPLOY = "deploy"


def add(commands: Commands[Any]) -> None:
    """Adds `serve`."""
    serve = add_command(
        commands,
        "serve",
        "serve a student over HTTP, by the beam search that runs every statement",
        _serve,
        examples="pad-ray serve --run mine                      # the student that a run trained\n"
        "pad-ray serve --model embedded --port 9000\n"
        "pad-ray serve --config serve.yaml --set decoders.most=8\n"
        "pad-ray serve deploy jobs/serve.yaml          # on a Ray cluster that runs",
        more="It runs until Ctrl-C. With `deploy` a file of Ray Serve's own is sent to a cluster, and it returns.",
    )
    serve.add_argument("deploy", nargs="*", metavar="deploy FILE", help="send a file of Ray Serve's to a cluster")
    model = serve.add_mutually_exclusive_group()
    model.add_argument("--model", help="a student's folder, a hub name, or `embedded` (default: what the file says)")
    model.add_argument("--run", dest="run_folder", metavar="RUN", help="a run's folder, or its name: its student")
    serve.add_argument("--runs", default="runs", metavar="FOLDER", help="where run folders are kept (default: runs)")
    serve.add_argument("--config", type=Path, metavar="FILE", help="YAML with settings, see docs/serving.md")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: 8000)")
    serve.add_argument("--address", help="with deploy: the dashboard (default: http://127.0.0.1:8265)")
    settable(serve)
    jsonable(serve)


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.deploy:
        return _deploy(arguments)
    from pad_ray.screen import chatter_to, screen
    from pad_ray.serving.launch import answers, check_config, log_folder, serve_config, serving

    given = {"model": _model(arguments), "host": arguments.host, "port": arguments.port}
    config = serve_config(arguments.config, arguments.set, given)
    check_config(config)
    logs = log_folder()
    with human_lines(arguments):
        print(
            f"serving {config.model}; Ray and the engine start, which takes minutes, and write to {logs.path}",
            flush=True,
        )
    _end_by(signal.default_int_handler)  # what is begun is ended, however the process is told to
    with chatter_to(logs), serving(config) as address:
        if not answers(address):
            raise StageError(f"{address} does not answer", f"See the logs in {logs.path}")
        with redirect_stdout(screen()):
            _tell(arguments, address, config.model)
        _wait()
    return 0


def _tell(arguments: argparse.Namespace, address: str, model: str) -> None:
    if arguments.json:
        print_json({"address": address, "model": model})
    else:
        print(f"{address} answers; Ctrl-C ends it. Try: {_example(address)}")
    sys.stdout.flush()


def _model(arguments: argparse.Namespace) -> str | None:
    if arguments.run_folder is None:
        return str(arguments.model) if arguments.model is not None else None
    from pad_ray.run_tables import RunTables
    from pad_ray.serving.launch import student_of

    return student_of(RunTables.find(arguments.run_folder, arguments.runs).storage)


def _example(address: str) -> str:
    question = '{"question": "Ann has 3 nuts and finds 4. How many has she?"}'
    return f"curl {address}/v1/solve -H 'Content-Type: application/json' -d '{question}'"


def _wait() -> None:
    """Until Ctrl-C, or until it is told to end."""
    ended = threading.Event()
    _end_by(lambda *_: ended.set())
    ended.wait()


def _end_by(handler: Callable[[int, FrameType | None], Any]) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, handler)


def _deploy(arguments: argparse.Namespace) -> int:
    word, *files = arguments.deploy
    if word != _DEPLOY or len(files) != 1:
        raise InputError(f"`{' '.join(arguments.deploy)}` is none of `serve`'s", "Give `deploy` and one file")
    from pad_ray.serving.deploying import check_file

    check_file(Path(files[0]))
    command = [str(Path(sys.executable).with_name("serve")), "deploy", files[0]]
    command += ["--address", arguments.address] if arguments.address else []
    code = subprocess.run(command, stdout=sys.stderr if arguments.json else None).returncode
    if arguments.json:
        print_json({"file": files[0], "code": code})
    return 1 if code else 0
