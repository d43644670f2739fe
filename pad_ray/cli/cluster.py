"""The verb for clusters: `submit`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pad_ray.cli.parser import Commands, add_command, human_lines, jsonable, print_json, settable
from pad_ray.errors import ConfigError, InputError

if TYPE_CHECKING:
    from pad_ray.submission import Cluster, Job


def add(commands: Commands[Any]) -> None:
    """Adds `submit`."""
    submit = add_command(
        commands,
        "submit",
        "send a run to a Ray cluster as a job, and follow its log",
        _submit,
        examples="pad-ray submit mine.yaml --address http://HEAD:8265 --set runs=s3://bucket/runs\n"
        "pad-ray submit --follow mine-20260102-030405 --address http://HEAD:8265     # join it again",
        more="Before anything is sent, the cluster is asked whether it can ever place what the run needs at once. "
        "Ctrl-C leaves the job running. The files that the configuration names are sent along, and so is this code; "
        "models, keys and data sets must be where the nodes reach them.",
    )
    submit.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="a YAML file")
    submit.add_argument(
        "--address",
        default=os.environ.get("RAY_DASHBOARD_ADDRESS"),
        help="the dashboard of the cluster's head (default: RAY_DASHBOARD_ADDRESS)",
    )
    submit.add_argument("--follow", metavar="ID", help="send nothing, and follow a job that is there")
    submit.add_argument("--detach", action="store_true", help="do not follow the log")
    submit.add_argument("--id", help="the job's id; by default the run's name and the time")
    submit.add_argument("--until", choices=("samples", "examples", "student", "report"), default="report")
    submit.add_argument(
        "--runtime-env", type=Path, metavar="FILE", help="YAML with further keys of the job's runtime environment"
    )
    settable(submit)
    jsonable(submit)


def _submit(arguments: argparse.Namespace) -> int:
    from pad_ray.submission import Cluster

    if bool(arguments.config) == bool(arguments.follow):
        raise InputError("nothing to submit", "Give a configuration, or --follow and a job's id")
    if not arguments.address:
        raise InputError("no cluster is named", "Give --address http://HEAD:8265, or set RAY_DASHBOARD_ADDRESS")
    with human_lines(arguments):
        if arguments.follow:
            cluster = Cluster(arguments.address)
            job = cluster.job(arguments.follow)
        else:
            cluster, job = _send(arguments)
        if not arguments.detach:
            job = _follow(cluster, job)
    if arguments.json:
        print_json(job)
    return _exit_code(job)


def _send(arguments: argparse.Namespace) -> tuple[Cluster, Job]:
    from pad_ray.config import load_config
    from pad_ray.parcel import check_runs
    from pad_ray.submission import Cluster

    config = load_config(arguments.config, arguments.set)
    check_runs(config)
    environment = _runtime_env(arguments.runtime_env)
    cluster = Cluster(arguments.address)
    print(f"cluster  {cluster.address}: {cluster.check(config)}", flush=True)
    job = cluster.submit(config, arguments.until, environment, arguments.id)
    print(f"job      {job.id}, run {config.name} in {config.runs}/{config.name}")
    if arguments.detach:
        print(f"join it  {_join(job)}", flush=True)
    return cluster, job


def _runtime_env(file: Path | None) -> dict[str, Any]:
    import yaml

    if file is None:
        return {}
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{file} must be a mapping", "See jobs/runtime_env.yaml")
    return found


def _join(job: Job) -> str:
    return f"pad-ray submit --follow {job.id} --address {job.address}"


def _follow(cluster: Cluster, job: Job) -> Job:
    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    try:
        print(f"join it  {_join(job)}", flush=True)
        job = cluster.follow(job.id, write)
    except KeyboardInterrupt:
        print(f"\nleft; job {job.id} goes on. Join it again: {_join(job)}\nEnd it: ray job stop {job.id}", flush=True)
        raise
    print(f"job {job.id}: {job.status.lower()}" + (f" ({job.message})" if job.status != "SUCCEEDED" else ""))
    return job


def _exit_code(job: Job) -> int:
    """Of the run itself, once the job has ended."""
    if not job.ended or job.status == "SUCCEEDED":
        return 0
    return job.exit_code if job.exit_code in (1, 2, 130) else 1
