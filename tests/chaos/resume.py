"""Kill -9 of the driver, again and again, each followed by the same command; then what is on disk is counted.

    python -m tests.chaos.resume [--teacher recorded|http|vllm|transformers] [--nodes N]
                                 [--victim driver|engine|judge|sandbox|node] [--kills N] [--problems N] [--seed N]

Kills come at random moments between 10 % and 90 % of the rows on disk, on the least logical CPUs that the run may have.
With `--nodes` the run goes to a cluster of so many nodes; the victim `node` is the one with the judge on it.
How often a teacher was asked is counted outside of the run: by the endpoint, or by the scheduler of the engine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pad_ray.config import ResourcesConfig, load_config
from pad_ray.forecast import in_flight
from pad_ray.pipeline import Pipeline
from pad_ray.records import content_hash
from pad_ray.run_folder import PROGRESS
from pad_ray.runtime import needed_cpus
from tests.chaos import counted_engine
from tests.chaos.cluster import Cluster
from tests.chaos.counted_engine import EngineCount
from tests.chaos.endpoint import Endpoint, completion_of, verdict_on
from tests.chaos.processes import MARK, children, marked
from tests.training.tiny import make_student

SAMPLES = 2
JUDGE = "ray::MapWorker(MapBatches(Judge "
ENGINES = {
    "http": "ray::MapWorker(MapBatches(HttpTeacher ",
    "recorded": "ray::MapWorker(MapBatches(RecordedTeacher ",
    "transformers": "ray::MapWorker(MapBatches(TransformersTeacher ",
    "vllm": "vLLMEngineStageUDF",
}
VICTIMS = ("engine", "judge", "sandbox", "node")


@dataclass
class Outcome:
    """What was found after the last run.

    Attributes:
        missing: requests without a sample.
        in_flight: at each kill of the driver, rows that the teacher was asked for since the one before and that are not
            on disk.
        two_batches: twice the rows that a teacher holds at once.
        asked_twice: rows that the teacher was asked for more than once, over all kills.
        killed: processes that each blow hit, where the driver lived on.
        told: the last progress record, which knows nodes and restarts.
        misjudged: rows whose verdict is not what arithmetic says; None where an engine wrote the programs.
        equal: whether the table is that of an undisturbed run; None where a teacher's answers differ.
    """

    requests: int = 0
    rows: int = 0
    unique_ids: int = 0
    missing: int = 0
    double_on_disk: int = 0
    changed_files: int = 0
    kills: int = 0
    asked: int = 0
    asked_twice: int = 0
    two_batches: int = 0
    in_flight: list[int] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    misjudged: int | None = None
    equal: bool | None = None


def write_run(folder: Path, teacher: str, problems: int, url: str = "") -> Path:
    """A configuration with its files, and as few logical CPUs as the run may have."""
    rows = [{"id": f"p{n}", "question": f"What is {n} plus {n % 7}?", "answer": n + n % 7} for n in range(problems)]
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recorded = [
        {"problem_id": row["id"], "k": k, "completion": completion_of(str(row["question"]), k)}
        for row in rows
        for k in range(SAMPLES)
    ]
    (folder / "recorded.jsonl").write_text("".join(json.dumps(row) + "\n" for row in recorded))
    asked: dict[str, Any] = {"kind": teacher, "samples": SAMPLES, "shots": 2, "max_tokens": 48}
    if teacher == "recorded":
        asked["file"] = str(folder / "recorded.jsonl")
    if teacher == "http":
        asked |= {"model": "counted", "http": {"base_url": url, "endpoint": "completions", "max_in_flight": 64}}
    resources: dict[str, Any] = {"cpus": needed_whole_cpus()}
    if teacher == "vllm":
        resources["engine_kwargs"] = counted_engine.SETTING
    if teacher == "transformers":
        asked |= {"model": make_student("gpt2", folder / "gpt2"), "shots": 0}
        resources["engine_rows"] = 32
    config = {
        "name": "chaos",
        "runs": str(folder / "runs"),
        "problems": {"train": str(folder / "problems.jsonl")},
        "teacher": asked,
        "resources": resources,
    }
    path = folder / "chaos.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def needed_whole_cpus() -> int:
    """The least whole number of logical CPUs that a run accepts."""
    return -int(-needed_cpus(ResourcesConfig()) // 1)


class Run:
    """Starts the command, watches the rows that it writes, and kills.

    Args:
        config: see `write_run`.
        cluster: where it runs; None has it start a Ray of its own.
    """

    def __init__(self, config: Path, cluster: Cluster | None = None) -> None:
        self.config = config
        self.cluster = cluster
        self.pipeline = Pipeline(load_config(config))
        self.stage = self.pipeline.sampling.samples
        self.mark = cluster.mark if cluster else uuid.uuid4().hex
        self._footers: dict[str, int] = {}

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "pad_ray.cli", "run", str(self.config), "--until", "samples"]
        around = self.cluster.variables if self.cluster else os.environ
        environment = {**around, MARK: self.mark, counted_engine.FILE: str(self.config.parent / "asked")}
        with (self.config.parent / "log.txt").open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def rows(self) -> int:
        """Rows in whole files, by their footers."""
        from pyarrow import parquet

        for name in self.stage.storage.names():
            if name.endswith(".parquet") and name not in self._footers:
                path = Path(self.stage.storage.path) / name
                self._footers[name] = parquet.read_metadata(path).num_rows
        return sum(self._footers.values())

    def digest(self) -> str:
        """A hash of all rows, but for what depends on the clock."""
        rows = self.stage.read_rows()
        return content_hash([{**row, "cpu_seconds": 0, "seconds": 0} for row in rows])

    def files(self) -> dict[str, str]:
        folder = Path(self.stage.storage.path)
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.parquet")}

    def reach(self, process: subprocess.Popen[bytes], rows: int) -> bool:
        """Waits until so many rows are on disk; False when the process ended before."""
        while process.poll() is None:
            if self.rows() >= rows:
                return True
            time.sleep(0.02)
        return False

    def victims(self, victim: str) -> list[int]:
        """The actor's processes, or all processes of its sandbox, whose environment is empty."""
        if victim != "sandbox":
            return list(marked(self.mark, ENGINES[self.pipeline.teacher.kind] if victim == "engine" else JUDGE))
        family = [child for judge in marked(self.mark, JUDGE) for child in children(judge)]
        return [member for child in family for member in (child, *children(child))]

    def kill(self, victim: str, driver: subprocess.Popen[bytes]) -> int:
        """Kills them, once there are some, and returns how many there were; of a node, all its processes."""
        while not (found := self.victims(victim)) and driver.poll() is None:
            time.sleep(0.05)
        if victim == "node" and found:
            assert self.cluster
            self.cluster.kill(self.cluster.node_of(found[0]))
            return len(found)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)


def undisturbed(config: Path, cluster: Cluster | None = None) -> str:
    """The digest of the same run in another folder, left in peace."""
    settings = yaml.safe_load(config.read_text())
    settings["runs"] += "-in-peace"
    other = config.with_name("peace.yaml")
    other.write_text(yaml.safe_dump(settings))
    run = Run(other, cluster)
    if code := run.start().wait():
        raise SystemExit(f"the undisturbed run ended with {code}")
    return run.digest()


def torture(run: Run, kills: int, victim: str, seed: int, counter: Endpoint | EngineCount | None) -> Outcome:
    """Kills at random numbers of rows, in rising order, and lets the last run end."""
    run.pipeline.prepare()
    requested = {row["id"] for row in run.pipeline.sampling.requests.read_rows(["id"])}
    held = in_flight(run.pipeline.teacher, run.pipeline.config.resources)
    outcome = Outcome(requests=len(requested), two_batches=2 * held)
    chosen = random.Random(seed)
    targets = sorted(chosen.randint(outcome.requests // 10, outcome.requests * 9 // 10) for _ in range(kills))
    seen: dict[str, str] = {}
    known = 0
    process = run.start()
    for target in targets:
        if not run.reach(process, target):
            break
        before = run.files()
        outcome.changed_files += sum(before.get(name) != digest for name, digest in seen.items())
        seen = before
        outcome.kills += 1
        if victim == "driver":
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        else:
            outcome.killed.append(run.kill(victim, process))
        if victim == "driver":
            if counter:
                asked, rows = counter.asked(), run.rows()
                outcome.in_flight.append(asked - known - rows)
                known = asked - rows
            process = run.start()
    code = process.wait()
    if code:
        raise SystemExit(f"the last run ended with {code}: {(run.config.parent / 'log.txt').read_text()[-2000:]}")
    after = run.files()
    outcome.changed_files += sum(after.get(name) != digest for name, digest in seen.items())
    ids = [row["id"] for batch in run.stage.batches(["id"]) for row in batch]
    outcome.rows = len(run.stage.read_rows(["id"]))
    outcome.unique_ids = len(set(ids))
    outcome.missing = len(requested - set(ids))
    outcome.double_on_disk = len(ids) - outcome.unique_ids
    outcome.told = json.loads(run.pipeline.folder.storage.read_text(PROGRESS) or "{}")
    if run.pipeline.teacher.kind in ("recorded", "http"):
        outcome.misjudged = misjudged(run)
    if counter:
        outcome.asked = counter.asked()
        outcome.asked_twice = outcome.asked - outcome.requests
    return outcome


def misjudged(run: Run) -> int:
    """Rows whose verdict is another than that of their program."""
    questions = {row["id"]: row["question"] for row in run.pipeline.problems}
    asked_k = run.pipeline.teacher.kind == "recorded"
    rows = run.stage.read_rows(["problem_id", "k", "verdict"])
    right = [verdict_on(questions[row["problem_id"]], row["k"] if asked_k else 0) for row in rows]
    return sum(row["verdict"] != one for row, one in zip(rows, right, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", choices=tuple(ENGINES), default="recorded")
    parser.add_argument("--victim", choices=("driver", *VICTIMS), default="driver")
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        endpoint = stack.enter_context(Endpoint()) if arguments.teacher == "http" else None
        config = write_run(folder, arguments.teacher, arguments.problems, endpoint.url if endpoint else "")
        cluster = stack.enter_context(Cluster()) if arguments.nodes else None
        if cluster:
            cluster.fill(arguments.nodes)
        run = Run(config, cluster)
        counter = EngineCount(folder / "asked") if arguments.teacher == "vllm" else endpoint
        outcome = torture(run, arguments.kills, arguments.victim, arguments.seed, counter)
        if arguments.teacher == "recorded":
            outcome.equal = run.digest() == undisturbed(config, cluster)
    for name, value in vars(outcome).items():
        print(f"{name:<16} {value}")


if __name__ == "__main__":
    main()
