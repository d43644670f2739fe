"""Values as answers are written."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import pytest

from pad_ray.sandbox import Value
from pad_ray.serving.answering import as_json, as_written


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (7.0, "7"), (7.5, "7.5"), (Decimal("3.00"), "3"), (Fraction(3, 4), "3/4"), ([1, 2.0], "1, 2")],
)
def test_a_value_is_written_as_people_do(value: Value, text: str) -> None:
    assert as_written(value) == text


@pytest.mark.parametrize(
    ("value", "plain"),
    [(7.0, 7), (Fraction(3, 4), 0.75), (Decimal("0.5"), 0.5), ((1, "a"), [1, "a"]), (2**60, str(2**60)), (True, True)],
)
def test_a_value_is_what_json_has(value: Value, plain: object) -> None:
    assert as_json(value) == plain


@pytest.mark.parametrize(
    "value",
    [float("inf"), float("nan"), Decimal("NaN"), 10**5000, Fraction(10**5000, 3)],
    ids=lambda value: type(value).__name__,
)
def test_what_json_has_not_is_text(value: Value) -> None:
    assert isinstance(json.loads(json.dumps(as_json(value))), str)
