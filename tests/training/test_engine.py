"""DeepSpeed's settings, and that every way to execute a training makes the same steps as a plain loop in PyTorch."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.training.engine import build_engine, deepspeed_config
from pad_ray.training.loop import train_step
from pad_ray.training.objective import Objective
from pad_ray.training.settings import LoraConfig, TrainingConfig
from pad_ray.training.students import load_model, with_adapter
from pad_ray.training.tokens import TokenizedExample
from tests.training.tiny import example_rows, in_processes, make_student, plain_losses, tokenized

pytestmark = pytest.mark.filterwarnings("default")  # DeepSpeed's own

STEPS = 5
TRAINING = TrainingConfig(
    precision="fp32", dropout=0.0, learning_rate=3e-3, batch_size=6, weight_decay=0.01, max_grad_norm=0.5
)
LORA = LoraConfig(rank=4, alpha=8)
STAGES = (0, 1, 2, 3)


@pytest.mark.parametrize(("gpus", "torch_adam"), [(False, True), (True, False)])
def test_on_cpus_the_optimiser_is_one_that_needs_no_compiler(gpus: bool, torch_adam: bool) -> None:
    settings = deepspeed_config(TrainingConfig(), ResourcesConfig(train_gpus=gpus))
    assert settings["optimizer"]["params"].get("torch_adam", False) is torch_adam


def test_deepspeed_is_told_the_stage_and_the_precision() -> None:
    settings = deepspeed_config(TrainingConfig(precision="fp32"), ResourcesConfig(zero_stage=3))
    assert settings["zero_optimization"]["stage"] == 3
    assert settings["bf16"]["enabled"] is False


@pytest.mark.parametrize("gpus", [False, True])
def test_an_offloaded_optimiser_is_told_where_it_lives(gpus: bool) -> None:
    resources = ResourcesConfig(offload_optimizer=True, train_gpus=gpus, zero_stage=2)
    zero = deepspeed_config(TrainingConfig(), resources)["zero_optimization"]
    assert zero["offload_optimizer"] == {"device": "cpu", "pin_memory": gpus}


def _lessons(student: str) -> list[TokenizedExample]:
    plain = tokenized(student, example_rows(10))
    return [
        TokenizedExample(one.prompt, one.target, tuple(1.0 + n % 2 for n in range(len(one.target)))) for one in plain
    ]


def _losses(student: str, cases: list[tuple[ResourcesConfig, LoraConfig | None]]) -> list[list[float]]:
    """What each case's steps lose; runs in every worker."""
    examples, found = _lessons(student), []
    for resources, lora in cases:
        engine = build_engine(student, lora, TRAINING, resources)
        objective = Objective(engine.module.config, resources.micro_batch_tokens)
        steps = range(STEPS)
        found.append([train_step(engine, objective, examples, step, STEPS, TRAINING)["loss"] for step in steps])
        engine.destroy()
    return found


@pytest.fixture(scope="module", params=["llama", "t5"])
def student(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def plain(student: str) -> dict[bool, list[float]]:
    """Losses of the plain loop, by whether an adapter learns."""
    import torch

    found = {}
    for adapted in (False, True):
        torch.manual_seed(TRAINING.seed)
        model = load_model(student, "fp32", dropout=0.0)
        found[adapted] = plain_losses(
            with_adapter(model, LORA) if adapted else model, _lessons(student), STEPS, TRAINING
        )
    return found


def test_two_workers_follow_a_plain_loop_at_every_stage_full_and_with_lora(
    student: str, plain: dict[bool, list[float]]
) -> None:
    kinds = list(product(STAGES, (None, LORA)))
    cases = [
        (ResourcesConfig(train_workers=2, zero_stage=stage, micro_batch_tokens=300), lora) for stage, lora in kinds
    ]
    for (stage, lora), losses in zip(kinds, in_processes(2, _losses, student, cases)[0], strict=True):
        assert losses == pytest.approx(plain[lora is not None], rel=1e-4), f"ZeRO {stage}, {lora}"


def test_offload_and_gradient_checkpointing_change_no_loss(student: str, plain: dict[bool, list[float]]) -> None:
    cases = [
        (ResourcesConfig(train_workers=1, zero_stage=2, offload_optimizer=True), None),
        (ResourcesConfig(train_workers=1, gradient_checkpointing=True), None),
        (ResourcesConfig(train_workers=1, gradient_checkpointing=True), LORA),
    ]
    for (_, lora), losses in zip(cases, in_processes(1, _losses, student, cases)[0], strict=True):
        assert losses == pytest.approx(plain[lora is not None], rel=1e-4)


def _gradients(student: str, workers: int, capacities: list[int]) -> list[Any]:
    """The gradient of one step by tokens of a micro-batch: ten times the optimiser's first moment after the step."""
    import torch

    training = TRAINING.model_copy(update={"max_grad_norm": 1e9})
    found = []
    for tokens in capacities:
        resources = ResourcesConfig(train_workers=workers, zero_stage=0, micro_batch_tokens=tokens)
        engine = build_engine(student, None, training, resources)
        objective = Objective(engine.module.config, tokens)
        train_step(engine, objective, _lessons(student), 0, STEPS, training)
        moments = [engine.optimizer.state[one]["exp_avg"].flatten() for one in engine.module.parameters()]
        found.append(torch.cat(moments) * 10)
        engine.destroy()
    return found


def test_a_gradient_does_not_depend_on_packing_accumulation_or_workers(student: str) -> None:
    """The reference has one worker and all examples in one micro-batch; 16 tokens leave each example alone."""
    found = {
        (workers, tokens): gradient
        for workers, capacities in [(1, [10**6, 16, 300]), (2, [10**6, 16]), (3, [300])]
        for tokens, gradient in zip(
            capacities, in_processes(workers, _gradients, student, workers, capacities)[0], strict=True
        )
    }
    reference = found.pop((1, 10**6))
    for case, gradient in found.items():
        assert float((gradient - reference).norm() / reference.norm()) < 1e-5, case


def _absent_targets(student: str) -> str:
    from pad_ray.errors import ConfigError

    try:
        with_adapter(load_model(student, "fp32"), LoraConfig(targets=("no_such_layer",)))
    except ConfigError as error:
        return str(error)
    return ""


def test_a_lora_target_that_is_not_there_is_refused_and_those_that_are_there_are_named(student: str) -> None:
    message = _absent_targets(student)
    assert "has no layer `no_such_layer`" in message
    assert "lm_head" in message


def test_two_adapters_of_one_seed_begin_alike(tmp_path: Path) -> None:
    from pad_ray.training.students import load_student

    model = make_student("llama", tmp_path)
    first, second = (load_student(model, LORA, TRAINING, on_cpu=True) for _ in range(2))
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(bool((one == other).all()) for one, other in pairs)
