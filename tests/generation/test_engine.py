"""A real vLLM engine: what fails its own row only, and what fails none."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.config import ResourcesConfig, parse_config
from pad_ray.errors import StageError
from pad_ray.models import embedded_model
from pad_ray.pipeline import Pipeline
from pad_ray.records import Row
from pad_ray.runtime import start_ray
from tests.chaos.resume import needed_whole_cpus

# Ray and vLLM warn of much that is theirs.
pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.filterwarnings("default")]

PROBLEMS = 160
LONG = 7  # the problem whose question is longer than the engine takes


@pytest.fixture(scope="module", autouse=True)
def started() -> Iterator[None]:
    import ray

    start_ray(ResourcesConfig(cpus=needed_whole_cpus()))
    yield
    ray.shutdown()


def _pipeline(folder: Path, engine_restarts: int = 50, **teacher: Any) -> Pipeline:
    rows = [{"id": f"p{n}", "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(PROBLEMS)]
    rows[LONG]["question"] = f"What is {'1 plus ' * 600}1?"
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "test.jsonl").write_text('{"id": "t", "question": "Is it?", "answer": "yes"}\n')
    settings = {
        "runs": str(folder / "runs"),
        "problems": {"train": str(folder / "problems.jsonl"), "test": str(folder / "test.jsonl"), "holdout": 0},
        "teacher": {"samples": 1, "shots": 2, "max_tokens": 48, "temperature": 0, **teacher},
        "resources": {"max_model_len": 512, "engine_restarts": engine_restarts},
    }
    return Pipeline(parse_config(settings))


class Killer:
    """Kills the engine once some samples are there, as a crash would, while its `with` block is open.

    Attributes:
        killed: engines that were.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._samples = pipeline.sampling.samples
        self._ended = Event()
        self._thread = Thread(target=self._kill)
        self.killed = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _kill(self) -> None:
        while not self._ended.wait(0.05):
            if self._samples.count() >= PROBLEMS // 8:
                break
        for engine in _engines():
            os.kill(engine.pid, signal.SIGKILL)
            self.killed += 1


def _engines() -> list[psutil.Process]:
    family = psutil.Process().children(recursive=True)
    return [process for process in family if process.is_running() and _title(process).startswith("VLLM::EngineCore")]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], int]:
    """Samples of a run whose engine was killed on the way, and how many engines were."""
    pipeline = _pipeline(tmp_path_factory.mktemp("plain"))
    with Killer(pipeline) as killer:
        pipeline.run("samples")
    return pipeline.sampling.read(), killer.killed


def test_a_crash_of_the_engine_fails_no_row(crashed: tuple[list[Row], int]) -> None:
    rows, killed = crashed
    assert killed == 1
    assert len(rows) == len({row["rid"] for row in rows}) == PROBLEMS
    assert {row["problem_id"] for row in rows if row["completion"] is None} == {f"p{LONG}"}


def test_a_prompt_that_is_too_long_fails_alone_and_says_why(crashed: tuple[list[Row], int]) -> None:
    [failed] = [row for row in crashed[0] if row["verdict"] == "teacher_error"]
    assert failed["problem_id"] == f"p{LONG}"
    assert "512" in failed["teacher_error"]


def test_an_adapter_is_put_on_the_model(crashed: tuple[list[Row], int], tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(embedded_model()), LoraConfig(r=4, target_modules=["q_proj", "v_proj"])
    )
    torch.manual_seed(0)
    for name, weights in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.1)
    model.save_pretrained(str(tmp_path / "adapter"))
    pipeline = _pipeline(tmp_path, adapter=str(tmp_path / "adapter"))
    pipeline.run("samples")
    plain = {row["problem_id"]: row["completion"] for row in crashed[0]}
    adapted = {row["problem_id"]: row["completion"] for row in pipeline.sampling.read()}
    assert adapted.keys() == plain.keys()
    assert {id for id, text in adapted.items() if text is None} == {f"p{LONG}"}
    assert sum(adapted[id] != plain[id] for id in plain) > PROBLEMS // 2


def test_an_engine_that_dies_too_often_is_an_error_of_the_run(tmp_path: Path) -> None:
    pipeline = _pipeline(tmp_path, engine_restarts=0)
    with Killer(pipeline) as killer, pytest.raises(StageError, match=r"the stream broke: .*run the same command again"):
        pipeline.run("samples")
    assert killer.killed == 1
    assert 0 < pipeline.sampling.samples.count() < PROBLEMS
