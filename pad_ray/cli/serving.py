"""The verb that serves a student: `serve`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from pad_ray.cli.parser import Commands, add_command, settable
from pad_ray.errors import InputError

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


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.deploy:
        return _deploy(arguments)
    from pad_ray.serving.launch import answers, check_config, serve_config, serving

    given = {"model": _model(arguments), "host": arguments.host, "port": arguments.port}
    config = serve_config(arguments.config, arguments.set, given)
    check_config(config)
    print(f"serving {config.model}: starting Ray and the engine takes a minute", file=sys.stderr, flush=True)
    with serving(config) as address:
        print(f"{address} answers; Ctrl-C ends it. Try: {_example(address)}", flush=True)
        if not answers(address):
            print("pad-ray: it does not answer yet; see the logs of Ray Serve", file=sys.stderr)
        _wait()
    return 0


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
    import signal
    import threading

    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()


def _deploy(arguments: argparse.Namespace) -> int:
    word, *files = arguments.deploy
    if word != _DEPLOY or len(files) != 1:
        raise InputError(f"`{' '.join(arguments.deploy)}` is none of `serve`'s", "Give `deploy` and one file")
    from pad_ray.serving.deploying import check_file

    check_file(Path(files[0]))
    command = [str(Path(sys.executable).with_name("serve")), "deploy", files[0]]
    return subprocess.run([*command, *(["--address", arguments.address] if arguments.address else [])]).returncode
