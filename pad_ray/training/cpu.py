"""What a training worker needs on a CPU: all of the machine's threads, and a C library that keeps the memory it got."""

from __future__ import annotations

import os

from pad_ray.training.precision import Precision


def pack_multiple(precision: Precision) -> int:
    """Packs are filled up to a multiple of so many tokens.

    oneDNN writes and keeps machine code for every shape of a bf16 matrix product. With packs of any length that took
    6 GiB after a hundred steps, and ever more time; filled up to a multiple, shapes come again. In fp32, which needs
    no such code, filling up would cost a fifteenth of the speed.
    """
    return 128 if precision == "bf16" else 1


def environment() -> dict[str, str]:
    """Environment variables for a worker's process; glibc reads them when it starts.

    Each step frees large tensors and asks for them again. Given back to the kernel they must be zeroed anew, which took
    a fifth of a training's time. One arena, since Ray Train calls the loop in a thread, and the arenas of threads are
    always given back.
    """
    return {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(2**40),
        "MALLOC_TOP_PAD_": str(2**28),
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # pages of 2 MiB, where the kernel gives them when asked
    }


def prepare(threads: int | None, workers: int) -> None:
    """Sets this process up for training.

    Args:
        threads: for PyTorch; None shares the machine's cores among the workers on it, where Ray would give one each.
        workers: on this machine.
    """
    import torch

    torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // workers))
