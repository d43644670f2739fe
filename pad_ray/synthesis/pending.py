"""Which requests are still to be asked: those without a sample, and those at which the teacher failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pad_ray.records import Row, columns, content_hash, table
from pad_ray.run_folder import Stage
from pad_ray.storage import Storage


class Latest(NamedTuple):
    """The latest attempt at a request."""

    attempt: int
    failed: bool


def latest_attempts(samples: Stage) -> dict[str, Latest]:
    """What is on disk, by `rid`: a request counts once, however often it was asked."""
    found: dict[str, Latest] = {}
    for batch in samples.batches(["rid", "attempt", "finish_reason"]):
        for row in batch:
            seen = found.get(row["rid"])
            if seen is None or row["attempt"] > seen.attempt:
                found[row["rid"]] = Latest(row["attempt"], row["finish_reason"] == "error")
    return found


def pending(requests: Stage, latest: dict[str, Latest], attempts: int) -> Iterator[list[Row]]:
    """Batches of requests to ask now, in the order of the request table.

    Args:
        latest: what was answered, see `latest_attempts`.
        attempts: how often a request is asked at most. One whose latest attempt failed is asked again under an id
            with the next attempt's number; one that was answered, never.
    """
    for batch in requests.batches():
        rows = [again for row in batch if (again := _again(row, latest.get(row["rid"]), attempts))]
        if rows:
            yield rows


def _again(request: Row, last: Latest | None, attempts: int) -> Row | None:
    if last is None:
        return request
    attempt = last.attempt + 1
    if not last.failed or attempt >= attempts:
        return None
    return {**request, "attempt": attempt, "id": f"{request['rid']}-{attempt}"}


def write_pending(place: Storage, requests: Stage, samples: Stage, attempts: int) -> int:
    """Writes the requests to ask now into a folder of their own and returns how many there are.

    A table of exactly what is missing needs no filter while the stream runs: Ray Data's own checkpoint filter takes a
    CPU more on resume than on the first run and hangs where there is none, and its grain is a block.
    """
    place.clear()
    latest, total = latest_attempts(samples), 0
    for number, rows in enumerate(pending(requests, latest, attempts)):
        place.write_parquet(f"{number:06d}.parquet", table("request", rows))
        total += len(rows)
    return total


def adopt(requests: Stage, samples: Stage, others: list[Stage]) -> int:
    """Takes over samples that other stages bought for the same requests, and returns how many.

    A request's `rid` is a hash of everything that shapes its completion, so a sample of the same `rid` is the same
    sample, whatever else changed (more problems, more samples a problem, another verifier).
    """
    wanted = {row["rid"] for batch in requests.batches(["rid"]) for row in batch}
    wanted -= latest_attempts(samples).keys()
    taken = 0
    for other in others:
        for batch in other.batches(columns("sample")):
            rows = [row for row in batch if row["rid"] in wanted and row["finish_reason"] != "error"]
            rows = list({row["rid"]: row for row in rows}.values())
            wanted -= {row["rid"] for row in rows}
            if rows:
                name = content_hash([row["id"] for row in rows])
                samples.storage.write_parquet(f"adopted-{name}.parquet", table("sample", rows))
                taken += len(rows)
    return taken
