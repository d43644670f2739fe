"""Tagged text of values: exact both ways, and bounded."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.programs.values import MAX_CHARS, MAX_DEPTH, Value, decode, encode

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.fractions(),
    st.decimals(allow_nan=False),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
).filter(lambda value: _depth(value) <= MAX_DEPTH)


def _depth(value: Value) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list | tuple) else 0


def _same(left: Value, right: Value) -> bool:
    """Equal with the same types all the way down (1 == True == 1.0 and 0.0 == -0.0 are not the same)."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return type(left) is type(right) and len(left) == len(right) and all(map(_same, left, right))
    return type(left) is type(right) and repr(left) == repr(right)


@given(VALUES)
def test_decode_gives_back_what_encode_took(value: Value) -> None:
    assert _same(decode(encode(value)), value)


@given(VALUES)
def test_text_can_stand_in_a_utf8_column(value: Value) -> None:
    assert encode(value).encode()


@given(VALUES, VALUES)
def test_different_values_have_different_texts(left: Value, right: Value) -> None:
    assert (encode(left) == encode(right)) == _same(left, right)


@pytest.mark.parametrize("kind", [float, Decimal])
def test_not_a_number_stays_so(kind: type[float] | type[Decimal]) -> None:
    value = decode(encode(kind("nan")))
    assert type(value) is kind
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42, "int:42"),
        (0.1, "float:0.1"),
        (math.inf, "float:inf"),
        (-0.0, "float:-0.0"),
        (True, "bool:True"),
        (None, "none"),
        ('a "b"\n', r'str:"a \"b\"\n"'),
        (Fraction(1, 3), "fraction:1/3"),
        (Decimal("1.50"), "decimal:1.50"),
        ([1, "a, b]"], 'list:[int:1, str:"a, b]"]'),
        ((2.0,), "tuple:(float:2.0)"),
        ([], "list:[]"),
    ],
)
def test_texts_are_readable_and_fixed(value: Value, text: str) -> None:
    assert encode(value) == text


def test_long_integers_are_exact() -> None:
    value = 7**20_000
    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        1 << 10_000_000,
        "x" * (MAX_CHARS + 1),
        [0] * MAX_CHARS,
        Fraction(1, 1 << 1_000_000),
        Decimal("1" * (MAX_CHARS + 1)),
        "half a pair \ud800",
        HTTPStatus.OK,
        {"a": 1},
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_without_a_form_are_refused(value: Value) -> None:
    with pytest.raises(ValueError, match=r"too long|more than|no text form|surrogate"):
        encode(value)


def test_deep_nesting_is_refused() -> None:
    value: Value = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested deeper"):
        encode(value)


def test_a_list_in_itself_is_refused() -> None:
    value: list[Value] = []
    value.append(value)
    with pytest.raises(ValueError, match="nested deeper"):
        encode(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "int:",
        "int:4 2",
        "int:42 ",
        "int:" + "9" * 50_000,
        "bool:yes",
        "fraction:1",
        "fraction:1/0",
        "fraction:1/-3",
        "decimal:one",
        "decimal:1E+" + "9" * 30,
        'str:"a',
        "str:a",
        "list:[int:1",
        "list:[int:1,int:2]",
        "list:[, ]",
        "tuple:(int:1]",
        "list:[" * 50_000,
        "nonesuch",
        "x" * (MAX_CHARS + 1),
        "__import__('os')",
    ],
    ids=lambda text: text[:12],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the messages of int() and json are as good as ours
        decode(text)


@given(st.text(alphabet="intfloasrbuedcmp:[]()\"',/ 0123456789x.-+eE\\", max_size=40))
def test_any_text_decodes_or_is_refused(text: str) -> None:
    try:
        value = decode(text)
    except ValueError:
        return
    assert _same(decode(encode(value)), value) or value != value
