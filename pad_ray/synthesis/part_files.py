"""Part files of a stage merged into larger ones, so that there are never many, however many rows.

A judge writes a file a block; a thousand of them become one. It says in its metadata what it was made of, and only
then these are removed. A kill between the two leaves rows twice, which readers count once; the next merge removes
what was left.
"""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from pad_ray.records import content_hash, schema
from pad_ray.run_folder import Stage
from pad_ray.synthesis.attempts import gathered

MOST = 1024  # part files that are left alone
_MERGED, _PARTS = "merged-", b"pad_ray.parts"


class Merger:
    """Merges part files in a thread of its own while others write them.

    Args:
        stage: whose files.
        most: so many are left alone.
    """

    def __init__(self, stage: Stage, most: int = MOST) -> None:
        self._stage = stage
        self._most = most
        self._added = 0
        self._running: Future[int] | None = None
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        if self._running and error is None:
            self._running.result()

    def added(self) -> None:
        """There is one file more; errors of a merge before are raised here, or at the end."""
        self._added += 1
        if self._added % self._most == 0 and (self._running is None or self._running.done()):
            if self._running:
                self._running.result()
            self._running = self._pool.submit(merge_parts, self._stage, self._most)


def merge_parts(stage: Stage, most: int = MOST) -> int:
    """Merges the part files of a stage, unless there are fewer than `most`, and returns how many are gone.

    Who reads the stage meanwhile may find that a file that it knows of is gone.
    """
    names = [name for name in stage.storage.names() if name.endswith(".parquet")]
    merged = [name for name in names if name.startswith(_MERGED)]
    parts = sorted(set(names).difference(merged))
    if len(parts) < most:
        return 0
    left = _parts_of(stage, merged).intersection(parts)
    parts = [name for name in parts if name not in left]
    if parts:
        _merge(stage, parts)
    for name in (*left, *parts):
        stage.storage.remove(name)
    return len(left) + len(parts)


def _merge(stage: Stage, parts: list[str]) -> None:
    """In groups of rows of a size that is read well, a few of which are in memory at once."""
    kept = schema(stage.record).with_metadata({_PARTS: json.dumps(parts).encode()})
    found = stage.storage.parquet(schema(stage.record), parts)
    assert found is not None
    with stage.storage.parquet_writer(f"{_MERGED}{content_hash(parts)}.parquet", kept) as writer:
        for rows in gathered(map(_as_table, found.to_batches())):
            writer.write_table(rows.replace_schema_metadata(kept.metadata))


def _as_table(batch: Any) -> Any:
    import pyarrow

    return pyarrow.Table.from_batches([batch])


def _parts_of(stage: Stage, merged: list[str]) -> set[str]:
    """Names of the files that merged ones were made of."""
    names: set[str] = set()
    found = stage.storage.parquet(schema(stage.record), merged)
    for fragment in found.get_fragments() if found else ():
        told = (fragment.metadata.metadata or {}).get(_PARTS)
        names.update(json.loads(told) if told else ())
    return names
