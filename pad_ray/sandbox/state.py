"""The variables of a program at one point, as a graph of values that knows what is shared.

`a = b` and `a = list(b)` leave equal values and different programs: what is appended next tells them apart.
So the fingerprint of a state covers which variables hold the same object, besides names, types and values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .execution import Value
from .monty_wire import Malformed, arena, fields
from .values import Unclear, atom, from_json, indexes

MAX_STATE_BYTES = 65_536
_MAX_DEPTH = 6
_OPAQUE = object()


class Node(NamedTuple):
    """One object: an atom with its value, a container with the places of its parts, or what stays behind."""

    kind: str
    value: Value = None
    parts: tuple[int, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Variables and what they hold. `digest` is equal for two states only if they are alike in all that it
    covers.

    Attributes:
        values: the variables that hold plain values.
        opaque: the names of the others: functions, objects, iterators, things too large.
        digest: of names, types, values and sharing; opaque things count by name only.
    """

    values: dict[str, Value]
    opaque: tuple[str, ...]
    digest: str


def state_of(names: dict[str, int], nodes: Sequence[Node]) -> State:
    """The state of variables that point into a graph.

    Raises:
        Malformed: a variable points out of it.
    """
    values: dict[str, Value] = {}
    opaque: list[str] = []
    spelled: list[str] = []
    seen: dict[int, int] = {}
    for name in sorted(names):
        node = _node(nodes, names[name])
        if node.kind == "atom":
            values[name] = node.value
            spelled += (name, repr(node.value))
            continue
        held = _held(nodes, names[name], 0)
        if held is not _OPAQUE:
            values[name] = held
        spelled.append(name)
        if not _spell(nodes, names[name], spelled, seen):
            opaque.append(name)
    digest = hashlib.sha256("\0".join(spelled).encode("utf-8", "surrogatepass")).hexdigest()
    return State(values, tuple(opaque), digest)


def _node(nodes: Sequence[Node], index: int) -> Node:
    if not 0 <= index < len(nodes):
        raise Malformed("a variable that points nowhere")
    return nodes[index]


def _held(nodes: Sequence[Node], index: int, depth: int) -> Any:
    node = _node(nodes, index)
    if node.kind == "atom":
        return node.value
    if node.kind not in ("list", "tuple") or depth > _MAX_DEPTH or len(node.parts) > 1024:
        return _OPAQUE
    items = [_held(nodes, part, depth + 1) for part in node.parts]
    if any(item is _OPAQUE for item in items):
        return _OPAQUE
    return items if node.kind == "list" else tuple(items)


def _spell(nodes: Sequence[Node], root: int, spelled: list[str], seen: dict[int, int]) -> bool:
    """Spells out all that a variable reaches, each shared object once; False when something is opaque.

    `repr` tells all atoms apart, type and last bit included.
    """
    clear, waiting = True, [root]
    while waiting:
        index = waiting.pop()
        node = _node(nodes, index)
        if node.kind == "atom":
            spelled.append(repr(node.value))
        elif index in seen:
            spelled.append(f"@{seen[index]}")
        else:
            seen[index] = len(seen)
            spelled.append(f"{node.kind} {node.label} {len(node.parts)}")
            clear = clear and node.kind != "opaque"
            waiting.extend(reversed(node.parts))
    return clear


# Monty's arena: kinds of node that are containers, with the field that lists the parts
_CONTAINERS = {11: ("list", 1), 12: ("tuple", 1), 13: ("tuple", 3), 15: ("set", 1), 16: ("frozenset", 1)}
_INT, _FLOAT, _STR, _DICT, _REPR = 5, 7, 8, 14, 29


def graph_from_arena(body: bytes) -> tuple[int, list[Node]]:
    """Reads the body of a COMPLETE event as a graph and its root.

    Raises:
        Malformed: the bytes are no such body.
        Unclear: they are more than is read here.
    """
    if len(body) > MAX_STATE_BYTES:
        raise Unclear("a state too large to read here")
    root, nodes = arena(body)
    return root, [_arena_node(kind, content) for kind, content in nodes]


def _arena_node(kind: int, value: int | bytes | float) -> Node:
    # Names and numbers first, for most nodes are one or the other.
    if kind == _STR and isinstance(value, bytes):
        # What Monty could not carry, it replaced.
        return _OPAQUE_NODE if _REPLACED in value else _new_atom(value.decode("utf-8", "replace"))
    if kind == _INT and isinstance(value, int):
        return _new_atom(value >> 1 ^ -(value & 1))
    if kind == _FLOAT and isinstance(value, float):
        return _new_atom(value)
    if kind == _DICT and isinstance(value, bytes):
        return Node("dict", parts=tuple(_pairs(value)))
    if kind in _CONTAINERS and isinstance(value, bytes):
        name, place = _CONTAINERS[kind]
        inner = fields(value)
        packed = next((part for field, part in inner if field == place and isinstance(part, bytes)), b"")
        label = next((part for field, part in inner if kind == 13 and field == 1 and isinstance(part, bytes)), b"")
        return Node(name, parts=tuple(indexes(packed)), label=label.decode("utf-8", "replace"))
    if kind == _REPR and isinstance(value, bytes) and value.startswith(b"<module '"):
        return Node("module", label=value.decode("utf-8", "replace").split("'")[1])
    try:
        return _new_atom(atom(kind, value, bounded=False))
    except Unclear:
        return _OPAQUE_NODE


_OPAQUE_NODE = Node("opaque")
_REPLACED = "\ufffd".encode()


def _new_atom(value: Value) -> Node:
    # A third of the time of Node(...), which is a function in Python.
    return tuple.__new__(Node, ("atom", value, (), ""))


def _pairs(content: bytes) -> list[int]:
    """Keys and values of a dict by turns."""
    out: list[int] = []
    at, end = 0, len(content)
    while at + 5 < end and content[at] == 0x0A and content[at + 1] == 4:
        # A pair as it nearly always is: two fields of one byte each.
        first, key, second, item = content[at + 2 : at + 6]
        if first != 0x08 or second != 0x10 or key > 0x7F or item > 0x7F:
            break
        out += (key, item)
        at += 6
    for field, value in fields(content[at:]):
        if field == 1 and isinstance(value, bytes):
            pair = dict(fields(value))
            places = pair.get(1, 0), pair.get(2, 0)
            if not all(isinstance(place, int) for place in places):
                raise Malformed("a pair of no two places")
            out += places  # type: ignore[arg-type]
    return out


def graph_from_json(graph: Any) -> tuple[dict[str, int], list[Node]]:
    """Reads a state as `jail/encode.py` writes it: variables, and nodes of a kind and its content.

    Raises:
        Malformed: it is none.
    """
    try:
        names = {str(name): int(index) for name, index in graph["names"].items()}
        return names, [_json_node(*node) for node in graph["nodes"]]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise Malformed("a state that is none") from None


def _json_node(kind: str, content: Any) -> Node:
    if kind == "atom":
        return Node("atom", from_json(content))
    if kind in ("module", "opaque"):
        return Node(kind, label=str(content))
    return Node(str(kind), parts=tuple(int(part) for part in content))
