"""Which requests are still to be asked: those without a sample, and those at which the teacher failed.

All of it is told from columns (`pyarrow.Table`), some tens of bytes a row: prompts are read a few thousand at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pad_ray.records import content_hash
from pad_ray.run_folder import Stage
from pad_ray.storage import Storage
from pad_ray.synthesis.attempts import gathered, latest_of, tables_at


def latest_attempts(samples: Stage) -> Any:
    """What is on disk: a table of `rid`, `attempt` and `failed`, where a request counts once, however often asked."""
    import pyarrow
    import pyarrow.compute as pc

    found = samples.columns(["rid", "attempt", "finish_reason"])
    failed = pc.fill_null(pc.equal(found["finish_reason"], "error"), False)
    return latest_of(pyarrow.table({"rid": found["rid"], "attempt": found["attempt"], "failed": failed}))


def pending(requests: Stage, latest: Any, attempts: int) -> Iterator[Any]:
    """Tables of requests to ask now, in the order of the request table.

    Args:
        latest: what was answered, see `latest_attempts`.
        attempts: how often a request is asked at most. One whose latest attempt failed is asked again under an id
            with the next attempt's number; one that was answered, never.
    """
    import pyarrow.compute as pc

    rids = requests.columns(["rid"])["rid"]
    next_attempts = _next_attempts(rids, latest, attempts)
    places = pc.indices_nonzero(pc.is_valid(next_attempts)).to_numpy()
    numbers, start = next_attempts.drop_null(), 0
    for rows in tables_at(requests, places):
        yield _numbered(rows, numbers.slice(start, len(rows)))
        start += len(rows)


def _next_attempts(rids: Any, latest: Any, attempts: int) -> Any:
    """For each request the number of the attempt to ask now, null where there is none."""
    import pyarrow
    import pyarrow.compute as pc

    first = pyarrow.scalar(0, pyarrow.int32())
    if not len(latest):
        return pyarrow.repeat(first, len(rids))
    latest = latest.combine_chunks()
    again = pc.add(latest["attempt"], pyarrow.scalar(1, pyarrow.int32()))
    allowed = pc.and_(latest["failed"], pc.less(again, attempts))
    after = pc.if_else(allowed, again, pyarrow.scalar(None, pyarrow.int32())).combine_chunks()
    places = pc.index_in(rids, latest["rid"].combine_chunks())
    places = places.combine_chunks() if isinstance(places, pyarrow.ChunkedArray) else places
    return pc.if_else(pc.is_null(places), first, after.take(places))


def _numbered(rows: Any, attempts: Any) -> Any:
    """The same requests with the attempt and its id; a first attempt keeps the id that it has."""
    import pyarrow.compute as pc

    ids = pc.binary_join_element_wise(rows["rid"], pc.cast(attempts, "string"), "-")
    ids = pc.if_else(pc.equal(attempts, 0), rows["id"], ids)
    rows = rows.set_column(rows.schema.get_field_index("attempt"), rows.schema.field("attempt"), attempts)
    return rows.set_column(rows.schema.get_field_index("id"), rows.schema.field("id"), ids)


def write_pending(place: Storage, requests: Stage, samples: Stage, attempts: int) -> int:
    """Writes the requests to ask now into a folder of their own and returns how many there are.

    A table of exactly what is missing needs no filter while the stream runs: Ray Data's own checkpoint filter takes a
    CPU more on resume than on the first run and hangs where there is none, and its grain is a block.
    """
    place.clear()
    total = 0
    for number, rows in enumerate(gathered(pending(requests, latest_attempts(samples), attempts))):
        place.write_parquet(f"{number:06d}.parquet", rows)
        total += len(rows)
    return total


def adopt(requests: Stage, samples: Stage, others: list[Stage]) -> int:
    """Takes over samples that other stages bought for the same requests, and returns how many.

    A request's `rid` is a hash of everything that shapes its completion, so a sample of the same `rid` is the same
    sample, whatever else changed (more problems, more samples a problem, another verifier).
    """
    if not others:
        return 0
    wanted = _without(requests.columns(["rid"])["rid"].combine_chunks(), latest_attempts(samples)["rid"])
    taken = 0
    for other in others:
        found = _take(other, wanted, samples.storage)
        taken += len(found)
        wanted = _without(wanted, found)
    return taken


def _take(other: Stage, wanted: Any, place: Storage) -> Any:
    """Writes the samples of wanted requests into a folder, and returns the `rid` of each."""
    import pyarrow
    import pyarrow.compute as pc

    found = other.columns(["rid", "finish_reason"])
    failed = pc.fill_null(pc.equal(found["finish_reason"], "error"), False)
    good = pc.and_not(pc.is_in(found["rid"], wanted), failed)
    rows = pyarrow.table({"rid": found["rid"], "place": pyarrow.array(range(len(found)))}).filter(good)
    chosen = rows.group_by("rid").aggregate([("place", "min")]).sort_by("place_min")
    for samples in gathered(tables_at(other, chosen["place_min"].to_numpy())):
        place.write_parquet(f"adopted-{content_hash(samples['id'].to_pylist())}.parquet", samples)
    return chosen["rid"]


def _without(rids: Any, others: Any) -> Any:
    import pyarrow.compute as pc

    return rids.filter(pc.invert(pc.is_in(rids, others.combine_chunks())))
