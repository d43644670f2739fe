"""A run is a folder: stages with ids, done marks written last, a record of what ran.

    runs/<name>/
      run.yaml                       the resolved configuration, versions, git commit
      <stage>/<stage id>/            Parquet and done.json
      events/                        what ran when, how long, how many rows
      stages.json progress.json      ids of the stages in use; the last progress line

A stage id is a hash of the settings that define its result and of the ids of the stages that it reads. The same command
again does only what is missing; a changed setting gives new ids to what depends on it, and to nothing else.
"""

from __future__ import annotations

import json
import posixpath
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pad_ray.errors import DataError, StageError
from pad_ray.records import Row, columns, content_hash, schema, table
from pad_ray.run_lock import run_lock
from pad_ray.storage import Storage

DONE = "done.json"
STAGES = "stages.json"
PROGRESS = "progress.json"
ROW_GROUP = 4096  # rows that are in memory at once where a table is read or written as it comes


@dataclass(frozen=True)
class Stage:
    """One stage of a run: where its rows are, and whether they are complete.

    Attributes:
        name: `problems`, `requests`, `samples`, …
        id: hash of what defines the result.
        storage: the stage's own folder.
        record: name of its record in `pad_ray.records`; empty when the stage holds no table.
    """

    name: str
    id: str
    storage: Storage
    record: str = ""

    @property
    def done(self) -> dict[str, Any] | None:
        """What the done mark says (rows, seconds, counts), or None while the stage is incomplete."""
        mark = read_mark(self.storage)
        return mark if mark and mark["id"] == self.id else None

    def write_rows(self, rows: Iterable[Row]) -> int:
        """Writes rows as one Parquet file of the record's schema, as they come, and returns how many there were."""
        coming, count = iter(rows), 0
        with self.storage.parquet_writer("rows.parquet", schema(self.record)) as writer:
            while batch := list(islice(coming, ROW_GROUP)):
                writer.write_table(table(self.record, batch))
                count += len(batch)
        return count

    def count(self) -> int:
        """How many rows there are, read from the footers of the files."""
        found = self.storage.parquet(schema(self.record))
        return int(found.count_rows()) if found else 0

    def batches(self, only: Sequence[str] | None = None, size: int = ROW_GROUP) -> Iterator[list[Row]]:
        """Rows in the order of files, a batch at a time, so that a table may be larger than memory."""
        found = self.storage.parquet(schema(self.record))
        if found:
            for batch in found.to_batches(columns=list(only or columns(self.record)), batch_size=size):
                yield batch.to_pylist()

    def columns(self, names: Sequence[str]) -> Any:
        """Columns of all rows as a `pyarrow.Table`, in the order of files; for those without texts, which are small."""
        found = self.storage.parquet(schema(self.record))
        if found is None:
            return schema(self.record).empty_table().select(list(names))
        return found.to_table(list(names))

    def groups(self) -> Iterator[Any]:
        """The row groups of all files, in their order, each a `pyarrow.dataset.Fragment` that is read when asked to."""
        found = self.storage.parquet(schema(self.record))
        for fragment in found.get_fragments() if found else ():
            yield from fragment.split_by_row_group()

    def read_rows(self, only: Sequence[str] | None = None) -> list[Row]:
        """All rows, sorted by id, so that nothing downstream depends on the order of writing.

        Of several attempts at a request the latest counts; the same id twice (a task that Ray ran again after it had
        written) counts once.

        Raises:
            StageError: there is no table.
        """
        found = self.storage.parquet(schema(self.record))
        if found is None:
            raise StageError(f"{self.storage.uri} holds no Parquet files", "Run the stage before this one")
        wanted = list(only or columns(self.record))
        keyed = "rid" in columns(self.record)
        read = {*wanted, "id", "rid", "attempt"} if keyed else set(wanted)
        rows: list[Row] = found.to_table(sorted(read)).to_pylist()
        if keyed:
            return [{name: row[name] for name in wanted} for row in latest(rows)]
        return sorted(rows, key=lambda row: str(row.get("id")))


def read_mark(stage: Storage) -> dict[str, Any] | None:
    """The done mark in a stage's folder, or None.

    Raises:
        DataError: somebody changed it, so that it is no done mark any more.
    """
    text = stage.read_text(DONE)
    try:
        mark = json.loads(text) if text else None
    except ValueError:
        mark = text
    if mark is not None and not (isinstance(mark, dict) and "id" in mark):
        raise DataError(f"{(stage / DONE).uri} is no done mark", "Remove it: what the stage lacks is then done again")
    return mark


def latest(rows: Sequence[Row]) -> list[Row]:
    """Of several attempts at a request the last, sorted by id; a row without a `rid` stands for itself."""
    ordered = sorted(rows, key=lambda row: (row["attempt"] or 0, str(row["id"])))
    return sorted({row["rid"] or row["id"]: row for row in ordered}.values(), key=lambda row: str(row["id"]))


@dataclass
class RunFolder:
    """One run's folder.

    Attributes:
        storage: the folder.
        others: folders of runs whose stages are taken over where they have the same id.
    """

    storage: Storage
    others: Sequence[Storage] = ()

    @classmethod
    def open(cls, runs: str, name: str) -> RunFolder:
        """The folder `<runs>/<name>`, on a local disk or in object storage; made if need be."""
        storage = Storage.open(runs) / name
        storage.make()
        return cls(storage)

    def stage(
        self, name: str, settings: Any, reads: Sequence[Stage] = (), record: str = "", flat: bool = False
    ) -> Stage:
        """A stage by what defines it.

        Args:
            name: the stage's folder.
            settings: JSON-like content that defines the result.
            reads: the stages that it reads.
            record: the record of its table, if it holds one.
            flat: keep the result in `<name>/` itself (a checkpoint that people look for), not in `<name>/<id>/`.
        """
        identity = content_hash(name, settings, [stage.id for stage in reads], length=12)
        place = self.storage / name if flat else self.storage / name / identity
        return Stage(name, identity, place, record)

    def locked(self) -> AbstractContextManager[None]:
        """Keeps a second driver out of the run for as long as the body runs.

        Raises:
            InputError: another driver is at work here.
        """
        return run_lock(self.storage)

    @contextmanager
    def working(self, stage: Stage, keep: bool = False) -> Iterator[dict[str, Any]]:
        """Runs a stage, and writes the done mark last.

        Args:
            keep: leave the rows that an interrupted try wrote: the stage goes on from them. Else they are cleared.

        Yields:
            A dictionary for what the done mark shall say.
        """
        if not keep:
            stage.storage.clear()
        begun = time.time()
        mark: dict[str, Any] = {}
        yield mark
        mark = {"id": stage.id, "seconds": round(time.time() - begun, 2), **mark}
        stage.storage.write_text(DONE, json.dumps(mark, indent=2, default=str) + "\n")
        self.event(stage.name, **mark)

    def take(self, stage: Stage) -> bool:
        """Copies a stage from another run that has it done, and says whether there was one.

        What is of the same id is the same result. The done mark comes last, as that of a stage that was made here.
        """
        inside = posixpath.relpath(stage.storage.path, self.storage.path)
        for other in self.others:
            mark = read_mark(other / inside)
            if mark and mark["id"] == stage.id:
                stage.storage.clear()
                stage.storage.copy_from(other / inside, last=DONE)
                self.event(stage.name, **{**mark, "seconds": 0.0, "taken_from": other.uri})
                return True
        return False

    def event(self, what: str, **facts: Any) -> None:
        """Records one event as a file of its own, since objects in a bucket cannot be appended to."""
        now = time.time()
        text = json.dumps({"time": now, "event": what, **facts}, default=str) + "\n"
        (self.storage / "events").write_text(f"{now:.6f}-{what.replace('/', '-')}.json", text)

    def events(self) -> list[dict[str, Any]]:
        """All events, in order of time."""
        place = self.storage / "events"
        names = sorted(name for name in place.names() if name.endswith(".json"))  # not one that is being written
        return [json.loads(place.read_text(name) or "{}") for name in names]


def once(
    folder: RunFolder, stage: Stage, work: Callable[[dict[str, Any]], object], keep: bool = False
) -> dict[str, Any]:
    """Does `work` unless the stage is done, here or in a run to take it from, and returns what the done mark says.

    Args:
        keep: the stage goes on from rows that an interrupted try wrote.
    """
    mark = stage.done
    if mark is None and not folder.take(stage):
        with folder.working(stage, keep) as facts:
            work(facts)
    mark = mark or stage.done
    if mark is None:
        raise StageError(f"stage {stage.name} left no done mark in {stage.storage.uri}")
    return mark
