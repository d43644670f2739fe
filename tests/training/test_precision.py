"""The arithmetic that workers agree on where the settings leave it open."""

from __future__ import annotations

import pytest

from pad_ray.training import precision
from pad_ray.training.precision import settled_precision
from tests.training.tiny import in_processes

pytestmark = pytest.mark.filterwarnings("default")  # PyTorch's own


def _on_unlike_machines(able: list[bool]) -> str:
    """What one of several workers settles on; each stands for a machine that multiplies bf16 or does not."""
    import torch.distributed as dist

    setattr(precision, "trains_bf16", lambda on_gpu: able[dist.get_rank()])  # noqa: B010
    return settled_precision("auto", None, on_gpu=False)


@pytest.mark.parametrize(
    ("able", "settled"), [((True, True), "bf16"), ((True, False), "fp32"), ((False, True), "fp32")]
)
def test_all_workers_take_bf16_where_each_can(able: tuple[bool, bool], settled: str) -> None:
    assert in_processes(2, _on_unlike_machines, list(able)) == [settled, settled]


@pytest.mark.parametrize("kept", ["bf16", "fp32"])
def test_a_training_goes_on_in_its_own_arithmetic(kept: precision.Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "trains_bf16", lambda on_gpu: kept == "fp32")
    assert settled_precision("auto", kept, on_gpu=False) == kept


def test_a_setting_is_taken_at_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "trains_bf16", lambda on_gpu: False)
    assert settled_precision("bf16", "fp32", on_gpu=False) == "bf16"
