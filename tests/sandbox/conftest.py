"""Sandboxes that the tests share, and a program's text in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pad_ray.sandbox import Limits, Sandbox, Tier

LIMITS = Limits(monty_seconds=0.25, cpu_seconds=0.5, memory_mb=256)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Both tiers, all layers that this machine has."""
    with Sandbox(LIMITS, warm=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def cpython() -> Iterator[Sandbox]:
    """The CPython tier alone."""
    with Sandbox(LIMITS, tiers=[Tier.CPYTHON], warm=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def monty() -> Iterator[Sandbox]:
    """The Monty tier alone."""
    with Sandbox(LIMITS, tiers=[Tier.MONTY]) as opened:
        yield opened


@pytest.fixture(scope="session")
def returns() -> Callable[[str], str]:
    """The text of a program that returns an expression."""
    return lambda expression: f"def solution():\n    return {expression}\n"
