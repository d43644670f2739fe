"""Rows of a matrix in another place, with a gradient that is as cheap as the move itself."""

from __future__ import annotations

from typing import Any

import torch


class _Moved(torch.autograd.Function):
    """The gradient is taken the other way round, by the inverse index.

    PyTorch's own, which must allow for rows taken twice, adds row by row on CPUs.
    """

    @staticmethod
    def forward(ctx: Any, rows: Any, index: Any, inverse: Any) -> Any:
        """See `moved`."""
        ctx.index, ctx.inverse = index, inverse
        return _taken(rows, index)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradient of `rows` alone."""
        return _taken(gradients[0], ctx.inverse), None, None


_apply: Any = _Moved.apply


def moved(rows: Any, index: Any, inverse: Any) -> Any:
    """Rows by their index.

    Args:
        rows: `[n, width]`.
        index: `[m]`, of a row each; -1 takes a row of zeros. None is taken twice.
        inverse: `[n]`, where in the result each row went, or -1.

    Returns:
        `[m, width]`.
    """
    return _apply(rows, index, inverse)


def _taken(rows: Any, index: Any) -> Any:
    taken = rows.index_select(0, index.clamp(min=0))
    # One of both is the pack, in which every row is somewhere; only the longer one has rows that are nowhere.
    return taken.mul_((index >= 0).unsqueeze(1)) if index.shape[0] > rows.shape[0] else taken
