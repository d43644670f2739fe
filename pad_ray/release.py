"""Waits until the engines of a stage have given back what they held, before the next stage takes it."""

from __future__ import annotations


def await_released(seconds: float = 120.0) -> None:
    pass
