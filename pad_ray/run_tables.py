"""The tables of a run that is on disk, found by its folders: no configuration is needed, and nothing is written.

    runs/<name>/…/<kind>/<stage id>/*.parquet      kind: problems, requests, samples, verdicts, examples, predictions

Of several stage ids of one kind the one that was done last comes first, and those that are not done come last.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.errors import DataError, InputError
from pad_ray.records import Row, columns, schema
from pad_ray.run_folder import DONE, Stage
from pad_ray.storage import Storage

RECORDS = {
    "predictions": "prediction",
    "examples": "example",
    "samples": "sample",
    "verdicts": "verdict",
    "requests": "request",
    "problems": "problem",
}
_DEPTH = 3  # evaluation/base/requests


@dataclass(frozen=True)
class RunTables:
    """A run's tables.

    Attributes:
        storage: the run's folder.
    """

    storage: Storage

    @classmethod
    def find(cls, run: str, runs: str = "runs") -> RunTables:
        """A run by its folder (`runs/quickstart`) or by its name within `runs`.

        Raises:
            InputError: there is no such run; the message names those that there are.
        """
        known = Storage.open(runs)
        for storage in (Storage.open(run), known / run):
            if run and _is_run(storage):
                return cls(storage)
        names = run_names(runs)
        there = f"There are: {', '.join(names)}" if names else "Give the folder of a run, or --runs"
        raise InputError(f"there is no run `{run}` in {runs}", there)

    def places(self, kind: str) -> list[list[Stage]]:
        """The stages of a kind, newest first: a list for each folder that holds some, the run's own folder first."""
        return [_stages(self.storage, name) for name in _places(self.storage, kind, _DEPTH)]

    def newest(self, kind: str) -> Stage | None:
        """The newest stage of a kind in the run's own folder, such as what the teacher wrote."""
        return newest_stage(self.storage, kind)

    def verdicts(self, verifier: str | None = None) -> Stage | None:
        """The newest stage of later judgements, or the newest of a verifier's version, in the run's own folder."""
        stages = _stages(self.storage, "verdicts")
        return next((stage for stage in stages if verifier in (None, (stage.done or {}).get("verifier"))), None)

    def find_rows(self, kind: str, condition: Any, only: Sequence[str] | None = None) -> list[tuple[Stage, Row]]:
        """Rows for which a condition holds, from the newest stage of each folder that has such rows.

        Args:
            kind: a key of RECORDS.
            condition: a `pyarrow.dataset.Expression`.
            only: columns to read; all by default.
        """
        found: list[tuple[Stage, Row]] = []
        for stages in self.places(kind):
            for stage in stages:
                rows = read(stage, condition, only)
                found += [(stage, row) for row in rows]
                if rows:
                    break
        return found


def read(stage: Stage, condition: Any = None, only: Sequence[str] | None = None) -> list[Row]:
    """Rows of a stage, done or not. A file that is still being written is passed over.

    Args:
        stage: where the rows are.
        condition: a `pyarrow.dataset.Expression`; all rows by default.
        only: columns to read; all by default.

    Raises:
        DataError: a file of a done stage cannot be read.
    """
    from pyarrow import ArrowInvalid

    fields = schema(stage.record)
    table = stage.storage.parquet(fields)
    wanted = list(only or columns(stage.record))
    rows: list[Row] = []
    for fragment in table.get_fragments() if table else ():
        try:
            rows += fragment.to_table(schema=fields, columns=wanted, filter=condition).to_pylist()
        except (ArrowInvalid, OSError) as error:
            if stage.done:
                raise DataError(f"{fragment.path}: the file cannot be read: {' '.join(str(error).split())}") from None
    return rows


def newest_stage(run: Storage, name: str) -> Stage | None:
    """The stage of that name that was done last, such as `evaluation/base/predictions`; None if there is none."""
    stages = _stages(run, name)
    return stages[0] if stages else None


def stage_places(run: Storage) -> list[str]:
    """Where stages with tables lie in a run: `samples`, `evaluation/base/requests`, …"""
    return [place for kind in RECORDS for place in _places(run, kind, _DEPTH)]


def run_names(runs: str) -> list[str]:
    """Names of the runs in a folder, sorted."""
    known = Storage.open(runs)
    return [name for name in known.folders() if _is_run(known / name)]


def _is_run(storage: Storage) -> bool:
    return "run.yaml" in storage.names() or not RECORDS.keys().isdisjoint(storage.folders())


def _places(storage: Storage, kind: str, depth: int) -> Iterator[str]:
    """The folders below that hold stages of a kind: `samples`, `evaluation/base/samples`."""
    names = storage.folders()
    if kind in names:
        yield kind
    for name in names:
        if depth > 1 and name not in RECORDS:
            yield from (f"{name}/{place}" for place in _places(storage / name, kind, depth - 1))


def _stages(run: Storage, name: str) -> list[Stage]:
    place = run / name
    record = RECORDS[name.rpartition("/")[2]]
    return sorted((Stage(name, id, place / id, record) for id in place.folders()), key=_age, reverse=True)


def _age(stage: Stage) -> tuple[bool, int]:
    """Sorts stages: those that are done by when they were."""
    if stage.done is None:
        return False, 0
    place = posixpath.join(stage.storage.path, DONE)
    [info] = stage.storage.filesystem.get_file_info([place])
    return True, info.mtime_ns or 0
