"""Attention over packed examples on a CPU: each example on its own, instead of one wide masked square.

With a block mask the cost grows with the square of the packed length, most of it for pairs that the mask forbids: a
pack of 1,536 tokens trains half as fast as one of 384. On GPUs flash attention reads the borders from the positions.
"""

from __future__ import annotations

import itertools
from typing import Any

PACKED = "pad_ray_packed"

# In bf16 on a CPU matrix products are twice as fast as the flash kernel up to here, and never slower below 2,048.
_SHORT = 512
_MULTIPLE = 8  # oneDNN writes a kernel for each shape, see `pad_ray.training.cpu.MULTIPLE`

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
    from torch import bfloat16, cat
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import pad, scaled_dot_product_attention

    kinds = [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
    begins = [0, query.shape[2]] if cu_seq_lens_q is None else cu_seq_lens_q.tolist()
    lengths = [end - begin for begin, end in itertools.pairwise(begins)]
    grouped = query.shape[1] != key.shape[1]
    parts = []
    for q, k, v in zip(*(tensor.split(lengths, dim=2) for tensor in (query, key, value)), strict=True):
        length = q.shape[2]
        short = query.dtype == bfloat16 and length <= _SHORT
        if short and (filling := -length % _MULTIPLE):  # behind the others, which do not see it
            q, k, v = (pad(tensor, (0, 0, 0, filling)) for tensor in (q, k, v))
        with sdpa_kernel(kinds[1:] if short else kinds):
            part = scaled_dot_product_attention(
                q, k, v, is_causal=True, scale=scaling, dropout_p=dropout, enable_gqa=grouped
            )
        parts.append(part[:, :, :length])
    return cat(parts, dim=2).transpose(1, 2).contiguous(), None
