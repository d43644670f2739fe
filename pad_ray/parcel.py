"""What a job on a cluster needs of this machine: its configuration and the files that it names, in one small folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from pad_ray.config import RunConfig
from pad_ray.errors import ConfigError, InputError

RUN_YAML = "run.yaml"
_FILES = ("problems.train", "problems.validation", "problems.test", "teacher.file", "teacher.examples")
_FOLDERS = ("teacher.model", "student.model", "teacher.adapter")
_MOST_BYTES = 200 * 2**20  # what a cluster's store of packages takes in seconds


def pack(config: RunConfig, folder: Path) -> list[str]:
    """Writes `run.yaml` and copies of the files that it names into `folder`.

    Args:
        config: the run.
        folder: an empty folder.

    Returns:
        The files that are in it beside run.yaml.

    Raises:
        ConfigError: `runs` or a model lies where the nodes of a cluster cannot reach it.
        InputError: the files are too large to be sent.
    """
    import yaml

    check_runs(config)
    for key in _FOLDERS:
        _check_reachable(key, _value(config, key))
    settings = config.model_dump(mode="json", by_alias=True)
    sent = []
    for key in _FILES:
        value = _value(config, key)
        several = isinstance(value, tuple)
        places = [_send(one, folder) for one in (value if several else (value,))]
        sent += [place for place in places if place]
        if several:
            _put(settings, key, [place or one for place, one in zip(places, value, strict=True)])
        elif places[0]:
            _put(settings, key, places[0])
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > _MOST_BYTES:
        raise InputError(
            f"the files of this run are {size / 2**20:,.0f} MiB, too much to send along with a job",
            "Put them where all nodes reach them, as Parquet or JSONL, and give that path",
        )
    (folder / RUN_YAML).write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return sent


def check_runs(config: RunConfig) -> None:
    """Refuses a run folder that would lie in the copy of files that a job works in, and vanish with it.

    Raises:
        ConfigError: `runs` is a relative path.
    """
    if "://" not in config.runs and not Path(config.runs).expanduser().is_absolute():
        raise ConfigError(
            f"`runs: {config.runs}` would lie in the job's own copy of its files, which is thrown away with it",
            "Give a folder that all nodes share, or object storage: --set runs=/shared/runs, --set runs=s3://bucket/runs",
        )


def under_a_job() -> bool:
    """Whether this process is the entrypoint of a Ray job."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def _value(config: RunConfig, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


def _put(settings: dict[str, Any], key: str, value: str | list[str]) -> None:
    section, _, name = key.partition(".")
    settings[section][name] = value


def _local(value: str | None) -> Path | None:
    """The file or folder of files that a setting names here, as given or in the data folder."""
    if not value or "://" in value:
        return None
    data = os.environ.get("PAD_RAY_DATA")
    for path in (Path(value).expanduser(), *([Path(data) / value] if data else [])):
        if path.is_file() or (path.is_dir() and any(path.glob("*.parquet"))):
            return path
    return None


def _place_of(source: Path, value: str) -> str:
    """Where a file goes in the parcel: its relative path, else the end of its path, for names are told from it."""
    given = Path(value)
    if not given.is_absolute() and ".." not in given.parts and not value.startswith("~"):
        return value
    return "/".join(source.resolve().parts[-2:])


def _send(value: str | None, folder: Path) -> str | None:
    """Copies the file that a setting names into the parcel, and says where; None where it names none."""
    source = _local(value)
    if source is None:
        return None
    place = _place_of(source, str(value))
    _copy(source, folder / place)
    return place


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def _check_reachable(key: str, value: str | None) -> None:
    path = Path(value or "").expanduser()
    if value and not path.is_absolute() and path.is_dir():
        raise ConfigError(
            f"`{key}: {value}` is a folder on this machine, and models are too large to send along with a job",
            "Put it where all nodes reach it and give that absolute path, or a Hugging Face name",
        )
