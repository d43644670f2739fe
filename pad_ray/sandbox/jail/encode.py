"""A program's result as JSON text of tagged atoms: bounded, and never a thing that runs when it is read.

    null                       None
    ["b", 0]                   bool
    ["i", "-0x1f"]             int
    ["f", "0x1.8p+1"]          float, bit for bit
    ["s", "text"]              str
    ["d", "1.10"]              Decimal
    ["q", "0x1", "0x3"]        Fraction
    ["l", [...]] ["t", [...]]  list, tuple

Subclasses become their base, numpy and sympy numbers the plain number they stand for.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_BYTES = 4096
MAX_DEPTH = 5
MAX_INT_BITS = 14_000
MAX_DECIMAL_EXPONENT = 5000

# A program can reach and replace the names in `builtins`; these are taken before it runs.
_isinstance, _type, _len, _str, _hex = isinstance, type, len, str, hex
_int, _float, _bool, _list, _tuple = int, float, bool, list, tuple
_dumps, _modules = json.dumps, sys.modules


class BadValue(Exception):
    """The result is of a type that does not cross, too large or too deep."""


def encode(value: Any) -> str:
    """A value as JSON text.

    Raises:
        BadValue: it does not cross; the message says why.
    """
    return _dumps(_Encoder().node(value, 0))


class _Encoder:
    def __init__(self) -> None:
        self.bytes_left = MAX_BYTES

    def node(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise BadValue(f"nested deeper than {MAX_DEPTH}")
        self._take(1)
        if value is None:
            return None
        if value is True or value is False:
            return ["b", 1 if value is True else 0]
        for base, write in _WRITERS:
            if _isinstance(value, base):
                return write(self, value, depth)
        return self.node(_plain(value), depth)

    def integer(self, value: Any, depth: int) -> Any:
        number = _int.__add__(value, 0)
        if _int.bit_length(number) > MAX_INT_BITS:
            raise BadValue(f"an int of {_int.bit_length(number)} bits")
        text = _hex(number)
        self._take(_len(text) // 2)
        return ["i", text]

    def floating(self, value: Any, depth: int) -> Any:
        self._take(8)
        return ["f", _float.hex(value)]

    def text(self, value: Any, depth: int) -> Any:
        plain = _str.__str__(value)
        if _len(plain) > MAX_BYTES:
            raise BadValue(f"a str of {_len(plain)} characters")
        try:
            self._take(_len(_str.encode(plain)))
        except UnicodeEncodeError:
            raise BadValue("a str that is no Unicode text") from None
        return ["s", plain]

    def decimal(self, value: Any, depth: int) -> Any:
        text = Decimal.__str__(value)
        if Decimal.is_finite(value) and abs(Decimal.adjusted(value)) > MAX_DECIMAL_EXPONENT:
            raise BadValue("a Decimal with a very large exponent")
        self._take(_len(text))
        return ["d", text]

    def fraction(self, value: Any, depth: int) -> Any:
        above = self.integer(value._numerator, depth)
        return ["q", above[1], self.integer(value._denominator, depth)[1]]

    def sequence(self, value: Any, depth: int) -> Any:
        base = _list if _isinstance(value, _list) else _tuple
        self._take(base.__len__(value))
        return ["l" if base is _list else "t", [self.node(item, depth + 1) for item in base.__iter__(value)]]

    def _take(self, size: int) -> None:
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise BadValue(f"larger than {MAX_BYTES} bytes")


_WRITERS: tuple[tuple[Any, Any], ...] = (
    (int, _Encoder.integer),
    (float, _Encoder.floating),
    (str, _Encoder.text),
    ((list, tuple), _Encoder.sequence),
    (Fraction, _Encoder.fraction),
    (Decimal, _Encoder.decimal),
)


def _plain(value: Any) -> Any:
    """The plain value that a numpy or sympy object stands for.

    Raises:
        BadValue: it is neither, or stands for no number.
    """
    numpy, sympy = _modules.get("numpy"), _modules.get("sympy")
    if numpy is not None and _isinstance(value, numpy.generic | numpy.ndarray):
        return _from_numpy(numpy, value)
    if sympy is not None and _isinstance(value, sympy.Basic):
        return _from_sympy(sympy, value)
    kind = _type(value)
    raise BadValue(f"a {kind.__module__}.{kind.__qualname__}"[:200].replace("builtins.", ""))


def _from_numpy(numpy: Any, value: Any) -> Any:
    if _isinstance(value, numpy.ndarray) and value.ndim:
        if value.size > MAX_BYTES:
            raise BadValue(f"an array of {value.size} numbers")
        return value.tolist()
    if _isinstance(value, numpy.longdouble):
        return _float(value)
    item = value.item()
    if _isinstance(item, numpy.generic | numpy.ndarray):
        raise BadValue(f"a {value.dtype}")
    return item


def _from_sympy(sympy: Any, value: Any) -> Any:
    if value is sympy.true or value is sympy.false:
        return value is sympy.true
    if _isinstance(value, sympy.Integer):
        return _int(value.p)
    if _isinstance(value, sympy.Rational):
        return Fraction(_int(value.p), _int(value.q))
    if _isinstance(value, sympy.Tuple):
        return _tuple(value)
    if _isinstance(value, sympy.Expr) and value.is_number:
        try:
            return _float(value)
        except (TypeError, ValueError, OverflowError):
            raise BadValue("a sympy number that is not real") from None
    raise BadValue("a sympy expression")


MAX_NODES = 2000
MAX_STATE_BYTES = 60_000
_CONTAINERS: tuple[tuple[Any, str], ...] = ((list, "list"), (tuple, "tuple"), (dict, "dict"), (set, "set"))


def encode_state(variables: dict[str, Any]) -> str:
    """Variables as JSON text of a graph: names to places, and nodes of a kind and a tagged value or parts.

    An object that two variables hold is one node. What does not cross is a node of kind "opaque".
    """
    graph = _Graph()
    names = {}
    for name, value in variables.items():
        if not name.startswith("__"):
            names[name] = graph.add(value, 0)
    text = _dumps({"names": names, "nodes": graph.nodes})
    if _len(text) > MAX_STATE_BYTES:
        text = _dumps({"names": dict.fromkeys(_list(names)[:100], 0), "nodes": [["opaque", "too large"]]})
    return text


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._places: dict[int, int] = {}
        self._kept: list[Any] = []

    def add(self, value: Any, depth: int) -> int:
        if id(value) in self._places:
            return self._places[id(value)]
        place = _len(self.nodes)
        self._places[id(value)] = place
        # Held, so that no other object can take its identity.
        self._kept.append(value)
        node: list[Any] = ["opaque", ""]
        self.nodes.append(node)
        kind = next((name for base, name in _CONTAINERS if _type(value) is base), None)
        if kind is not None and depth <= MAX_DEPTH and place + _len(value) < MAX_NODES:
            node[:] = [kind, [self.add(part, depth + 1) for part in _parts(value)]]
        elif _type(value) is _type(json):
            node[:] = ["module", value.__name__]
        elif kind is None and not _isinstance(value, (list, tuple)):
            try:
                node[:] = ["atom", _Encoder().node(value, 0)]
            except BadValue:
                node[:] = ["opaque", _type(value).__qualname__[:100]]
        return place


def _parts(value: Any) -> list[Any]:
    if _type(value) is dict:
        return [part for pair in value.items() for part in pair]
    return _list(value)
