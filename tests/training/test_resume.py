"""A training that goes on from a kept state ends with the weights of one that was never disturbed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.errors import InputError, ModelError
from pad_ray.training.engine import SavedState, build_engine, save_state, universal_checkpoint
from pad_ray.training.loop import train_step
from pad_ray.training.objective import Objective
from pad_ray.training.settings import LoraConfig, TrainingConfig
from tests.training.tiny import example_rows, in_processes, make_student, tokenized

pytestmark = pytest.mark.filterwarnings("default")  # DeepSpeed's own

# Dropout is on: a resumed step must draw what an undisturbed one would have drawn.
TRAINING = TrainingConfig(precision="fp32", dropout=0.1, learning_rate=3e-3, batch_size=4)
STILL = TRAINING.model_copy(update={"dropout": 0.0})  # which worker draws what changes with their number
STEPS = 6
CASES: list[tuple[int, LoraConfig | None]] = [(0, None), (1, None), (2, None), (3, None), (2, LoraConfig(rank=4))]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("gpt2", tmp_path_factory.mktemp("gpt2"))


def _weights(engine: Any) -> Any:
    import torch
    from deepspeed.runtime.zero import GatheredParameters

    learnt = [parameter for parameter in engine.module.parameters() if parameter.requires_grad]
    with GatheredParameters(learnt, enabled=engine.zero_optimization_stage() == 3):
        return torch.cat([parameter.detach().flatten().clone() for parameter in learnt])


def _go_on(
    student: str, training: TrainingConfig, workers: int, stop: int, source: str | None, target: str | None
) -> list[Any]:
    """Trains every case to step `stop`, from the states in `source` and with states in `target`; its weights."""
    import torch.distributed as dist

    examples, found = tokenized(student, example_rows(9)), []
    for case, (stage, lora) in enumerate(CASES):
        resources = ResourcesConfig(train_workers=workers, zero_stage=stage, micro_batch_tokens=300)
        state = SavedState(f"{source}/{case}") if source else None
        converts = bool(state and state.needs_conversion(resources, workers))
        engine = build_engine(student, lora, training, resources, universal=converts)
        first = 0
        if state and converts:
            with universal_checkpoint(state, "one", first_on_node=dist.get_rank() == 0) as converted:
                first = state.load(engine, converted)["step"]
        elif state:
            first = state.load(engine)["step"]
        objective = Objective(engine.module.config, resources.micro_batch_tokens)
        for step in range(first, stop):
            train_step(engine, objective, examples, step, STEPS, training)
        if target:
            save_state(engine, f"{target}/{case}", {"step": stop})
        found.append(_weights(engine))
        engine.destroy()
    return found


def _difference(first: list[Any], second: list[Any]) -> list[float]:
    return [float((one - other).abs().max()) for one, other in zip(first, second, strict=True)]


def test_the_same_number_of_workers_goes_on_to_the_same_weights(student: str, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    straight = in_processes(2, _go_on, student, TRAINING, 2, STEPS, None, None)[0]
    in_processes(2, _go_on, student, TRAINING, 2, 3, None, state)
    resumed = in_processes(2, _go_on, student, TRAINING, 2, STEPS, state, None)[0]
    assert max(_difference(straight, resumed)) <= 1e-6


def test_two_workers_then_one_then_two_go_on_to_the_same_weights(student: str, tmp_path: Path) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    straight = in_processes(2, _go_on, student, STILL, 2, STEPS, None, None)[0]
    in_processes(2, _go_on, student, STILL, 2, 2, None, first)
    in_processes(1, _go_on, student, STILL, 1, 4, first, second)
    resumed = in_processes(2, _go_on, student, STILL, 2, STEPS, second, None)[0]
    assert max(_difference(straight, resumed)) <= 1e-4


def _save_one(student: str, folder: str) -> None:
    save_state(build_engine(student, None, TRAINING, ResourcesConfig(train_workers=1)), folder, {"step": 1})


def _load_one(student: str, folder: str) -> str:
    engine = build_engine(student, None, TRAINING, ResourcesConfig(train_workers=1))
    try:
        SavedState(folder).load(engine)
    except ModelError as error:
        return str(error)
    return "it was loaded"


def test_the_state_of_another_model_is_refused(student: str, tmp_path: Path) -> None:
    other = make_student("gpt2", tmp_path / "wider", width=64)
    in_processes(1, _save_one, student, str(tmp_path / "state"))
    assert "is of another model" in in_processes(1, _load_one, other, str(tmp_path / "state"))[0]


def _fail_one_by_one(folder: str) -> str:
    """The second worker fails first; the first one, still at work, fails when it has heard of it."""
    import torch.distributed as dist

    store = dist.distributed_c10d._get_default_store()
    try:
        with universal_checkpoint(SavedState(folder), "one", first_on_node=False):
            if dist.get_rank() == 0:
                store.wait(["heard"], timedelta(seconds=60))
            raise ValueError(f"worker {dist.get_rank()}")
    except ValueError as error:
        store.set("heard", "")
        return str(error)


def test_the_error_of_a_worker_that_cannot_read_its_state_waits_for_nobody(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"workers": 1, "zero": 2, "student": "", "facts": {}}')
    assert in_processes(2, _fail_one_by_one, str(tmp_path)) == ["worker 0", "worker 1"]


@pytest.mark.parametrize(("kept", "now"), [(0, 2), (2, 0), (3, 2), (1, 3)])
def test_a_stage_that_cannot_read_the_state_says_which_one_can(tmp_path: Path, kept: int, now: int) -> None:
    (tmp_path / "state.json").write_text(f'{{"workers": 2, "zero": {kept}, "student": "", "facts": {{}}}}')
    with pytest.raises(InputError, match=rf"Set resources.zero_stage={kept}"):
        SavedState(str(tmp_path)).needs_conversion(ResourcesConfig(zero_stage=now), workers=2)
