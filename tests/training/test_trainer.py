"""A training that cannot be says why in one line with its code, and keeps what was done before it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.cli import main
from pad_ray.config import ResourcesConfig
from pad_ray.run_tables import RunTables
from pad_ray.runtime import start_ray
from pad_ray.storage import Storage
from tests.training.tiny import make_student, write_recorded

# Ray and DeepSpeed warn of much that is theirs.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.usefixtures("started")]

Capture = pytest.CaptureFixture[str]
SIZES = {"train": 8, "validation": 3, "test": 3, "unseen": 3}


@pytest.fixture(scope="module")
def started() -> Iterator[None]:
    import ray

    start_ray(ResourcesConfig(cpus=3))
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("t5", tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of a tiny student on programs that were bought before, so that each test breaks just one thing."""
    monkeypatch.chdir(tmp_path)
    settings: dict[str, Any] = {
        "problems": {"sizes": SIZES},
        "teacher": {"kind": "recorded", "file": write_recorded(tmp_path / "bought.jsonl", SIZES), "samples": 1},
        "student": {"model": model},
        "training": {"epochs": 1, "batch_size": 4, "precision": "fp32"},
        "evaluation": {"shots": [0], "max_tokens": 4},
        "resources": {"train_workers": 1, "threads": 1},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def _failure(capfd: Capture, code: int, *overrides: str, until: str = "report") -> str:
    """The one line on stderr of `pad-ray run` with some settings, which ends with that code."""
    settings = [part for setting in overrides for part in ("--set", setting)]
    assert main(["run", "run.yaml", "--until", until, *settings]) == code
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if "Traceback" in line] == []
    [line] = [line for line in lines if line.startswith("pad-ray: ")]
    return line.removeprefix("pad-ray: ")


def _samples(folder: Path) -> int:
    stage = RunTables(Storage.open(str(folder / "runs" / "run"))).newest("samples")
    assert stage
    assert stage.done
    return stage.count()


def test_no_example_at_all(capfd: Capture, folder: Path) -> None:
    write_recorded(folder / "bought.jsonl", SIZES, target="\n    return -1\n")
    says = "no program held, so there is nothing to train on. Look at the verdicts in samples/"
    assert _failure(capfd, 2) == says
    assert _samples(folder) == 8


def test_examples_longer_than_the_settings_allow(capfd: Capture, folder: Path) -> None:
    line = _failure(capfd, 2, "training.max_tokens=32")
    assert "8 of 8 examples are longer than 32 tokens: " in line
    assert line.count("-0") >= 3  # the first of them by their ids
    assert _samples(folder) == 8


def test_examples_longer_than_the_students_context(capfd: Capture, tmp_path: Path) -> None:
    short = make_student("llama", tmp_path / "short", positions=48)
    assert "examples are longer than 48 tokens: " in _failure(capfd, 2, f"student.model={short}")


def test_a_lora_target_that_is_not_there(capfd: Capture, folder: Path) -> None:
    line = _failure(capfd, 2, "student.lora.targets=[q_proj]")
    assert line.startswith("student.lora.targets: this t5 has no layer `q_proj`. There are: k, ")
    assert not (folder / "runs" / "run" / "samples").exists()  # told before anything is bought


def test_more_workers_than_the_machine_has_places_for(capfd: Capture, folder: Path) -> None:
    line = _failure(capfd, 2, "resources.train_workers=9")
    assert line.startswith("training needs 10 CPUs at once, and there is no place for 6 × training worker (1 CPU)")


def test_a_loss_that_is_no_number_names_step_and_examples(capfd: Capture, folder: Path) -> None:
    wild = ("training.learning_rate=1e30", "training.warmup=0", "training.epochs=4")
    line = _failure(capfd, 1, *wild, until="student")
    assert line.startswith("the loss is nan at step ")
    named = line.partition("on the batch of ")[2].partition(";")[0].split(", ")
    examples = RunTables(Storage.open(str(folder / "runs" / "run"))).newest("examples")
    assert examples
    assert set(named) <= {row["id"] for row in examples.read_rows(["id"])}
    assert "Lower training.learning_rate" in line
    assert _samples(folder) == 8


def test_what_ended_goes_on_once_it_can(capfd: Capture, folder: Path) -> None:
    _failure(capfd, 2, "training.max_tokens=32")
    assert main(["run", "run.yaml", "--until", "student"]) == 0
    mark = json.loads((folder / "runs" / "run" / "student" / "done.json").read_text())
    assert (mark["examples"], mark["steps"]) == (8, 2)
    assert "## Accuracy\n\nNot measured yet." in (folder / "runs" / "run" / "student" / "README.md").read_text()
    assert _samples(folder) == 8
