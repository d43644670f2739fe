"""What is asked again: what has no sample, and what failed at the teacher; nothing else, ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pad_ray.generation.completion import answered, failed
from pad_ray.records import Row, table
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.synthesis.pending import adopt, latest_attempts, pending, write_pending


def _request(rid: str, attempt: int = 0) -> Row:
    facts: Row = {"problem_id": rid, "k": 0, "gold": "int:1", "prompt": f"Question {rid}", "sampling": "{}"}
    return {"id": f"{rid}-{attempt}", "rid": rid, "attempt": attempt, "model": "teacher", **facts}


def _sample(request: Row, error: str | None = None) -> Row:
    return failed(request, error) if error else answered(request, f"\n    return {request['rid']!r}\n")


class Table:
    """A stage of requests and one of samples, with as many files as there were writes."""

    def __init__(self, folder: Path) -> None:
        run = RunFolder.open(str(folder), "run")
        self.requests = run.stage("requests", [], record="request")
        self.samples = run.stage("samples", [], record="sample")
        self.requests.write_rows([_request(rid) for rid in "cab"])

    def write(self, *rows: Row, stage: Stage | None = None) -> None:
        place = (stage or self.samples).storage
        place.write_parquet(f"{len(place.names())}.parquet", table("sample", list(rows)))

    def ask(self, attempts: int = 3) -> list[Row]:
        tables = pending(self.requests, latest_attempts(self.samples), attempts)
        return [row for rows in tables for row in rows.to_pylist()]


@pytest.fixture
def rows(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_without_samples_all_is_asked_in_the_order_of_the_requests(rows: Table) -> None:
    assert [row["id"] for row in rows.ask()] == ["c-0", "a-0", "b-0"]


def test_what_was_answered_is_not_asked_again(rows: Table) -> None:
    rows.write(_sample(_request("a")))
    assert [row["rid"] for row in rows.ask()] == ["c", "b"]


def test_what_failed_is_asked_again_under_the_next_attempt(rows: Table) -> None:
    rows.write(_sample(_request("a"), error="no"), _sample(_request("b")), _sample(_request("c")))
    assert [(row["id"], row["rid"], row["attempt"]) for row in rows.ask()] == [("a-1", "a", 1)]


def test_an_answer_after_a_failure_counts(rows: Table) -> None:
    rows.write(_sample(_request("a"), error="no"))
    rows.write(_sample(_request("a", attempt=1)))
    assert "a" not in {row["rid"] for row in rows.ask()}


def test_the_latest_attempt_counts_whatever_the_order_of_files(rows: Table) -> None:
    rows.write(_sample(_request("a", attempt=1)))
    rows.write(_sample(_request("a"), error="no"))
    assert "a" not in {row["rid"] for row in rows.ask()}


@pytest.mark.parametrize(("attempts", "asked"), [(1, []), (2, ["a-1"])])
def test_a_request_is_asked_as_often_as_it_may_be(rows: Table, attempts: int, asked: list[str]) -> None:
    rows.write(_sample(_request("a"), error="no"), _sample(_request("b")), _sample(_request("c")))
    assert [row["id"] for row in rows.ask(attempts)] == asked


def test_the_table_of_what_is_pending_holds_what_is_pending(rows: Table) -> None:
    rows.write(_sample(_request("a")))
    place = rows.samples.storage / "pending"
    assert write_pending(place, rows.requests, rows.samples, attempts=3) == 2
    written = Stage("requests", "pending", place, "request")
    assert [row["id"] for row in written.read_rows()] == ["b-0", "c-0"]


def test_readers_take_the_latest_attempt_and_each_request_once(rows: Table) -> None:
    rows.write(_sample(_request("a"), error="no"))
    again = _sample(_request("a", attempt=1))
    rows.write(again)
    rows.write(again)
    assert [row["id"] for row in rows.samples.read_rows(["id"])] == ["a-1"]


def _other(rows: Table, *samples: Row) -> Stage:
    other = Stage("samples", "other", rows.samples.storage / ".." / "other", "sample")
    rows.write(*samples, stage=other)
    return other


def test_samples_of_the_same_requests_are_taken_over_from_elsewhere(rows: Table) -> None:
    bought: Any = [_sample(_request("a")), _sample(_request("z"))]
    assert adopt(rows.requests, rows.samples, [_other(rows, *bought)]) == 1
    assert [row["rid"] for row in rows.ask()] == ["c", "b"]


def test_failures_are_not_taken_over(rows: Table) -> None:
    assert adopt(rows.requests, rows.samples, [_other(rows, _sample(_request("a"), error="no"))]) == 0


def test_what_is_there_already_is_not_taken_over_again(rows: Table) -> None:
    other = _other(rows, _sample(_request("a")))
    adopt(rows.requests, rows.samples, [other])
    assert adopt(rows.requests, rows.samples, [other]) == 0
