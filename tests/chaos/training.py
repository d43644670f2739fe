"""Kill -9 of a training's workers or driver at random steps; its weights are compared with an undisturbed run's.

    python -m tests.chaos.training [--victim driver|worker|node] [--kills N] [--zero 0|1|2|3] [--lora]
                                   [--workers 2,1,2] [--nodes N] [--seed N]

A random GPT-2 with dropout learns in float32, 40 steps, a state kept after each. With `--workers` each start of the
driver has the next number of workers. With `--nodes` it goes to a cluster of so many nodes with a CPU each; the victim
`node` is one with a worker on it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.recipes import recipe_named
from pad_ray.run_folder import RunFolder
from pad_ray.runtime import start_ray
from pad_ray.training.settings import LoraConfig, StudentConfig, TrainingConfig
from pad_ray.training.trainer import train
from tests.chaos.cluster import Cluster
from tests.chaos.processes import MARK, kill_all, marked
from tests.training.tiny import example_rows, make_student

WORKER = "ray::RayTrainWorker"
STEPS = 40
# A cluster that has lost a node is asked again sooner than after a minute, and for notices more often than every 5 s.
QUICK = {"RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "20", "RAY_TRAIN_PREEMPTION_POLL_INTERVAL_S": "0.5"}


@dataclass(frozen=True)
class Plan:
    """One training.

    Attributes:
        folder: of the run; the student to start from is in `model`.
        workers: of each start of the driver, over and over.
        zero: ZeRO stage.
        lora: an adapter learns.
        dropout: off where the number of workers changes, since which worker draws what changes with it.
        fewest: workers that it goes on with; None has it wait for all.
        steps: of the optimiser.
        batch: examples of a step.
        rate: peak learning rate.
        minutes: between two states.
    """

    folder: str
    model: str
    workers: tuple[int, ...] = (2,)
    zero: int = 2
    lora: bool = False
    dropout: float = 0.1
    fewest: int | None = None
    steps: int = STEPS
    batch: int = 4
    rate: float = 1e-3
    minutes: float = 1e-4

    def train(self, workers: int) -> dict[str, Any]:
        """Trains here, going on from what is there."""
        training = TrainingConfig(
            precision="fp32",
            epochs=self.steps / 4,
            batch_size=self.batch,
            learning_rate=self.rate,
            dropout=self.dropout,
        )
        resources = ResourcesConfig.model_validate(
            {
                "train_workers": workers,
                "train_workers_min": self.fewest,
                "zero_stage": self.zero,
                "checkpoint_minutes": self.minutes,
                "threads": 1,
                "engine_cpus": 0.5,  # on two CPUs there has to be room for what sampling would hold
            }
        )
        folder = RunFolder.open(self.folder, "chaos")
        examples = folder.stage("examples", 1, record="example")
        examples.write_rows(example_rows(4 * self.batch))
        student = folder.stage("student", 1, flat=True)
        start_ray(resources)
        return train(
            examples,
            student,
            folder.storage / "training",
            model=self.model,
            student_settings=StudentConfig(lora=LoraConfig(rank=4) if self.lora else None),
            training=training,
            resources=resources,
            recipe=recipe_named("pad"),
        )

    def weights(self) -> Any:
        """The student's weights, as one vector."""
        import torch
        from safetensors.torch import load_file

        [file] = Path(self.folder, "chaos", "student").glob("*.safetensors")
        tensors = load_file(file)
        return torch.cat([tensors[name].flatten() for name in sorted(tensors)])


@dataclass
class Outcome:
    """What was found after the last run.

    Attributes:
        at: the step of the newest state at each kill.
        starts: how often the driver was started.
        difference: largest difference of a weight from an undisturbed run's.
        scale: largest change of a weight by the training, to compare with.
        workers: that wrote the states at `at`, where their number was awaited.
    """

    at: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    starts: int = 0
    difference: float = float("nan")
    scale: float = float("nan")


class Training:
    """Starts the driver as a process, watches the states that it keeps, and kills.

    Args:
        plan: what is trained.
        cluster: where it runs; None has it start a Ray of its own.
    """

    def __init__(self, plan: Plan, cluster: Cluster | None = None) -> None:
        self.plan = plan
        self.cluster = cluster
        self.mark = cluster.mark if cluster else uuid.uuid4().hex
        self._workers = cycle(plan.workers)

    def start(self) -> subprocess.Popen[bytes]:
        workers = next(self._workers)
        command = [sys.executable, "-m", "tests.chaos.training", "--drive", json.dumps(vars(self.plan)), str(workers)]
        log = Path(self.plan.folder, "log.txt")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            environment = {**(self.cluster.variables if self.cluster else os.environ), **QUICK, MARK: self.mark}
            return subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)

    def state(self) -> dict[str, Any]:
        """What the newest state that is whole says of itself: `workers` that wrote it, `facts`."""
        found: list[dict[str, Any]] = [{"workers": 0, "facts": {"step": 0}}]
        for file in Path(self.plan.folder).glob("chaos/training/*/checkpoint_*/state.json"):
            with suppress(OSError, ValueError):
                found.append({**json.loads(file.read_text()), "folder": file.parent.name})
        return max(found, key=lambda one: int(one["facts"]["step"]))

    def step(self) -> int:
        """The step of that state."""
        return int(self.state()["facts"]["step"])

    def known(self) -> bool:
        """Whether Ray Train's controller has heard of the newest state, and so would go on from it."""
        folder = self.state().get("folder", "")
        snapshots = Path(self.plan.folder).glob("chaos/training/*/checkpoint_manager_snapshot.json")
        return bool(folder) and any(folder in file.read_text() for file in snapshots)

    def reach(self, process: subprocess.Popen[bytes], step: int, workers: int = 0) -> bool:
        """Waits until a state of this step or a later one is kept, by so many workers; False when the process ended."""
        return self.until(lambda: self.step() >= step and workers in (0, self.state()["workers"]), process)

    def until(self, happened: Callable[[], Any], process: subprocess.Popen[bytes]) -> bool:
        """Waits until something happened; False when the process ended before."""
        while process.poll() is None:
            if happened():
                return True
            time.sleep(0.05)
        return False

    def metrics(self) -> str:
        """Those of the steps so far; they change when a step is done, or done again."""
        return "".join(file.read_text() for file in Path(self.plan.folder).glob("chaos/training/*/metrics/*.jsonl"))

    def workers(self) -> list[int]:
        """Its workers' processes."""
        return list(marked(self.mark, WORKER))

    def kill(self, victim: str, process: subprocess.Popen[bytes]) -> None:
        """Kills the driver and all that is left of its Ray, or one worker, or the node of one."""
        if victim == "driver":
            # All at once, as when the machine goes dark: workers that outlive their driver for a second end so short a
            # training.
            kill_all(self.mark)
            process.wait()
            return
        found = random.choice([pid for pid in self.workers() if pid != process.pid])
        if victim == "node":
            assert self.cluster
            self.cluster.kill(self.cluster.node_of(found))
        else:
            os.kill(found, signal.SIGKILL)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Waits for its end, which has to be a good one."""
        if code := process.wait():
            log = Path(self.plan.folder, "log.txt").read_text()
            raise SystemExit(f"the training ended with {code}: {log[-3000:]}")


def torture(plan: Plan, kills: int, victim: str, seed: int, cluster: Cluster | None = None) -> Outcome:
    """Kills at random steps, in rising order, and lets the last run end."""
    training, outcome = Training(plan, cluster), Outcome()
    chosen = random.Random(seed)
    process = training.start()
    outcome.starts += 1
    for target in sorted(chosen.sample(range(2, STEPS * 2 // 3), kills)):
        if not training.reach(process, target):
            break
        outcome.at.append(training.step())
        training.kill(victim, process)
        if victim == "driver":
            process = training.start()
            outcome.starts += 1
    training.end(process)
    return outcome


def shrink_and_grow(plan: Plan, cluster: Cluster) -> Outcome:
    """Kills a node of two while both train, and gives another one once one worker has kept a state alone."""
    training, outcome = Training(plan, cluster), Outcome(starts=1)
    process = training.start()
    for workers in (2, 1, 2):
        if not training.reach(process, training.step() + 2, workers):
            break
        outcome.at.append(training.step())
        outcome.workers.append(workers)
        if workers == 1:
            cluster.fill(2)
        elif len(outcome.at) == 1:
            training.kill("node", process)
    training.end(process)
    return outcome


def give_notice(plan: Plan, cluster: Cluster, seconds: int) -> Outcome:
    """Announces the end of a node of two and takes it away once a state is kept; then gives another one."""
    training, outcome = Training(plan, cluster), Outcome(starts=1)
    process = training.start()
    training.until(training.metrics, process)
    before = set(training.workers())
    leaving = cluster.node_of(min(before))
    cluster.announce_end(leaving, seconds)
    for workers in (2, 1):
        if not training.reach(process, training.step() + 1, workers):
            break
        outcome.at.append(training.step())
        outcome.workers.append(workers)
        if workers == 2:
            training.until(training.known, process)
            cluster.kill(leaving)
            training.until(lambda: set(training.workers()) - before, process)
            said = training.metrics()  # room that is there from the beginning is no growth
            training.until(lambda said=said: training.metrics() != said, process)  # type: ignore[misc]
            cluster.fill(2)
    training.end(process)
    return outcome


def compared(plan: Plan, outcome: Outcome, folder: str) -> Outcome:
    """The outcome with the distance from a training in `folder` that was left in peace."""
    training = Training(replace(plan, folder=folder, workers=plan.workers[:1], fewest=None, minutes=10))
    training.end(training.start())
    peace = training.plan
    outcome.difference = float((plan.weights() - peace.weights()).abs().max())
    outcome.scale = float(peace.weights().abs().max())
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--victim", choices=("driver", "worker", "node"), default="driver")
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--zero", type=int, choices=(0, 1, 2, 3), default=2)
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drive", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        print(Plan(**json.loads(arguments.drive[0])).train(int(arguments.drive[1])))
        return
    workers = tuple(int(number) for number in arguments.workers.split(","))
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory())
        cluster = stack.enter_context(Cluster(cpus=1)) if arguments.nodes else None
        if cluster:
            cluster.fill(arguments.nodes)
        model = make_student("gpt2", Path(name, "model"))
        dropout = 0.0 if len(set(workers)) > 1 else 0.1
        plan = Plan(f"{name}/disturbed", model, workers, arguments.zero, arguments.lora, dropout)
        outcome = torture(plan, arguments.kills, arguments.victim, arguments.seed, cluster)
        compared(plan, outcome, f"{name}/peace")
    for key, value in vars(outcome).items():
        print(f"{key:<12} {value}")


if __name__ == "__main__":
    main()
