"""Attention of packed examples in bf16, where short ones go another way than long ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pad_ray.training.attention import register


def _attend(lengths: list[int], query: Any, key: Any, value: Any) -> Any:
    from torch import tensor
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    attend: Any = ALL_ATTENTION_FUNCTIONS[register()]
    begins = tensor([0, *[sum(lengths[: n + 1]) for n in range(len(lengths))]])
    return attend(SimpleNamespace(), query, key, value, None, cu_seq_lens_q=begins)[0]


def _textbook(query: Any, key: Any, value: Any) -> Any:
    """One example, `[1, heads, tokens, width]` in float32."""
    import torch

    key, value = (one.repeat_interleave(query.shape[1] // one.shape[1], dim=1) for one in (key, value))
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return (scores.masked_fill(later, -torch.inf).softmax(-1) @ value).transpose(1, 2)


@pytest.mark.parametrize("lengths", [[1, 40, 9], [60, 33, 64, 7, 20], [600, 30], [512, 513], [500, *[5] * 20]])
def test_bf16_is_textbook_attention_but_for_rounding_forward_and_backward(lengths: list[int]) -> None:
    import torch

    torch.manual_seed(0)
    shapes = [(1, heads, sum(lengths), 16) for heads in (6, 2, 2)]
    rounded = [torch.randn(shape).bfloat16().requires_grad_() for shape in shapes]
    exact = [one.detach().float().requires_grad_() for one in rounded]
    found = _attend(lengths, *rounded)
    parts = zip(*(one.split(lengths, dim=2) for one in exact), strict=True)
    expected = torch.cat([_textbook(*part) for part in parts], dim=1)
    push = torch.randn_like(expected)
    (found.float() * push).sum().backward()
    (expected * push).sum().backward()
    pairs: list[Any] = [(found, expected), *((a.grad, b.grad) for a, b in zip(rounded, exact, strict=True))]
    for one, other in pairs:
        assert float((one.detach().float() - other.detach()).norm() / other.detach().norm()) < 0.01
