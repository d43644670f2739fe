"""Answers that count as one, and those that do not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pad_ray.decoding.choose import answer_key


@pytest.mark.parametrize("values", [(5, 5.0, 5.0000000001, 4.9999999999), (0.1 + 0.2, 0.3), (1 / 3, 0.3333333333333)])
def test_answers_that_differ_by_rounding_alone_are_one(values: tuple[Any, ...]) -> None:
    assert len({answer_key(value) for value in values}) == 1


@pytest.mark.parametrize("values", [(True, 1), ("5", 5), (5, 5.001), (0.3, 0.30001), (math.inf, -math.inf), (None, 0)])
def test_other_answers_are_others(values: tuple[Any, ...]) -> None:
    assert len({answer_key(value) for value in values}) == len(values)
