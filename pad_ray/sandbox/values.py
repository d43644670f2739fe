"""Results as they arrive from either tier, read with bounds: no pickle, no eval, nothing deep or large."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from .execution import Value
from .limits import MAX_DECIMAL_EXPONENT, MAX_INT_BITS, MAX_VALUE_BYTES, MAX_VALUE_DEPTH
from .monty_wire import Field, Malformed, arena, fields

# Node kinds of Monty's arena that are values here
_NONE, _BOOL, _INT, _BIGINT, _FLOAT, _STR, _LIST, _TUPLE, _NAMED_TUPLE, _DECIMAL = (
    2,
    4,
    5,
    6,
    7,
    8,
    11,
    12,
    13,
    33,
)
_REPR = 29
_KINDS = {
    1: "an ellipsis", 3: "NotImplemented", 9: "bytes", 14: "a dict", 15: "a set", 16: "a frozenset",
    17: "a date", 18: "a time", 19: "a datetime", 20: "a timedelta", 21: "a timezone", 22: "an exception",
    23: "a type", 24: "an object of a class", 25: "a function", 26: "a function", 27: "a path", 28: "a file",
    30: "a cycle", 31: "a complex number",
}  # fmt: skip


class BadValue(Exception):
    """The result is of a type that does not cross, too large or too deep."""


class Unclear(Exception):
    """Monty's answer does not say what CPython's would be; CPython must be asked."""


def from_arena(body: bytes, *, trust_lists: bool) -> Value:
    """Reads the body of a COMPLETE event.

    Monty hands a deque, a map or a generator over as a list, which they are not.

    Args:
        body: the event's body.
        trust_lists: whether a list can only be a list.

    Raises:
        BadValue: the result is no value, too large or too deep.
        Unclear: CPython must be asked.
        Malformed: the bytes are no such body.
    """
    if len(body) > 2 * MAX_VALUE_BYTES:
        raise BadValue(f"larger than {MAX_VALUE_BYTES} bytes")
    root, nodes = arena(body)
    return _Arena(nodes, trust_lists).value(root, 0)


class _Arena:
    def __init__(self, nodes: list[Field], trust_lists: bool) -> None:
        self._nodes = nodes
        self._trust_lists = trust_lists
        self._left = MAX_VALUE_BYTES

    def value(self, index: int, depth: int) -> Value:
        if depth > MAX_VALUE_DEPTH:
            raise BadValue(f"nested deeper than {MAX_VALUE_DEPTH}")
        self._left -= 1
        if self._left < 0:
            raise BadValue(f"larger than {MAX_VALUE_BYTES} bytes")
        if not 0 <= index < len(self._nodes):
            raise Malformed("a value that is not there")
        kind, content = self._nodes[index]
        if kind in _SEQUENCES:
            return self._sequence(kind, content, depth)
        return atom(kind, content)

    def _sequence(self, kind: int, content: int | bytes | float, depth: int) -> Value:
        if not isinstance(content, bytes):
            raise Malformed("a sequence of nothing")
        if kind == _LIST and not self._trust_lists:
            raise Unclear("a list that may have been something else")
        place = 3 if kind == _NAMED_TUPLE else 1
        packed = next((v for field, v in fields(content) if field == place and isinstance(v, bytes)), b"")
        if len(packed) > self._left:
            raise BadValue(f"larger than {MAX_VALUE_BYTES} bytes")
        items = [self.value(child, depth + 1) for child in indexes(packed)]
        return items if kind == _LIST else tuple(items)


_SEQUENCES = frozenset({_LIST, _TUPLE, _NAMED_TUPLE})


def indexes(packed: bytes) -> list[int]:
    """Packed indexes of nodes.

    Raises:
        Malformed: they are none.
    """
    out, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            out.append(value)
            value = shift = 0
        elif shift > 28:
            raise Malformed("an index too large")
    return out


def atom(kind: int, content: int | bytes | float, *, bounded: bool = True) -> Value:
    """Reads a node of Monty's arena that holds no others.

    Raises:
        BadValue: it is of a type that does not cross, or too large while `bounded`.
        Unclear: CPython must be asked; while not `bounded`, also in place of BadValue.
        Malformed: the bytes are none.
    """
    if kind == _FLOAT and isinstance(content, float):
        return content
    if kind == _INT and isinstance(content, int):
        return content >> 1 ^ -(content & 1)
    if kind == _BOOL:
        return content == 1
    if not isinstance(content, bytes):
        raise Malformed(f"a value of kind {kind}")
    if kind == _NONE:
        return None
    try:
        if (read := _READERS.get(kind)) is not None:
            return read(content)
        if kind == _REPR:
            raise Unclear(content[:200].decode("utf-8", "replace"))
        raise BadValue(_KINDS.get(kind, f"a value of kind {kind}"))
    except BadValue as error:
        if bounded:
            raise
        raise Unclear(str(error)) from None


def _text(content: bytes) -> str:
    if len(content) > MAX_VALUE_BYTES:
        raise BadValue(f"a str of {len(content)} bytes")
    text = content.decode("utf-8", "replace")
    if "\ufffd" in text:
        # Monty replaces what is no Unicode text; CPython would refuse it.
        raise Unclear("a str with a replaced character")
    return text


def _big(content: bytes) -> int:
    negative, magnitude = False, b""
    for field, value in fields(content):
        if field == 1:
            negative = value == 1
        elif field == 2 and isinstance(value, bytes):
            magnitude = value
    if 8 * len(magnitude) > MAX_INT_BITS + 8:
        raise BadValue(f"an int of {8 * len(magnitude)} bits")
    number = int.from_bytes(magnitude, "big")
    if number.bit_length() > MAX_INT_BITS:
        raise BadValue(f"an int of {number.bit_length()} bits")
    return -number if negative else number


def _decimal(content: bytes) -> Decimal:
    text = content.decode("ascii", "replace")
    if len(text) > MAX_VALUE_BYTES:
        raise BadValue(f"a Decimal of {len(text)} digits")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Malformed("a Decimal that is none") from None
    if number.is_finite() and abs(number.adjusted()) > MAX_DECIMAL_EXPONENT:
        raise BadValue("a Decimal with a very large exponent")
    return number


_READERS: dict[int, Callable[[bytes], Value]] = {_STR: _text, _BIGINT: _big, _DECIMAL: _decimal}


def from_json(tagged: Any, depth: int = 0) -> Value:
    """Reads a value as `jail/encode.py` writes it, already parsed from bounded JSON text.

    A program may have written the text itself, so what `encode` would not have written is refused here too.

    Raises:
        Malformed: it is no such value.
    """
    if tagged is None:
        return None
    try:
        if depth > MAX_VALUE_DEPTH:
            raise Malformed("a value nested too deep")
        return _tagged(tagged, depth)
    except (ArithmeticError, LookupError, TypeError, ValueError, BadValue):
        raise Malformed("a tagged value that is none") from None


def _tagged(tagged: list[Any], depth: int) -> Value:
    tag, content = tagged[0], tagged[1]
    if tag in ("l", "t"):
        items = [from_json(item, depth + 1) for item in content]
        return items if tag == "l" else tuple(items)
    if tag == "b":
        return bool(content == 1)
    if not isinstance(content, str) or len(content) > MAX_VALUE_BYTES:
        raise Malformed("a tagged value that is none")
    if tag == "i":
        return _int(content)
    if tag == "f":
        return float.fromhex(content)
    if tag == "s":
        return content.encode().decode()
    if tag == "d":
        return _decimal(content.encode())
    if tag == "q":
        return Fraction(_int(content), _int(tagged[2]))
    raise Malformed("an unknown tag")


def _int(text: str) -> int:
    number = int(text, 16)
    if number.bit_length() > MAX_INT_BITS:
        raise BadValue(f"an int of {number.bit_length()} bits")
    return number


def parse_outcome(text: bytes) -> dict[str, Any]:
    """The outcome that a program's process wrote.

    Raises:
        Malformed: it is no JSON object.
    """
    try:
        outcome = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("an outcome that is no JSON") from None
    if not isinstance(outcome, dict):
        raise Malformed("an outcome that is no object")
    return outcome
