"""The arithmetic of a training where the settings leave it open."""

from __future__ import annotations

from typing import Literal

from pad_ray.arithmetic import trains_bf16

Precision = Literal["bf16", "fp32"]
Setting = Precision | Literal["auto"]


def settled_precision(setting: Setting, kept: Precision | None, on_gpu: bool) -> Precision:
    """One arithmetic for all workers. Every worker calls it where the setting is `auto`.

    Args:
        setting: `training.precision`.
        kept: that of the state that the training goes on from; its optimiser would not fit another.
        on_gpu: the workers are on GPUs.
    """
    import torch
    import torch.distributed as dist

    if setting != "auto":
        return setting
    if kept:
        return kept
    able = torch.tensor(int(trains_bf16(on_gpu)), device="cuda" if on_gpu else "cpu")
    dist.all_reduce(able, dist.ReduceOp.MIN)
    return "bf16" if able else "fp32"
