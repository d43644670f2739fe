"""The loss of a packed batch, the schedule, and DeepSpeed's settings."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.config import ResourcesConfig, TrainingConfig
from pad_ray.training.batches import pack
from pad_ray.training.loop import deepspeed_config, learning_rate, packed_loss
from pad_ray.training.tokens import TokenizedExample

EXAMPLES = [
    TokenizedExample((5, 6, 7), (8, 9, 2)),
    TokenizedExample((11, 12), (13, 2)),
    TokenizedExample((21, 22, 23, 24), (25, 26, 27, 2)),
]


@pytest.fixture(scope="module")
def model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4
    )
    return LlamaForCausalLM(config).float()


def _plain_loss(model: Any, example: TokenizedExample) -> Any:
    """Cross-entropy summed over the targets of one example on its own, by the textbook."""
    import torch

    ids = torch.tensor([[*example.prompt, *example.target]])
    logits = model(input_ids=ids).logits[0, len(example.prompt) - 1 : -1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(example.target), reduction="sum")


def test_packed_examples_do_not_see_each_other(model: Any) -> None:
    separate = sum(_plain_loss(model, example) for example in EXAMPLES)
    assert packed_loss(model, pack(EXAMPLES)).item() == pytest.approx(separate.item(), rel=1e-5)


def test_packing_does_not_change_the_gradient(model: Any) -> None:
    import torch

    def gradient(loss: Any) -> Any:
        model.zero_grad()
        loss.backward()
        return torch.cat([parameter.grad.flatten().clone() for parameter in model.parameters()])

    packed = gradient(packed_loss(model, pack(EXAMPLES)))
    separate = gradient(sum(_plain_loss(model, example) for example in EXAMPLES))
    assert float((packed - separate).norm() / separate.norm()) < 1e-5


def test_an_empty_micro_batch_has_a_gradient_of_zero(model: Any) -> None:
    model.zero_grad()
    packed_loss(model, pack([])).backward()
    assert all(float(parameter.grad.abs().sum()) == 0 for parameter in model.parameters())


def test_rate_warms_up_to_its_peak_then_falls_to_nothing() -> None:
    training = TrainingConfig(learning_rate=1.0, warmup=0.1, schedule="linear")
    rates = [learning_rate(step, 100, training) for step in range(100)]
    assert rates.index(max(rates)) in (9, 10)
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] < 0.02


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_rate_is_never_above_its_peak(schedule: str) -> None:
    training = TrainingConfig(learning_rate=0.5, schedule=schedule)
    assert max(learning_rate(step, 7, training) for step in range(7)) <= 0.5


@pytest.mark.parametrize(("gpus", "torch_adam"), [(False, True), (True, False)])
def test_fused_adam_is_for_gpus(gpus: bool, torch_adam: bool) -> None:
    settings = deepspeed_config(TrainingConfig(), ResourcesConfig(train_gpus=gpus))
    assert settings["optimizer"]["params"]["torch_adam"] is torch_adam


def test_deepspeed_is_told_the_stage_and_the_precision() -> None:
    settings = deepspeed_config(TrainingConfig(precision="fp32"), ResourcesConfig(zero_stage=3))
    assert settings["zero_optimization"]["stage"] == 3
    assert settings["bf16"]["enabled"] is False
