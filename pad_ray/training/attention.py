"""Attention over packed examples on a CPU: within each example, instead of one wide masked square.

With a block mask the cost grows with the square of the packed length, most of it for pairs that the mask forbids: a
pack of 1,536 tokens trains half as fast as one of 384. On GPUs flash attention reads the borders from the positions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

PACKED = "pad_ray_packed"

# In bf16 on a CPU matrix products are twice as fast as the flash kernel up to here, and never slower below 2,048.
_SHORT = 512
_FILLED = 4  # as many places as tokens: a long example among many short ones would waste the rest
# oneDNN writes a kernel for each shape, see `pad_ray.training.cpu.pack_multiple`.
_ROWS, _LONGEST = 4, 32

# Decoders whose attention is causal and nothing more: no window, no cap on scores, no sinks.
_PLAIN = frozenset({"llama", "gpt2", "gpt_neox", "qwen2", "qwen3", "smollm3", "phi3", "olmo2", "granite", "starcoder2"})


def packs_apart(config: Any, max_tokens: int) -> bool:
    """Whether a model's attention may be computed example by example.

    Args:
        config: its Hugging Face configuration.
        max_tokens: longest example; a sliding window that is no narrower hides nothing.
    """
    window = getattr(config, "sliding_window", None)
    return config.model_type in _PLAIN and (window is None or window >= max_tokens)


def register() -> str:
    """Makes the implementation known to transformers, and returns its name (`attn_implementation`)."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(PACKED, _attend)
    return PACKED


def _attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    dropout: float = 0.0,
    scaling: float | None = None,
    cu_seq_lens_q: Any = None,
    **unused: Any,
) -> tuple[Any, None]:
    """Causal attention within each example.

    Args:
        query: `[1, heads, tokens, width]`; `key` and `value` may have fewer heads.
        cu_seq_lens_q: `[examples + 1]`, where each example begins, and the end; what transformers passes to flash
            attention under this name. None is one example.
    """
    import torch

    begins = [0, query.shape[2]] if cu_seq_lens_q is None else cu_seq_lens_q.tolist()
    lengths = [end - begin for begin, end in itertools.pairwise(begins)]
    filled = len(lengths) * max(lengths)
    if query.dtype == torch.bfloat16 and max(lengths) <= _SHORT and filled <= _FILLED * query.shape[2]:
        found = _side_by_side(query, key, value, lengths, scaling, dropout)
    else:
        found = _one_by_one(query, key, value, lengths, scaling, dropout)
    return found, None


def _one_by_one(query: Any, key: Any, value: Any, lengths: Sequence[int], scaling: float | None, dropout: float) -> Any:
    """By PyTorch's flash kernel, `[1, tokens, heads, width]`."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    parts = [
        scaled_dot_product_attention(
            q, k, v, is_causal=True, scale=scaling, dropout_p=dropout, enable_gqa=query.shape[1] != key.shape[1]
        )
        for q, k, v in zip(*(tensor.split(lengths, dim=2) for tensor in (query, key, value)), strict=True)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous()


def _side_by_side(
    query: Any, key: Any, value: Any, lengths: Sequence[int], scaling: float | None, dropout: float
) -> Any:
    """By matrix products over all examples at once, each filled up to the longest, `[1, tokens, heads, width]`.

    What fills up stands behind the others, which do not see it, and is left out of the result.
    """
    import torch

    from pad_ray.training.moving import moved

    _, heads, tokens, width = query.shape
    groups = key.shape[1]
    rows, longest = len(lengths) + -len(lengths) % _ROWS, max(lengths) + -max(lengths) % _LONGEST
    there, back = _places(tuple(lengths), rows, longest)
    shape = (rows, longest, groups, -1, width)
    q, k, v = (
        moved(tensor[0].transpose(0, 1).reshape(tokens, -1), there, back).view(shape).permute(0, 2, 3, 1, 4)
        for tensor in (query, key, value)
    )  # each [rows, groups, heads of a group, longest, width]
    q = q.reshape(rows * groups, -1, width)
    k, v = (one.reshape(rows * groups, longest, width) for one in (k, v))
    hidden = _later(longest, heads // groups)
    scores = hidden.baddbmm(q, k.transpose(1, 2), alpha=width**-0.5 if scaling is None else scaling)
    weights = scores.softmax(-1)
    if dropout:
        weights = torch.nn.functional.dropout(weights, dropout)
    found = (weights @ v).view(rows, heads, longest, width).transpose(1, 2).reshape(rows * longest, -1)
    return moved(found, back, there).view(1, tokens, heads, width)


@lru_cache(4)  # the same for all layers
def _places(lengths: tuple[int, ...], rows: int, longest: int) -> tuple[Any, Any]:
    """Where each place of the filled up rows is in the pack (-1: nowhere), and each of the pack in the rows."""
    import torch

    there = torch.full((rows, longest), -1)
    begin = 0
    for row, length in enumerate(lengths):
        there[row, :length] = torch.arange(begin, begin + length)
        begin += length
    there = there.flatten()
    return there, (there >= 0).nonzero().flatten()


@lru_cache(4)
def _later(longest: int, heads: int) -> Any:
    """What is added to scores so that no token sees a later one, `[heads * longest, longest]`."""
    import torch

    return torch.full((longest, longest), -torch.inf, dtype=torch.bfloat16).triu(1).repeat(heads, 1)
