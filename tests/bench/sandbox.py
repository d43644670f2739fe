"""Programs a second of CPU time, side by side: two usual ways, the sandbox's tiers, and the sandbox in Ray Data.

    python -m tests.bench.sandbox [--programs N] [--rows N] [--rounds N] [--seed N] [--json FILE]

Every round runs every way in turn on the same seeded sample of real programs, and ratios are taken within a round, so
that other load on the machine weighs on all alike. CPU time is that of the whole process tree (see cpu.py). The slow
ways run the first `--programs` programs of the sample, the fast ones twelve times as many (more of them different than
any cache of theirs holds), the pipeline `--rows` rows. Programs that never end are left out: they cost their limit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pad_ray.programs.values import encode
from tests.bench import arms, scaling
from tests.bench.arms import Arm
from tests.bench.corpus import RealProgram, real_programs, sample
from tests.bench.cpu import Meter, accounted_share, open_meter

PIPELINES = {"sandbox": "routed pair in Ray Data", "verifier": "`Verifier` in Ray Data"}
_FAST_FACTOR = 12
_LATENCIES = 200
_FILES = 16


@dataclass(slots=True)
class Result:
    """What one way came to, a figure for each round.

    Attributes:
        programs: programs in a round.
        answered: those of the last round that gave a value.
        cpu_s: CPU seconds per program.
        wall_s: seconds per program.
        latencies: seconds of single programs, over all rounds.
    """

    name: str
    programs: int = 0
    answered: int = 0
    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def row(self) -> str:
        """A line of the table."""
        cpu, low, high = statistics.median(self.cpu_s), min(self.cpu_s), max(self.cpu_s)
        p50, p99 = percentile(self.latencies, 50), percentile(self.latencies, 99)
        return (
            f"| {self.name} | {self.programs:,} | {self.answered / self.programs:.1%} | {cpu * 1e3:.3f} "
            f"({low * 1e3:.3f} – {high * 1e3:.3f}) | {1 / cpu:,.0f} | {1 / statistics.median(self.wall_s):,.0f} "
            f"| {p50 * 1e3:.2f} / {p99 * 1e3:.2f} |"
        )


@dataclass(frozen=True, slots=True)
class Aim:
    """How many times the CPU time of `better` another way takes, and how many it should."""

    text: str
    better: str
    other: str
    least: float

    def row(self, results: dict[str, Result]) -> str:
        """A line of the table: the median over rounds of the ratio within a round."""
        pairs = zip(results[self.other].cpu_s, results[self.better].cpu_s, strict=True)
        ratios = [other / better for other, better in pairs]
        ratio = statistics.median(ratios)
        held = "holds" if ratio >= self.least else "does not hold"
        return f"| {self.text} | {ratio:.2f} ({min(ratios):.2f} – {max(ratios):.2f}) | ≥ {self.least:g} | {held} |"


AIMS = (
    Aim("tier 1 : HumanEval-style", arms.TIER_1, arms.HUMANEVAL, 20),
    Aim("tier 1 : subprocess", arms.TIER_1, arms.SUBPROCESS, 100),
    Aim("pair in Ray Data (actors and their sandboxes) : tier 1", PIPELINES["sandbox"], arms.TIER_1, 0.7),
)


def percentile(values: list[float], percent: int) -> float:
    """The smallest value that so many percent of the values do not exceed; nan without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")


class Bench:
    """The rounds of one run."""

    def __init__(self, args: argparse.Namespace, meter: Meter) -> None:
        self._args = args
        self._meter = meter
        self.programs = real_programs(endless=False)
        self.results: dict[str, Result] = {}
        self.scaling: list[dict[str, float]] = []
        self.whole_ray: dict[str, list[float]] = {}

    @property
    def sample(self) -> list[RealProgram]:
        """What the fast ways run; the slow ones run its beginning."""
        return sample(self.programs, self._args.programs * _FAST_FACTOR, self._args.seed)

    def run(self, folder: Path) -> None:
        """All rounds, every way in each; the pipeline's rows go into a folder."""
        chosen = self.sample
        if self._args.rows:
            write_rows(folder / "in", sample(self.programs, self._args.rows, self._args.seed))
        with ExitStack() as stack:
            slow, fast = arms.open_arms(stack)
            for number in range(self._args.rounds):
                print(f"round {number + 1} of {self._args.rounds}", file=sys.stderr)
                for arm in slow:
                    self._measure(arm, chosen[: self._args.programs])
                for arm in fast:
                    self._measure(arm, chosen)
                if self._args.rows:
                    for actor, name in PIPELINES.items():
                        self._pipeline(folder, actor, name)
                self.scaling.append(scaling.rates([real.program for real in chosen]))

    def _measure(self, arm: Arm, programs: list[RealProgram]) -> None:
        result = self.results.setdefault(arm.name, Result(arm.name, len(programs)))
        cpu, wall = self._meter.seconds(), time.perf_counter()
        result.answered = arm.run(programs)
        result.wall_s.append((time.perf_counter() - wall) / len(programs))
        result.cpu_s.append((self._meter.seconds() - cpu) / len(programs))
        result.latencies += arm.latencies(programs[:_LATENCIES])

    def _pipeline(self, folder: Path, actor: str, name: str) -> None:
        result = self.results.setdefault(name, Result(name))
        cpu = self._meter.seconds()
        command = [sys.executable, "-m", "tests.bench.pipeline", str(folder), actor]
        options = ["--actors", str(self._args.actors), "--batch", str(self._args.batch)]
        done = subprocess.run([*command, *options], stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        rows = result.programs = found["rows"]
        self.whole_ray.setdefault(name, []).append((self._meter.seconds() - cpu) / rows)
        result.answered = answered_rows(folder / "out")
        result.wall_s.append(found["wall_s"] / rows)
        result.cpu_s.append(sum(one["cpu_s"] for one in found["actors"]) / rows)
        result.latencies += [seconds for one in found["actors"] for seconds in one["latencies"]]


def write_rows(folder: Path, programs: list[RealProgram]) -> None:
    """The pipeline's input: several Parquet files, each of them one block for Ray Data."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    folder.mkdir(parents=True)
    for part in range(_FILES):
        mine = programs[part::_FILES]
        columns = {
            "id": [real.id for real in mine],
            "completion": [real.text for real in mine],
            "gold": [encode(real.gold) for real in mine],
            "program": [real.program.code for real in mine],
            "entry": pa.array([real.program.entry for real in mine], pa.string()),
        }
        parquet.write_table(pa.table(columns), folder / f"{part:03}.parquet")


def answered_rows(folder: Path) -> int:
    """The rows of the pipeline's output that hold a value."""
    import pyarrow.parquet as parquet

    column = parquet.read_table(folder, columns=["value"]).column("value")
    return len(column) - int(column.null_count)


def report(bench: Bench, args: argparse.Namespace, how: str, share: float) -> str:
    """All of it as Markdown."""
    sources = Counter(real.source for real in bench.sample[: args.programs])
    lines = [
        f"`{shlex.join([Path(sys.executable).name, '-m', 'tests.bench.sandbox', *sys.argv[1:]])}`",
        "",
        f"{os.cpu_count()} cores {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load at the end {os.getloadavg()[0]:.1f}; CPU time by {how}, which finds {share:.1%} of a known burn; "
        f"{args.rounds} rounds; medians over rounds (lowest – highest).",
        "Programs: " + ", ".join(f"{count} {source}" for source, count in sources.most_common()) + " in the sample.",
        "",
        "| way | programs | gave a value | CPU ms per program | programs per CPU second | per wall second "
        "| single: p50 / p99 ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(result.row() for result in bench.results.values()),
        "",
        "| ratio of CPU time per program | found | aim | |",
        "|---|---:|---:|---|",
        *(aim.row(bench.results) for aim in AIMS if aim.better in bench.results),
        "",
        *_scaling_lines(bench.scaling),
    ]
    for name, rounds in bench.whole_ray.items():
        whole = f"{1 / statistics.median(rounds):,.0f} programs a CPU second with all of Ray, its start included"
        lines += ["", f"{name}: {args.actors} actors, batches of {args.batch}; {whole}."]
    return "\n".join(lines)


def _scaling_lines(rounds: list[dict[str, float]]) -> list[str]:
    if not rounds or not rounds[0]:
        return ["One core: nothing to say of two workers."]
    lines = ["| tier 1 | programs a second (wall) | against one |", "|---|---:|---:|"]
    for name in rounds[0]:
        gain = statistics.median(one[name] / one[scaling.ONE] for one in rounds)
        lines.append(f"| {name} | {statistics.median(one[name] for one in rounds):,.0f} | {gain:.2f} |")
    return lines


def _raw(bench: Bench) -> dict[str, Any]:
    kept = ("programs", "answered", "cpu_s", "wall_s", "latencies")
    ways = {name: {key: getattr(result, key) for key in kept} for name, result in bench.results.items()}
    return {"ways": ways, "scaling": bench.scaling, "whole_ray_cpu_s": bench.whole_ray}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=400, help="programs a round of the slow ways")
    parser.add_argument("--rows", type=int, default=100_000, help="rows a round in Ray Data; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--actors", type=int, default=os.cpu_count() or 1, help="judging actors in Ray Data")
    parser.add_argument("--batch", type=int, default=256, help="rows that a judging actor gets at once")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write every figure to this file as well")
    return parser.parse_args()


def main() -> None:
    """Command line."""
    args = _arguments()
    meter = open_meter()
    try:
        share = accounted_share(meter)
        bench = Bench(args, meter)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            bench.run(Path(folder))
        print(report(bench, args, meter.how, share))
        if args.json:
            args.json.write_text(json.dumps(_raw(bench), indent=1))
    finally:
        meter.close()


if __name__ == "__main__":
    main()
