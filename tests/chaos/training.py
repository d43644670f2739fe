"""Kill -9 of a training's workers or driver at random steps; its weights are compared with an undisturbed run's.

    python -m tests.chaos.training [--victim driver|worker] [--kills N] [--zero 0|1|2|3] [--lora] [--workers 2,1,2]
                                   [--seed N]

A random GPT-2 with dropout learns in float32, 40 steps, a state kept after each. With `--workers` each start of the
driver has the next number of workers.
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
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.recipes import recipe_named
from pad_ray.run_folder import RunFolder
from pad_ray.runtime import start_ray
from pad_ray.training.settings import LoraConfig, StudentConfig, TrainingConfig
from pad_ray.training.trainer import train
from tests.training.tiny import example_rows, make_student

MARK = "PAD_RAY_CHAOS"
WORKER = "ray::RayTrainWorker"
STEPS = 40


@dataclass(frozen=True)
class Plan:
    """One training.

    Attributes:
        folder: of the run; the student to start from is in `model`.
        workers: of each start of the driver, over and over.
        zero: ZeRO stage.
        lora: an adapter learns.
        dropout: off where the number of workers changes, since which worker draws what changes with it.
    """

    folder: str
    model: str
    workers: tuple[int, ...] = (2,)
    zero: int = 2
    lora: bool = False
    dropout: float = 0.1

    def train(self, workers: int) -> dict[str, Any]:
        """Trains here, going on from what is there."""
        training = TrainingConfig(
            precision="fp32", epochs=STEPS * 4 / 16, batch_size=4, learning_rate=1e-3, dropout=self.dropout
        )
        resources = ResourcesConfig.model_validate(
            {"train_workers": workers, "zero_stage": self.zero, "checkpoint_minutes": 1e-4, "threads": 1}
        )
        folder = RunFolder.open(self.folder, "chaos")
        examples = folder.stage("examples", 1, record="example")
        examples.write_rows(example_rows(16))
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
    """

    at: list[int] = field(default_factory=list)
    starts: int = 0
    difference: float = float("nan")
    scale: float = float("nan")


class Training:
    """Starts the driver as a process, watches the states that it keeps, and kills."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.mark = uuid.uuid4().hex
        self._workers = cycle(plan.workers)

    def start(self) -> subprocess.Popen[bytes]:
        workers = next(self._workers)
        command = [sys.executable, "-m", "tests.chaos.training", "--drive", json.dumps(vars(self.plan)), str(workers)]
        log = Path(self.plan.folder, "log.txt")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            environment = {**os.environ, MARK: self.mark}
            return subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)

    def step(self) -> int:
        """The step of the newest state that is whole."""
        steps = [0]
        for file in Path(self.plan.folder).glob("chaos/training/*/checkpoint_*/state.json"):
            with suppress(OSError, ValueError):
                steps.append(json.loads(file.read_text())["facts"]["step"])
        return max(steps)

    def reach(self, process: subprocess.Popen[bytes], step: int) -> bool:
        """Waits until a state of this step or a later one is kept; False when the process ended before."""
        while process.poll() is None:
            if self.step() >= step:
                return True
            time.sleep(0.05)
        return False

    def processes(self, words: str) -> Iterator[int]:
        """Processes of this training whose command line holds `words`."""
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if words in line and f"{MARK}={self.mark}".encode() in (path / "environ").read_bytes():
                    yield int(path.name)

    def kill(self, victim: str, process: subprocess.Popen[bytes]) -> None:
        """Kills the driver and all that is left of its Ray, or one worker."""
        if victim == "worker":
            found = [pid for pid in self.processes(WORKER) if pid != process.pid]
            os.kill(random.choice(found), signal.SIGKILL)
            return
        # All at once, as when the machine goes dark: workers that outlive their driver for a second end so short a
        # training.
        while found := list(self.processes("")):
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.wait()


def torture(plan: Plan, kills: int, victim: str, seed: int) -> Outcome:
    """Kills at random steps, in rising order, and lets the last run end."""
    training, outcome = Training(plan), Outcome()
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
    if code := process.wait():
        log = Path(plan.folder, "log.txt").read_text()
        raise SystemExit(f"the last run ended with {code}: {log[-3000:]}")
    return outcome


def compared(plan: Plan, outcome: Outcome, folder: str) -> Outcome:
    """The outcome with the distance from a training in `folder` that was left in peace."""
    peace = Plan(folder, plan.model, plan.workers[:1], plan.zero, plan.lora, plan.dropout)
    if code := Training(peace).start().wait():
        raise SystemExit(f"the undisturbed run ended with {code}: {Path(folder, 'log.txt').read_text()[-3000:]}")
    outcome.difference = float((plan.weights() - peace.weights()).abs().max())
    outcome.scale = float(peace.weights().abs().max())
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--victim", choices=("driver", "worker"), default="driver")
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
    with tempfile.TemporaryDirectory() as name:
        model = make_student("gpt2", Path(name, "model"))
        dropout = 0.0 if len(set(workers)) > 1 else 0.1
        plan = Plan(f"{name}/disturbed", model, workers, arguments.zero, arguments.lora, dropout)
        outcome = torture(plan, arguments.kills, arguments.victim, arguments.seed)
        compared(plan, outcome, f"{name}/peace")
    for key, value in vars(outcome).items():
        print(f"{key:<12} {value}")


if __name__ == "__main__":
    main()
