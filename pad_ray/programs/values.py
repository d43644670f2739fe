"""Values as tagged text: what programs return and what gold says, in one string column.

    int:42   float:0.1   bool:True   none   str:"a \\"b\\""   fraction:1/3   decimal:1.50
    list:[int:1, str:"a"]   tuple:(float:2.0)

The form is exact: `decode(encode(value))` is the same value of the same type, floats to the bit (they stand
in the shortest decimal form that reads back the same). It is bounded in length and depth, both ways. Strings
are JSON strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypeAlias

Value: TypeAlias = "int | float | str | bool | Fraction | Decimal | list[Value] | tuple[Value, ...] | None"

MAX_CHARS = 65_536
MAX_DEPTH = 8

# Decimal text of integers is quadratic in their length, and Python refuses it beyond 4,300 digits.
_DECIMAL_BITS = 12_000
_SCALAR = re.compile(r"(int|float|bool|fraction|decimal):([^,()\[\]\s]+)|none")
_JSON = json.JSONDecoder()


def encode(value: Value) -> str:
    """Tagged text of a value.

    Raises:
        ValueError: a type that has no form, a string that UTF-8 cannot hold, more than MAX_CHARS characters
            or MAX_DEPTH nested lists.
    """
    return _check_length(_encode(value, 0))


def decode(text: str) -> Value:
    """The value of a tagged text.

    Raises:
        ValueError: the text is no tagged value, or beyond the bounds of `encode`.
    """
    value, stop = _decode(_check_length(text), 0, 0)
    if stop != len(text):
        raise _not_tagged(text, stop)
    return value


def _check_length(text: str) -> str:
    if len(text) > MAX_CHARS:
        raise ValueError(f"the value takes {len(text):,} characters as text, more than {MAX_CHARS:,}")
    return text


def _check_depth(depth: int) -> int:
    if depth > MAX_DEPTH:
        raise ValueError(f"lists nested deeper than {MAX_DEPTH}")
    return depth


def _encode(value: Value, depth: int) -> str:
    if value is None:
        return "none"
    # Exact types only: a subclass (an IntEnum, numpy.float64) would not come back as what it was.
    if type(value) is list:
        return f"list:[{_encode_items(value, depth + 1)}]"
    if type(value) is tuple:
        return f"tuple:({_encode_items(value, depth + 1)})"
    kind = type(value)
    if kind not in _ENCODERS:
        raise ValueError(f"a value of type {kind.__name__} has no text form")
    return f"{kind.__name__.lower()}:{_ENCODERS[kind](value)}"


def _encode_items(items: list[Value] | tuple[Value, ...], depth: int) -> str:
    _check_depth(depth)
    parts: list[str] = []
    length = 0
    for item in items:
        parts.append(_encode(item, depth))
        length += len(parts[-1])
        if length > MAX_CHARS:
            raise ValueError(f"a list that takes more than {MAX_CHARS:,} characters as text")
    return ", ".join(parts)


def _encode_string(text: str) -> str:
    try:
        _check_length(text).encode()
    except UnicodeEncodeError as error:
        raise ValueError("the string holds half a surrogate pair") from error
    return json.dumps(text, ensure_ascii=False)


def _encode_int(number: int) -> str:
    if number.bit_length() > 4 * MAX_CHARS:
        raise ValueError(f"an integer of {number.bit_length():,} bits is too long")
    return str(number) if number.bit_length() <= _DECIMAL_BITS else hex(number)


def _encode_fraction(fraction: Fraction) -> str:
    return f"{_encode_int(fraction.numerator)}/{_encode_int(fraction.denominator)}"


_ENCODERS: dict[type, Callable[..., str]] = {
    str: _encode_string,
    int: _encode_int,
    float: repr,
    bool: repr,
    Fraction: _encode_fraction,
    Decimal: str,
}


def _decode(text: str, start: int, depth: int) -> tuple[Value, int]:
    if text.startswith('str:"', start):
        return _JSON.raw_decode(text, start + 4)
    if text.startswith("list:[", start):
        return _decode_items(text, start + 6, "]", depth + 1)
    if text.startswith("tuple:(", start):
        items, stop = _decode_items(text, start + 7, ")", depth + 1)
        return tuple(items), stop
    found = _SCALAR.match(text, start)
    if found is None:
        raise _not_tagged(text, start)
    return (_DECODERS[found[1]](found[2]) if found[1] else None), found.end()


def _decode_items(text: str, start: int, closing: str, depth: int) -> tuple[list[Value], int]:
    _check_depth(depth)
    items: list[Value] = []
    while not text.startswith(closing, start):
        if items and not text.startswith(", ", start):
            raise _not_tagged(text, start)
        item, start = _decode(text, start + 2 if items else start, depth)
        items.append(item)
    return items, start + 1


def _decode_int(text: str) -> int:
    return int(text, 16 if "0x" in text[:3] else 10)


def _decode_bool(text: str) -> bool:
    if text not in ("True", "False"):
        raise _not_tagged(text, 0)
    return text == "True"


def _decode_fraction(text: str) -> Fraction:
    numerator, _, denominator = text.partition("/")
    if _decode_int(denominator) <= 0:
        raise _not_tagged(text, 0)
    return Fraction(_decode_int(numerator), _decode_int(denominator))


def _decode_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise _not_tagged(text, 0) from error


_DECODERS: dict[str, Callable[[str], Value]] = {
    "int": _decode_int,
    "float": float,
    "bool": _decode_bool,
    "fraction": _decode_fraction,
    "decimal": _decode_decimal,
}


def _not_tagged(text: str, place: int) -> ValueError:
    return ValueError(f"not a tagged value: {text[place : place + 20]!r}")
