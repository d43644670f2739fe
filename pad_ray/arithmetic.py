"""Whether bf16 is worth using on the processor or GPU at hand."""

from __future__ import annotations


def multiplies_bf16() -> bool:
    """Whether PyTorch multiplies bf16 on this CPU by its fast kernels (oneDNN with AVX-512 or AMX, or Arm's bf16).

    Elsewhere matrix products in bf16 fall back to plain loops: on a CPU with AVX2 alone they took four to eight times
    as long as in fp32.
    """
    import torch

    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # a PyTorch that was built without oneDNN
        return False


def trains_bf16(on_gpu: bool) -> bool:
    """Whether this worker's device computes in bf16 itself; older GPUs (V100, T4) only emulate it."""
    import torch

    return torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else multiplies_bf16()
