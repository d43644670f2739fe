"""Which examples make which optimiser step, and how a step is cut into micro-batches for every worker.

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


def epoch_ends(step: int, examples: int, batch_size: int) -> int | None:
    """The epoch (from 1) whose last example is in this step, if there is one."""
    before, after = step * batch_size // examples, (step + 1) * batch_size // examples
    return after if after > before else None


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
    """Cuts a step's examples into packs: the same number for each worker, since every one is a collective.

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


def bucket_step(lengths: Sequence[int], workers: int, capacity: int) -> list[list[list[int]]]:
    """Cuts a step's examples into buckets of like length, for batches that are padded to their longest.

    Args, returns: as `split_step`; the capacity holds for the padded batch.
    """
    buckets: list[list[int]] = []
    for n in sorted(range(len(lengths)), key=lambda n: (-lengths[n], n)):
        longest = lengths[buckets[-1][0]] if buckets else 0
        if buckets and longest * (len(buckets[-1]) + 1) <= capacity:
            buckets[-1].append(n)
        else:
            buckets.append([n])
    while len(buckets) % workers:
        largest = max(buckets, key=len)
        middle = len(largest) // 2
        if middle:
            place = buckets.index(largest)
            buckets[place : place + 1] = [largest[:middle], largest[middle:]]
        else:
            buckets.append([])
    return [buckets[worker::workers] for worker in range(workers)]


@dataclass(frozen=True)
class Batch:
    """A micro-batch: what the model reads, and the places whose next token is learnt.

    Attributes:
        inputs: keyword arguments of the model's forward pass.
        places: `[targets]`, places in rows and tokens, flattened.
        labels: `[targets]`, the tokens to be predicted there.
        weights: `[targets]`, how much each counts; float32.
        tokens: ids that are not padding.
    """

    inputs: dict[str, Any]
    places: Any
    labels: Any
    weights: Any
    tokens: int

    def to(self, device: Any) -> Batch:
        """The same on a device."""
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        return Batch(
            inputs, self.places.to(device), self.labels.to(device), self.weights.to(device), tokens=self.tokens
        )


def pack(examples: Sequence[TokenizedExample], multiple: int = 1) -> Batch:
    """Several examples in one row `[1, tokens]`, kept apart by positions that start again and by their lengths.

    transformers derives its block mask from the positions where it makes one; `cu_seq_lens_q` is for attention that
    goes example by example.

    Args:
        examples: what is packed.
        multiple: row and targets are filled up to a multiple of it, by an example that nothing is learnt from.
    """
    import torch

    ids: list[int] = []
    positions: list[int] = []
    places: list[int] = []
    begins = [0]
    for example in examples:
        start = len(ids) + len(example.prompt) - 1
        places += range(start, start + len(example.target))
        ids += (*example.prompt, *example.target)
        positions += range(len(example))
        begins.append(len(ids))
    if filling := -len(ids) % multiple:
        ids += [0] * filling
        positions += range(filling)
        begins.append(len(ids))
    tensor = partial(torch.tensor, dtype=torch.long)  # an empty one would hold floats
    inputs = {
        "input_ids": tensor([ids]),
        "position_ids": tensor([positions]),
        "cu_seq_lens_q": torch.tensor(begins, dtype=torch.int32),
    }
    return _batch(inputs, examples, places, multiple)


def pad_pairs(examples: Sequence[TokenizedExample], pad: int, start: int, multiple: int = 1) -> Batch:
    """Prompts and targets `[examples, longest]` of an encoder-decoder.

    Args:
        examples: one a row.
        pad: id of the padding token.
        start: id of the token that starts the decoder.
        multiple: both lengths are filled up to a multiple of it.
    """
    import torch

    longest = _filled(max((len(example.prompt) for example in examples), default=0), multiple)
    width = _filled(max((len(example.target) for example in examples), default=0), multiple)
    prompts = [[*one.prompt, *[pad] * (longest - len(one.prompt))] for one in examples]
    seen = [[1] * len(one.prompt) + [0] * (longest - len(one.prompt)) for one in examples]
    # The decoder reads each target token to predict the next one.
    shifted = [[start, *one.target[:-1], *[pad] * (width - len(one.target))] for one in examples]
    places = [row * width + n for row, one in enumerate(examples) for n in range(len(one.target))]
    tensor = partial(torch.tensor, dtype=torch.long)
    inputs = {"input_ids": tensor(prompts), "attention_mask": tensor(seen), "decoder_input_ids": tensor(shifted)}
    return _batch(inputs, examples, places, multiple)


def _filled(length: int, multiple: int) -> int:
    return length + -length % multiple


def _batch(inputs: dict[str, Any], examples: Sequence[TokenizedExample], places: list[int], multiple: int) -> Batch:
    """Targets are filled up by the first place again, which then counts nothing."""
    import torch

    filling = [0] * (-len(places) % multiple if places else 0)
    return Batch(
        inputs,
        torch.tensor([*places, *filling], dtype=torch.long),
        torch.tensor([*(token for one in examples for token in one.target), *filling], dtype=torch.long),
        torch.tensor([*(weight for one in examples for weight in one.target_weights), *filling], dtype=torch.float32),
        tokens=sum(map(len, examples)),
    )
