"""How synthesis grows with its rows: the recorded teacher through the real sandbox; and how a broken run goes on.

    python -m tests.bench.scale [--rows 1000 10000 …] [--out FOLDER] [--until samples|examples] [--resume 0.9]

Every size is one `pad-ray run --until samples` in a process of its own: problems and completions by rule, four samples
a problem, four worked examples in a prompt, all programs run and compared with gold. While it runs the memory of its
processes is read twice a second. A size that is done is not run again: its figures are in FOLDER.

cost      the first and smallest size is mostly the start of Ray and its actors, so what a row costs is told for the
          rows beyond it; the ratio is to the second size
driver    resident memory without what it shares (libraries, the object store), when Ray starts and at its most
workers   the same of Ray's workers: the largest one, and all together
store     the object store's pages that were ever written

`--resume 0.9` takes the finished run of each size, leaves nine tenths of its sample files, in the order in which they
were written, and none of what came after them: what a kill at that moment leaves. Told is the time from the start of
the command to the first new file of samples, and to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from pad_ray.jsonl import write_rows
from tests.bench.cpu import Meter, open_meter

SAMPLES = 4
_MIB = 2**20
_EVERY = 0.5  # seconds between two readings
_NAMES = ("Ada", "Bruno", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana")
_THINGS = ("apples", "stamps", "coins", "pencils", "shells", "tickets", "marbles")
_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Figures:
    """What was seen of one command. Memory in MiB.

    Attributes:
        first_row: seconds from its start to the first new file of samples.
        driver: (seconds, MiB, rows' files) as it ran.
    """

    rows: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    first_row: float = 0.0
    driver_start: float = 0.0
    driver_peak: float = 0.0
    worker_peak: float = 0.0
    workers_peak: float = 0.0
    store_peak: float = 0.0
    files: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    driver: list[tuple[float, float, int]] = field(default_factory=list)


def write_run(folder: Path, rows: int) -> Path:
    """The configuration of a run of so many rows, with its files."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = -(-rows // SAMPLES)
    _write_lines(folder / "problems.jsonl", (_problem(number) for number in range(problems)))
    _write_lines(folder / "recorded.jsonl", (line for number in range(problems) for line in _recorded(number)))
    for name in ("validation", "test"):
        write_rows(folder / f"{name}.jsonl", [{**_problem(number), "id": f"{name}-{number}"} for number in range(4)])
    config = {
        "name": "scale",
        "runs": str(folder / "runs"),
        "problems": {split: str(folder / f"{name}.jsonl") for split, name in _FILES.items()},
        "teacher": {"kind": "recorded", "file": str(folder / "recorded.jsonl"), "samples": SAMPLES},
    }
    path = folder / "scale.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


_FILES = {"train": "problems", "validation": "validation", "test": "test"}


def _write_lines(path: Path, rows: Iterator[Mapping[str, Any]]) -> None:
    """Line by line: a million rows are never in memory."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _numbers(number: int) -> tuple[int, int, int]:
    return 12 + number % 887, 3 + number % 89, 2 + number // 7 % 11


def _problem(number: int) -> dict[str, Any]:
    have, more, times = _numbers(number)
    name, thing = _NAMES[number % len(_NAMES)], _THINGS[number % len(_THINGS)]
    question = (
        f"{name} has {have} {thing} and is given {more} more on each of {times} days. "
        f"On day {number} a friend takes half of them. How many {thing} does {name} have left?"
    )
    return {"id": f"p{number:07d}", "question": question, "answer": (have + more * times) / 2}


def _recorded(number: int) -> Iterator[dict[str, Any]]:
    """Right, but for every third: a wrong number, or once in a while no program at all."""
    have, more, times = _numbers(number)
    thing = _THINGS[number % len(_THINGS)]
    for k in range(SAMPLES):
        total = f"{thing}_at_first + {thing}_given" if k % 2 else f"{thing}_given + {thing}_at_first"
        text = (
            f"\n    {thing}_at_first = {have}\n    {thing}_a_day = {more}\n    days = {times}\n"
            f"    {thing}_given = {thing}_a_day * days\n    total = {total}\n"
            "    result = total / 2\n    return result\n"
        )
        if (number + k) % 3 == 0:
            text = text.replace("/ 2", "/ 3") if number % 30 else text.replace("= total /", "= (total /")
        yield {"problem_id": f"p{number:07d}", "k": k, "completion": text}


class Watch:
    """Reads memory and files while a command runs.

    Args:
        process: the command, which is the driver.
        run: the run's folder.
        figures: is filled.
    """

    def __init__(self, process: subprocess.Popen[bytes], run: Path, figures: Figures) -> None:
        self._process = process
        self._run = run
        self._figures = figures
        self._before = self._files()
        self._began = time.monotonic()
        self._store = ""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def wait(self) -> int:
        """The command's exit code, when it has ended."""
        code = self._process.wait()
        self._figures.seconds = time.monotonic() - self._began
        self._thread.join()
        self._figures.files = len([*self._run.glob("samples/*/*.parquet")])
        return code

    def _files(self) -> set[str]:
        return {path.name for path in self._run.glob("samples/*/[!m]*.parquet")}  # those of judges, not merged ones

    def _watch(self) -> None:
        while self._process.poll() is None:
            with suppress(psutil.Error, OSError):
                self._read()
            time.sleep(_EVERY if self._figures.first_row else 0.1)

    def _read(self) -> None:
        figures, now = self._figures, time.monotonic() - self._began
        new = self._files() - self._before
        if new and not figures.first_row:
            figures.first_row = now
        driver = psutil.Process(self._process.pid)
        family = driver.children(recursive=True)
        own = _own_memory(driver)
        figures.driver.append((round(now, 1), round(own), len(new)))
        figures.driver_peak = max(figures.driver_peak, own)
        raylet = next((one for one in family if _name(one) == "raylet"), None)
        if raylet is None:
            return
        figures.driver_start = figures.driver_start or own
        workers = [_own_memory(one) for one in family if _name(one).startswith("ray::")]
        figures.worker_peak = max(figures.worker_peak, *workers, 0)
        figures.workers_peak = max(figures.workers_peak, sum(workers))
        figures.store_peak = max(figures.store_peak, self._store_size(raylet.pid))

    def _store_size(self, raylet: int) -> float:
        """Of the file that the store is mapped from, which has no name any more."""
        for link in [self._store] if self._store else [str(path) for path in Path(f"/proc/{raylet}/fd").iterdir()]:
            with suppress(OSError):
                if "plasma" in os.readlink(link):
                    self._store = link
                    return os.stat(link).st_blocks * 512 / _MIB
        return 0.0


def _own_memory(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        found = process.memory_info()
        return float(found.rss - found.shared) / _MIB
    return 0.0


def _name(process: psutil.Process) -> str:
    """Ray's workers rename themselves; the kernel cuts the name of a program at fifteen characters."""
    with suppress(psutil.Error):
        line = process.cmdline()
        return Path(line[0]).name if line and not line[0].startswith("ray::") else "".join(line[:1])
    return ""


def measure(config: Path, rows: int, until: str, meter: Meter) -> Figures:
    """Runs the command to its end.

    Raises:
        SystemExit: it failed; the end of its log is told.
    """
    figures, log = Figures(rows), config.with_name("log.txt")
    run = config.parent / "runs" / "scale"
    command = [sys.executable, "-m", "pad_ray.cli", "run", str(config), "--until", until]
    spent = meter.seconds()
    with log.open("ab") as file:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=file, stderr=file)
        code = Watch(process, run, figures).wait()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}: {log.read_text()[-2000:]}")
    figures.cpu_seconds = meter.seconds() - spent
    figures.verdicts = _verdicts(run)
    if sum(figures.verdicts.values()) != rows:
        raise SystemExit(f"{rows:,} rows were asked for, and there are {figures.verdicts}")
    return figures


def _verdicts(run: Path) -> dict[str, int]:
    [mark] = run.glob("verdicts/*/done.json")
    counts = json.loads(mark.read_text())
    return {name: counts[name] for name in ("ok", "wrong_answer", "syntax_error", "sandbox_error") if name in counts}


def once(place: Path, work: Any) -> Figures:
    """The figures of a measure that is done, else those that `work` makes now."""
    if not place.exists():
        place.with_suffix(".part").write_text(json.dumps(asdict(work())))
        place.with_suffix(".part").rename(place)
    return Figures(**json.loads(place.read_text()))


def whole(folder: Path, rows: int, until: str, meter: Meter) -> Figures:
    """A run from nothing, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    return measure(write_run(folder, rows), rows, until, meter)


def broken_off(folder: Path, config: Path, fraction: float) -> Path:
    """A run that holds a share of the sample files of a finished one, as a kill leaves it; the files are shared."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = yaml.safe_load(config.read_text())
    done, begun = Path(settings["runs"]) / "scale", folder / "runs" / "scale"
    for name in ("problems", "requests"):
        shutil.copytree(done / name, begun / name, copy_function=os.link)
    [samples] = (done / "samples").glob("*/")
    (begun / "samples" / samples.name).mkdir(parents=True)
    files = sorted(samples.glob("*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    total, kept = sum(map(_rows, files)), 0
    for path in files:
        if kept + _rows(path) <= fraction * total:
            kept += _rows(path)
            os.link(path, begun / "samples" / samples.name / path.name)
    other = folder / "scale.yaml"
    other.write_text(yaml.safe_dump({**settings, "runs": str(folder / "runs")}))
    print(f"{config.parent.name}: {kept:,} of {total:,} rows are left ({kept / total:.1%})", file=sys.stderr)
    return other


def _rows(path: Path) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(path).num_rows)


def sizes_table(found: list[Figures]) -> str:
    """A line for each size."""
    lines = [
        "| rows | seconds | first row after | ms/row beyond the first size | ratio | CPU ms/row beyond it | ratio "
        "| driver MiB, start → peak | largest worker MiB | all workers MiB | store MiB | sample files |",
        "|" + "---:|" * 12,
    ]
    costs = [(0.0, 0.0), *(_beyond(found[0], one) for one in found[1:])]
    for one, (wall, cpu) in zip(found, costs, strict=True):
        first = one is found[0]
        wall_ratio, cpu_ratio = ("", "") if first else (_ratio(wall, costs[1][0]), _ratio(cpu, costs[1][1]))
        cells = [
            f"{one.rows:,}",
            f"{one.seconds:,.1f}",
            f"{one.first_row:,.1f} s",
            "" if first else f"{wall:.3f}",
            wall_ratio,
            "" if first else f"{cpu:.3f}",
            cpu_ratio,
            f"{one.driver_start:,.0f} → {one.driver_peak:,.0f}",
            f"{one.worker_peak:,.0f}",
            f"{one.workers_peak:,.0f}",
            f"{one.store_peak:,.0f}",
            f"{one.files:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _beyond(first: Figures, one: Figures) -> tuple[float, float]:
    """Wall and CPU milliseconds for each row that it has more."""
    more = (one.rows - first.rows) / 1000
    return (one.seconds - first.seconds) / more, (one.cpu_seconds - first.cpu_seconds) / more


def _ratio(cost: float, other: float) -> str:
    return f"{cost / other:.2f}" if other > 0 else "–"


def resumes_table(found: list[Figures], fraction: float) -> str:
    """A line for each size that went on."""
    lines = [
        f"| rows, {fraction:.0%} done | first new row after | to its end | driver MiB, start → peak | store MiB |",
        "|" + "---:|" * 5,
    ]
    for one in found:
        memory = f"{one.driver_start:,.0f} → {one.driver_peak:,.0f} | {one.store_peak:,.0f}"
        lines.append(f"| {one.rows:,} | {one.first_row:,.1f} s | {one.seconds:,.1f} s | {memory} |")
    return "\n".join(lines)


def main() -> None:
    """Runs what is missing, and prints what there is after every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--out", type=Path, default=_ROOT / "runs" / "bench-scale", help="kept, to go on from")
    parser.add_argument("--until", choices=("samples", "examples"), default="samples")
    parser.add_argument("--resume", type=float, metavar="FRACTION", help="let each size go on from such a share")
    arguments = parser.parse_args()
    out, until = arguments.out.resolve(), arguments.until
    meter, found, resumed = open_meter(), [], []
    print(f"{os.cpu_count()} cores, CPU time by {meter.how}", file=sys.stderr)
    for rows in sorted(arguments.rows):
        folder = out / f"{rows}-{until}"
        place = out / f"{rows}-{until}.json"
        found.append(once(place, lambda f=folder, r=rows: whole(f, r, until, meter)))
        print(sizes_table(found), flush=True)
        if arguments.resume:
            again, name = out / f"{rows}-{until}-resumed", f"{rows}-{until}-resumed-{arguments.resume:g}.json"
            config = folder / "scale.yaml"
            resumed.append(
                once(
                    out / name,
                    lambda a=again, c=config, r=rows: measure(broken_off(a, c, arguments.resume), r, until, meter),
                )
            )
            print(resumes_table(resumed, arguments.resume), flush=True)
    meter.close()


if __name__ == "__main__":
    main()
