"""Where a run came from, and how to make it again: command, versions, commit, settings, files."""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pad_ray.config import RunConfig
from pad_ray.decoding.settings import NAMES
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.saved_run import tests_by


@dataclass(frozen=True)
class Link:
    """A file or folder of the run.

    Attributes:
        name: its place in the run folder.
        target: the same as a relative link.
        about: what is in it.
    """

    name: str
    target: str
    about: str


@dataclass(frozen=True)
class Origin:
    """How the run is made again.

    Attributes:
        command: for a shell.
        facts: versions and the commit, by name.
        changed: settings that differ from the defaults, by dotted key; text as it is, the rest as JSON.
        run_yaml: the text of run.yaml; empty without the file.
        links: files and folders of the run.
    """

    command: str
    facts: dict[str, str]
    changed: dict[str, str]
    run_yaml: str
    links: list[Link]


def origin(folder: RunFolder, config: RunConfig, stages: Mapping[str, Stage]) -> Origin:
    """What run.yaml, the settings and the stages say."""
    text = folder.storage.read_text("run.yaml") or ""
    command = f"pad-ray run {shlex.quote((folder.storage / 'run.yaml').uri)}"
    return Origin(command, _facts(text), _changed(config), text, list(_links(folder, stages)))


def _facts(run_yaml: str) -> dict[str, str]:
    """The `# name: value` lines at the head of run.yaml, but for the sentence above them."""
    comments = [line[2:].partition(": ") for line in run_yaml.splitlines() if line.startswith("# ")]
    return {name: value for name, _, value in comments if value and " " not in name}


def _changed(config: RunConfig) -> dict[str, str]:
    defaults = dict(_flat(RunConfig().model_dump(mode="json")))
    mine = dict(_flat(config.model_dump(mode="json")))
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in mine.items()
        if value != defaults.get(key) and key not in ("name", "runs")
    }


def _flat(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


_ABOUT = {
    "problems": "the problems in their splits",
    "requests": "what the teacher was asked",
    "samples": "all that the teacher wrote, with verdicts",
    "examples": "what the student learnt from",
    "student": "the student, a Hugging Face checkpoint",
    "base_validation": "answers of base to the validation split, for each prompt",
    "base": "answers of base to the tests",
    "student_test": "answers of the student to the tests",
    **{tests_by(name): f"answers of the student to the tests, {name}" for name in NAMES if name != "greedy"},
}


def _links(folder: RunFolder, stages: Mapping[str, Stage]) -> Iterator[Link]:
    if folder.storage.read_text("run.yaml") is not None:
        yield _link("run.yaml", "the resolved settings")
    if (folder.storage / "evaluation").read_text("results.json") is not None:
        yield _link("evaluation/results.json", "the figures of this page")
    for name, stage in stages.items():
        if stage.done is not None:
            place = posixpath.relpath(stage.storage.path, folder.storage.path)
            yield _link(f"{place}/", _ABOUT.get(name) or _of_round(name))


def _of_round(name: str) -> str:
    """`round-2 test (paper)` for readers."""
    number, _, what = name.removeprefix("round-").partition(" ")
    if not number.isdigit():
        return "answers of the student to the validation split"
    kind, _, decoder = what.partition(" ")
    about = {
        "samples": "all that the student wrote for the training problems",
        "examples": "what was taught",
        "validation": "answers to the validation split",
        "test": f"answers to the tests{', ' if decoder else ''}{decoder.strip('()')}",
    }
    return f"round {number}: {about.get(kind, 'the student')}"


def _link(place: str, about: str) -> Link:
    # The dot keeps a browser from reading a name with a colon as the scheme of an address.
    return Link(place, f"./{quote(place)}", about)
