"""What a training worker sets on a CPU: its threads, and a C library that keeps the memory it got."""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # malloc.h of glibc
_NEVER = 2**31 - 1


def prepare(threads: int | None, workers: int) -> None:
    """Sets this process up for training.

    Args:
        threads: for PyTorch; None shares the machine's cores among the workers on it, where Ray would give one each.
        workers: on this machine.
    """
    import torch

    torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // workers))
    _keep_memory()
    # Only attention of a few hundred tokens goes that way, see attention.py.
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)


def _keep_memory() -> None:
    """Each step frees large tensors and asks for them again; given back to the kernel, they must be zeroed anew.

    A fifth of a training's time went there: 358 against 437 tokens/s in one probe.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)
        libc.mallopt(_TOP_PAD, 2**28)
