"""A run that is on disk, read without the models and files that it was made from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pad_ray.config import RunConfig, parse_config
from pad_ray.decoding.settings import NAMES
from pad_ray.errors import DataError, InputError
from pad_ray.rounds import Round, read_rounds
from pad_ray.run_folder import STAGES, RunFolder, Stage, read_mark
from pad_ray.run_tables import RECORDS, RunTables, newest_stage
from pad_ray.storage import Storage
from pad_ray.yaml_text import parse_mapping

STUDENT = "student"


def tests_by(decoder: str) -> str:
    """The name of the stage with the student's answers by a decoder."""
    return "student_test" if decoder == "greedy" else f"student_test ({decoder})"


# Where the stages of a run lie in its folder, by their names in the pipeline and in its order; rounds come after them.
PLACES = {
    "problems": "problems",
    "requests": "requests",
    "samples": "samples",
    "verdicts": "verdicts",
    "examples": "examples",
    "base_validation": "evaluation/base-validation/predictions",
    "base": "evaluation/base/predictions",
    STUDENT: "student",
    "student_test": "evaluation/student/predictions",
    **{tests_by(name): f"evaluation/student-{name}/predictions" for name in NAMES if name != "greedy"},
}


def round_places(number: int) -> dict[str, str]:
    """The same of a round of refinement; of round 0, the student before any, what rounds alone need of it."""
    if not number:
        return {"student_validation": "evaluation/student-validation/predictions"}
    name = f"round-{number}"
    return {
        f"{name} samples": f"{name}/samples",
        f"{name} examples": f"{name}/examples",
        name: f"{name}/student",
        f"{name} validation": f"evaluation/{name}-validation/predictions",
        f"{name} test": f"evaluation/{name}/predictions",
        **{f"{name} test ({one})": f"evaluation/{name}-{one}/predictions" for one in NAMES if one != "greedy"},
    }


_OF_RESULTS = {"benchmark", "split", "model", "decoder", "shots", "n", "correct", "accuracy", "low", "high"}


@dataclass(frozen=True)
class SavedRun:
    """A run's folder, and what can be told from it alone.

    Attributes:
        storage: the folder.
    """

    storage: Storage

    @classmethod
    def find(cls, run: str, runs: str = "runs") -> SavedRun:
        """A run by its folder or by its name within `runs`.

        Raises:
            InputError: there is no such run; the message names those that there are.
        """
        return cls(RunTables.find(run, runs).storage)

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.storage.path.rstrip("/").rpartition("/")[2]

    @property
    def folder(self) -> RunFolder:
        """The same folder, to write to."""
        return RunFolder(self.storage)

    @cached_property
    def config(self) -> RunConfig:
        """The settings that run.yaml tells, with the name and place that the folder has now.

        Raises:
            InputError: there is no run.yaml, or it cannot be read.
        """
        text = self.storage.read_text("run.yaml")
        if text is None:
            raise InputError(f"{self.storage.uri} holds no run.yaml", "Give the folder of a run that has begun")
        place = f"{self.storage.uri}/run.yaml"
        raw = parse_mapping(text, place)
        runs = self.storage.uri.rpartition("/")[0]
        return parse_config({**raw, "name": self.name, "runs": runs}, place=place)

    @cached_property
    def stages(self) -> Mapping[str, Stage]:
        """The stages that the run used last, by name; those that are not there are left out."""
        ids = {place: id for place, _, id in (used.rpartition("/") for used in self.used)}
        found = {}
        for name, place in self.places.items():
            stage = self._checkpoint(place) if place in self.checkpoints else self._stage(place, ids.get(place))
            if stage is not None:
                found[name] = stage
        return found

    @cached_property
    def places(self) -> Mapping[str, str]:
        """Where stages lie, by name and in order: those that any run may have, and those of its rounds."""
        found = dict(PLACES)
        numbers = [int(name[6:]) for name in self.storage.folders() if re.fullmatch(r"round-\d+", name)]
        for number in range(max(numbers, default=-1) + 1):
            found |= round_places(number)
        return found

    @cached_property
    def checkpoints(self) -> list[str]:
        """Where students lie, those of its rounds included, whether they are there or not."""
        return [place for place in self.places.values() if place.rpartition("/")[2] == STUDENT]

    @cached_property
    def rounds(self) -> list[Round]:
        """The rounds of refinement that are over, from 0 on."""
        return read_rounds(self.storage)

    @cached_property
    def used(self) -> list[str]:
        """Stages that the run used last, as `<place>/<id>`; none where it was not noted."""
        found = self._list(STAGES)
        if not all(isinstance(used, str) for used in found):
            raise DataError(
                f"{self.storage.uri}/{STAGES} does not list stages", "Remove it: the same command notes them"
            )
        return found

    def _stage(self, place: str, id: str | None) -> Stage | None:
        if id and id in (self.storage / place).folders():
            return Stage(place, id, self.storage / place / id, RECORDS[place.rpartition("/")[2]])
        return None if id else newest_stage(self.storage, place)

    def _checkpoint(self, place: str) -> Stage | None:
        """A student, which has no folder for its id."""
        folder = self.storage / place
        mark = read_mark(folder)
        return Stage(place, mark["id"], folder) if mark else None

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        """Rows of `evaluation/results.json`; none before there are any."""
        found = SavedRun(self.storage / "evaluation")._list("results.json")
        if not all(isinstance(row, dict) and row.keys() >= _OF_RESULTS for row in found):
            mend = "Remove it: `pad-ray run` writes it again"
            raise DataError(f"{self.storage.uri}/evaluation/results.json holds rows that are no results", mend)
        return found

    def _list(self, name: str) -> list[Any]:
        try:
            found = json.loads(self.storage.read_text(name) or "[]")
        except ValueError:
            found = None
        if not isinstance(found, list):
            raise DataError(f"{self.storage.uri}/{name} is no JSON list", "Remove it: the same command writes it again")
        return found
