"""The routed pair inside Ray Data: read_parquet → map_batches with an actor pool → write_parquet.

    python -m tests.bench.pipeline FOLDER (sandbox|verifier) [--actors N] [--batch N]

Reads `FOLDER/in/*.parquet` (id, completion, gold as tagged text, program, entry) and writes `FOLDER/out`. The actors
hold a `Sandbox`, which runs the programs; or a `Verifier`, which finds them in the completions and compares with gold
as well, as synthesis does. Prints one JSON object: rows, wall seconds from the first read to the last write, and for
each actor its programs and the CPU seconds of it and its sandbox. Started by `tests.bench.sandbox`, which counts the
CPU time of the whole of Ray too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from pad_ray.programs.values import decode, encode
from pad_ray.sandbox import Program, Sandbox
from pad_ray.verification import Verifier
from tests.bench.cpu import open_meter

PROBES = 200
BATCHES_A_BLOCK = 4

Row: TypeAlias = dict[str, Any]


class Accounts:
    """What one actor did, kept in a file that outlives it."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder) / f"{os.getpid()}.json"
        self._meter = open_meter()
        self._rows = 0
        self._start = 0.0
        self.latencies: list[float] = []

    def probe(self, work: Callable[[list[Row]], object], rows: list[Row]) -> None:
        """Times single programs, once, before the accounts begin."""
        if self.latencies:
            return
        for row in rows:
            start = time.perf_counter()
            work([row])
            self.latencies.append(time.perf_counter() - start)
        self._start = self._meter.seconds()

    def keep(self, rows: int) -> None:
        """Adds a batch; CPU seconds are counted up to now."""
        self._rows += rows
        cpu_s = self._meter.seconds() - self._start
        self._file.write_text(json.dumps({"rows": self._rows, "cpu_s": cpu_s, "latencies": self.latencies}))


class Run:
    """Ray Data actor: rows in, rows with what came of their programs out."""

    def __init__(self, accounts: str) -> None:
        self._accounts = Accounts(accounts)
        self._open()

    def __call__(self, batch: Any) -> Any:
        import pyarrow

        rows = batch.to_pylist()
        self._accounts.probe(self._work, rows[:PROBES])
        table = pyarrow.Table.from_pylist(self._work(rows), schema=_schema())
        self._accounts.keep(len(rows))
        return table

    def _open(self) -> None:
        self._sandbox = Sandbox(warm=True).__enter__()

    def _work(self, rows: list[Row]) -> list[Row]:
        found = self._sandbox.run([Program(row["program"], row["entry"]) for row in rows])
        return [
            {
                **row,
                "verdict": str(one.status),
                "value": encode(one.value) if one.ok else None,
                "error_class": one.error_class,
                "error": one.message,
                "line": one.line,
                "forged": one.forged,
                "tier": str(one.tier),
                "cpu_seconds": one.cpu_s,
            }
            for row, one in zip(rows, found, strict=True)
        ]


class Judge(Run):
    """Ray Data actor as the synthesis stage has it: finds the program and compares its value with gold as well."""

    def _open(self) -> None:
        self._verifier = Verifier().__enter__()

    def _work(self, rows: list[Row]) -> list[Row]:
        found = self._verifier.judge([row["completion"] for row in rows], [decode(row["gold"]) for row in rows])
        return [
            {
                **row,
                "program": one.program,
                "verdict": str(one.verdict),
                "value": one.value,
                "error_class": one.error_class,
                "error": one.error,
                "line": one.line,
                "forged": one.forged,
                "tier": one.tier,
                "cpu_seconds": one.cpu_s,
            }
            for row, one in zip(rows, found, strict=True)
        ]


ACTORS: dict[str, type[Run]] = {"sandbox": Run, "verifier": Judge}


def _schema() -> Any:
    import pyarrow as pa

    text = ("id", "completion", "gold", "program", "entry", "verdict", "value", "error_class", "error", "tier")
    others = [("line", pa.int64()), ("forged", pa.bool_()), ("cpu_seconds", pa.float64())]
    return pa.schema([*((name, pa.string()) for name in text), *others])


def run(folder: Path, actor: type[Run], actors: int, batch: int) -> dict[str, Any]:
    """Runs the pipeline on a Ray of its own and returns the accounts."""
    import ray

    accounts = folder / "accounts"
    for name in ("accounts", "out"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    os.environ.pop("RAY_ADDRESS", None)
    _start_ray(actors)
    try:
        _quieten()
        start = time.monotonic()
        source = ray.data.read_parquet(str(folder / "in"))
        # A block is the grain of parallelism, and a small file makes one block only.
        source.repartition(max(actors, math.ceil(source.count() / (BATCHES_A_BLOCK * batch)))).map_batches(
            actor,
            fn_constructor_args=(str(accounts),),
            compute=ray.data.ActorPoolStrategy(size=actors),
            batch_size=batch,
            batch_format="pyarrow",
            num_cpus=1,
            zero_copy_batch=True,
        ).write_parquet(str(folder / "out"))
        wall_s = time.monotonic() - start
    finally:
        ray.shutdown()
    kept = [json.loads(path.read_text()) for path in accounts.iterdir()]
    return {"rows": sum(one["rows"] for one in kept), "wall_s": wall_s, "actors": kept}


def _start_ray(actors: int) -> None:
    """A read, the actors and a write at a time; an actor's work is done by its sandbox."""
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "include_dashboard": False}
    for _ in range(3):
        # On a busy machine Ray may need longer to start than it allows itself.
        with contextlib.suppress(Exception):
            ray.init(num_cpus=actors + 2, **options)
            return
        ray.shutdown()
    ray.init(num_cpus=actors + 2, **options)


def _quieten() -> None:
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("actor", choices=ACTORS)
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    args = parser.parse_args()
    meter = open_meter()
    try:
        json.dump(run(args.folder, ACTORS[args.actor], args.actors, args.batch), sys.stdout)
    finally:
        # The actors made groups of their own within this one; they go with it.
        meter.close()


if __name__ == "__main__":
    main()
