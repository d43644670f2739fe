"""Kill -9 of the driver while a round samples, trains and is evaluated: what was written stays, and the round ends.

    python -m tests.chaos.rounds [--problems N]

A random T5 is refined for one round. The driver dies once in each part of the round, as soon as some of its rows (or
training states) are on disk, and is started again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pad_ray.config import load_config
from pad_ray.pipeline import Pipeline
from tests.training.tiny import make_student, write_recorded


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        killed: parts of the round in which the driver died.
        kept: files of rows that were on disk at a kill.
        changed: those of them that are not the same, byte for byte, at the end.
        asked, answered: requests of the round, and distinct samples with an answer to one.
        rounds: rounds that are over.
        reason: why there is no further one.
    """

    killed: list[str] = field(default_factory=list)
    kept: int = 0
    changed: int = 0
    asked: int = 0
    answered: int = 0
    rounds: int = 0
    reason: str | None = None


def write_run(folder: Path, problems: int) -> Path:
    """A configuration with its student and its teacher's programs."""
    sizes = {"train": problems, "validation": 8, "test": 24, "unseen": 3}
    settings = {
        "name": "chaos",
        "runs": str(folder / "runs"),
        "problems": {"sizes": sizes},
        "teacher": {"kind": "recorded", "file": write_recorded(folder / "bought.jsonl", sizes), "samples": 1},
        "student": {"model": make_student("t5", folder / "t5")},
        "training": {"epochs": 2, "batch_size": 2, "precision": "fp32"},
        "evaluation": {"shots": [2], "max_tokens": 32, "base": False},
        "refinement": {"samples": 1, "temperatures": [0.7, 1.0], "max_tokens": 32, "stop": {"rounds": 1}},
        "resources": {"threads": 1, "engine_rows": 16, "checkpoint_minutes": 1e-4},
    }
    path = folder / "chaos.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def _begun(place: Path) -> bool:
    """Some rows of a stage are on disk, and not all."""
    return any(not (stage / "done.json").exists() and any(stage.glob("*.parquet")) for stage in place.glob("*"))


def moments(run: Path) -> dict[str, Callable[[], bool]]:
    """When the driver is to die, by the part of the round that it is in."""
    lessons, student = run / "round-1" / "examples", run / "round-1" / "student" / "done.json"
    return {
        "sampling": lambda: _begun(run / "round-1" / "samples"),
        "training": lambda: (
            any(lessons.glob("*/done.json")) and not student.exists() and any(run.glob("training/*/checkpoint_*"))
        ),
        "evaluation": lambda: _begun(run / "evaluation" / "round-1" / "samples"),
    }


def hashes(run: Path) -> dict[str, str]:
    """All files of rows of a run. What is still to be asked is no result: that list is made at each start."""
    files = [path for path in run.rglob("*.parquet") if path.parent.name != "pending"]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def start(config: Path) -> subprocess.Popen[bytes]:
    """The command, in a session of its own."""
    command = [sys.executable, "-m", "pad_ray.cli", "rounds", str(config)]
    with (config.parent / "log.txt").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def torture(config: Path) -> Outcome:
    """Kills once in each part of the round, and lets the last start end."""
    run = Path(Pipeline(load_config(config)).folder.storage.path)
    outcome, seen = Outcome(), dict[str, str]()
    driver = start(config)
    for part, is_now in moments(run).items():
        while driver.poll() is None and not is_now():
            time.sleep(0.01)
        if driver.poll() is not None:
            break
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        outcome.killed.append(part)
        seen |= hashes(run)
        driver = start(config)
    if code := driver.wait():
        raise SystemExit(f"the last start ended with {code}: {(config.parent / 'log.txt').read_text()[-2000:]}")
    after = hashes(run)
    outcome.kept = len(seen)
    outcome.changed = sum(after.get(name) != digest for name, digest in seen.items())
    return _told(config, outcome)


def _told(config: Path, outcome: Outcome) -> Outcome:
    refinement = Pipeline(load_config(config)).refinement
    sampling = refinement.sampling(1)
    asked = {row["rid"] for row in sampling.requests.read_rows(["rid"])}
    answers = {row["rid"] for row in sampling.read(["rid", "completion"]) if row["completion"] is not None}
    outcome.asked, outcome.answered = len(asked), len(asked & answers)
    outcome.rounds, outcome.reason = len(refinement.rounds) - 1, refinement.reason
    return outcome


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, value in vars(torture(write_run(Path(folder), arguments.problems))).items():
            print(f"{name:<10} {value}")


if __name__ == "__main__":
    main()
