"""What may be set about a student and its training, and what is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.errors import ConfigError
from pad_ray.training.settings import TrainingConfig


def _training(**settings: Any) -> TrainingConfig:
    return parse_config({"training": settings}).training


def test_the_preset_of_the_paper_has_its_hyperparameters() -> None:
    training = _training(preset="paper")
    assert (training.learning_rate, training.batch_size, training.epochs) == (6e-5, 8, 50)
    assert (training.validation, training.early_stopping) == (0.05, 3)


def test_what_is_set_goes_before_a_preset() -> None:
    assert _training(preset="paper", learning_rate=1e-4).learning_rate == 1e-4


def test_a_preset_defines_the_same_weights_as_what_it_stands_for() -> None:
    preset = _training(preset="paper")
    spelt = _training(**{key: value for key, value in preset.model_dump().items() if key != "preset"})
    assert preset.identity == spelt.identity


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"student": {"lora": {"modules_to_save": ["lm_head"]}}}, "vLLM does not load"),
        ({"student": {"lora": {"use_dora": True}}}, "it has no DoRA"),
        ({"student": {"lora": {"rank": 1024}}}, "student.lora.rank"),
        ({"student": {"lora": {"targets": ["embed_tokens"]}}}, "holds the vocabulary"),
        ({"student": {"lora": {"targets": []}}}, "names no layer"),
        ({"training": {"early_stopping": 3}}, "`early_stopping` needs `validation`"),
        ({"training": {"loss": {"answer_weight": 0, "step_weight": 0}}}, "one of the weights must be above 0"),
        ({"training": {"preset": "other"}}, "training.preset"),
        ({"resources": {"offload_optimizer": True, "zero_stage": 0}}, "`offload_optimizer` needs `zero_stage`"),
        ({"resources": {"train_workers_min": 2}}, "`train_workers_min` is above `train_workers`"),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(settings)


@pytest.mark.parametrize(("workers", "gpus", "stage"), [(1, True, 0), (2, True, 2), (2, False, 0)])
def test_only_several_gpus_share_the_optimiser_by_default(workers: int, gpus: bool, stage: int) -> None:
    assert parse_config({"resources": {"train_workers": workers, "train_gpus": gpus}}).resources.zero == stage


def test_a_budget_of_tokens_stands_for_as_many_passes_as_come_to_it() -> None:
    assert TrainingConfig(tokens=3_000).passes(2_000) == 1.5
    assert TrainingConfig(epochs=4).passes(2_000) == 4


def test_under_a_budget_epochs_define_nothing() -> None:
    assert TrainingConfig(tokens=500, epochs=1).identity == TrainingConfig(tokens=500, epochs=9).identity
    assert TrainingConfig(tokens=500).identity != TrainingConfig(tokens=501).identity
    assert "tokens" not in TrainingConfig().identity
