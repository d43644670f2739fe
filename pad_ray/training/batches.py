"""Which examples make which optimiser step, and how a step is cut into packed micro-batches for every worker.

All of it is a pure function of seed, step and world size, so that a resumed training sees just what an undisturbed one
would have seen.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pad_ray.training.tokens import TokenizedExample


def count_steps(examples: int, batch_size: int, epochs: float) -> int:
    """Optimiser steps in `epochs` passes, at least one."""
    seen = round(examples * epochs, 6)  # 100 * 1.1 is a little more than 110
    return max(1, math.ceil(seen / batch_size))


def step_examples(step: int, examples: int, batch_size: int, seed: int) -> list[int]:
    """Indices of the examples of one global step: each epoch is a new seeded order, batches run over its end."""
    first = step * batch_size
    return [_order(n // examples, examples, seed)[n % examples] for n in range(first, first + batch_size)]


_ORDERS: dict[tuple[int, int, int], list[int]] = {}


def _order(epoch: int, examples: int, seed: int) -> list[int]:
    key = (epoch, examples, seed)
    if key not in _ORDERS:
        if len(_ORDERS) > 2:  # a step touches two epochs at most
            _ORDERS.clear()
        order = list(range(examples))
        random.Random(f"{seed}/{epoch}").shuffle(order)
        _ORDERS[key] = order
    return _ORDERS[key]


def split_step(lengths: Sequence[int], workers: int, capacity: int) -> list[list[list[int]]]:
    """Cuts a step's examples into micro-batches: the same number for each worker, since every one is a collective.

    Args:
        lengths: tokens of each example of the step.
        workers: world size.
        capacity: tokens that one micro-batch shall not exceed (a longer example has one of its own).

    Returns:
        `[worker][micro-batch]` → positions in `lengths`; a micro-batch may be empty.
    """
    for rounds in itertools.count(1):
        bins = _balanced(lengths, workers * rounds)
        if all(len(chosen) <= 1 or sum(lengths[n] for n in chosen) <= capacity for chosen in bins):
            break
    return [bins[worker::workers] for worker in range(workers)]


def _balanced(lengths: Sequence[int], count: int) -> list[list[int]]:
    bins: list[list[int]] = [[] for _ in range(count)]
    fill = [0] * count
    for n in sorted(range(len(lengths)), key=lambda n: (-lengths[n], n)):
        emptiest = fill.index(min(fill))
        bins[emptiest].append(n)
        fill[emptiest] += lengths[n]
    return bins


@dataclass(frozen=True)
class PackedBatch:
    """Several examples in one row of tokens, kept apart by positions that start again.

    Attributes:
        input_ids: `[1, tokens]`.
        position_ids: `[1, tokens]`, from 0 in each example; transformers derives the block mask from them.
        predict: `[targets]`, the places whose next token is learnt.
        labels: `[targets]`, those next tokens.
    """

    input_ids: Any
    position_ids: Any
    predict: Any
    labels: Any


def pack(examples: Sequence[TokenizedExample]) -> PackedBatch:
    """One packed row of tensors; empty when there are no examples."""
    import torch

    ids: list[int] = []
    positions: list[int] = []
    predict: list[int] = []
    labels: list[int] = []
    for example in examples:
        start = len(ids) + len(example.prompt) - 1
        predict += range(start, start + len(example.target))
        labels += example.target
        ids += (*example.prompt, *example.target)
        positions += range(len(example))
    tensor = partial(torch.tensor, dtype=torch.long)  # an empty one would hold floats
    return PackedBatch(tensor([ids]), tensor([positions]), tensor(predict), tensor(labels))
