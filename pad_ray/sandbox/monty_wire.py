"""The wire protocol of Monty 1.4's worker (`monty subprocess`), as far as the sandbox speaks it.

Frames of a 4-byte little-endian length and a protobuf message: requests in, events out, exactly one event
that ends the turn for each request, any number of print events before it. The sandbox speaks it itself rather
than through `pydantic_monty`, for three reasons: many programs can be in flight at once; the worker's answer
is parsed with our bounds, no larger than what a caller may receive; and every reply carries the request's
random id, for the worker echoes the session's `max_suspensions` in each event, a number that this client has
no other use for.

Everything an event holds may have been written by a hostile program: parsing raises `Malformed` and nothing
else.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .jail.clock import CLOCK_SECONDS
from .limits import Limits

VERSION = b"1.4.0"
PROTOCOL = 6

# Kinds of event (the field numbers of ChildEvent)
PRINT, CALL, OS_CALL, NAME, FUTURES, COMPLETE, ERROR, TYPING, DUMP, DONE, FATAL = range(1, 12)
SUSPENSIONS = frozenset({CALL, OS_CALL, NAME, FUTURES})

_MICROS, _ECHO = 24, 22
_DOUBLE = struct.Struct("<d")
_FRAME = struct.Struct("<I")


class Malformed(Exception):
    """Bytes that are no event of this protocol."""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _framed(message: bytes) -> bytes:
    return _FRAME.pack(len(message)) + message


RESET = _framed(_bytes(9, b""))


# A session's number always has this bit, so that its encoding always has nine bytes.
_IDENTITY_BIT = 1 << 62


def identities() -> Iterator[int]:
    """Random numbers for sessions, without end."""
    while True:
        drawn = os.urandom(4096)
        for at in range(0, len(drawn), 8):
            yield _IDENTITY_BIT | int.from_bytes(drawn[at : at + 8], "little") & (_IDENTITY_BIT - 1)


class Session:
    """Writes the request that opens one kind of session; what all sessions share is encoded once."""

    def __init__(self, limits: Limits, seconds: float) -> None:
        before = _number(2, limits.monty_memory_mb << 20) + _number(4, limits.recursion) + _varint(5 << 3)
        after = _number(6, int(seconds * 1e6))
        clock = _bytes(3, _number(1, CLOCK_SECONDS))
        policy = clock + _bytes(4, _bytes(1, b"")) + _bytes(5, _bytes(3, b"")) + _bytes(8, _bytes(1, b"\0"))
        # Field 6 is 0 for no notes on failed asserts: CPython makes none.
        tail = _bytes(5, VERSION) + _number(6, 0) + _number(9, PROTOCOL) + _bytes(11, policy)
        mark = b"\0" * 9
        whole = _framed(_bytes(1, _bytes(1, b"program") + _bytes(2, before + mark + after) + tail))
        self._before, self._after = whole.split(mark)

    def configure(self, identity: int) -> bytes:
        """Opens a session that echoes `identity` in every event."""
        number = bytes([identity >> shift & 0x7F | 0x80 for shift in range(0, 56, 7)]) + bytes([identity >> 56])
        return self._before + number + self._after


def feed(code: bytes) -> bytes:
    """Runs source text in the session."""
    return _framed(_bytes(3, _bytes(1, code) + b"\x1a\x00*\x01/"))


Field = tuple[int, "int | bytes | float"]


def fields(data: bytes) -> list[Field]:
    """The fields of a message, in order.

    Raises:
        Malformed: the bytes are no protobuf message.
    """
    out: list[Field] = []
    at, end = 0, len(data)
    try:
        while at < end:
            key = data[at]
            at += 1
            if key >= 0x80:
                key, at = _read_varint(data, at - 1)
            wire = key & 7
            if wire == 2 or wire == 0:
                value = data[at]
                at += 1
                if value >= 0x80:
                    value, at = _read_varint(data, at - 1)
                if wire == 0:
                    out.append((key >> 3, value))
                    continue
                if at + value > end:
                    raise Malformed("a field longer than its message")
                out.append((key >> 3, data[at : at + value]))
                at += value
            elif wire == 1:
                out.append((key >> 3, _DOUBLE.unpack_from(data, at)[0]))
                at += 8
            else:
                raise Malformed(f"wire type {wire}")
    except (IndexError, struct.error):
        raise Malformed("a message cut short") from None
    return out


def arena(body: bytes) -> tuple[int, list[Field]]:
    """The body of a COMPLETE event: the place of the result, and all nodes as kind and content.

    Raises:
        Malformed: the bytes are none.
    """
    root, packed = 0, b""
    for field, value in fields(body):
        if field == 1 and isinstance(value, int):
            root = value
        elif field == 2 and isinstance(value, bytes):
            packed = value
    nodes = _nodes(packed)
    if not 0 <= root < len(nodes):
        raise Malformed("a result that is not there")
    return root, nodes


def _nodes(packed: bytes) -> list[Field]:
    """`fields` over the nodes of an arena at once, for this is where the time goes."""
    out: list[Field] = []
    at, end = 0, len(packed)
    try:
        while at < end:
            tag, size, at = packed[at], packed[at + 1], at + 2
            if size >= 0x80:
                size, at = _read_varint(packed, at - 1)
            if tag != 0x12:
                if tag != 0x08:
                    raise Malformed("an arena of something else")
                continue
            key, stop, at = packed[at], at + size, at + 1
            if key >= 0x80:
                key, at = _read_varint(packed, at - 1)
            wire = key & 7
            if wire == 1:
                out.append((key >> 3, _DOUBLE.unpack_from(packed, at)[0]))
                at += 8
            else:
                value, at = packed[at], at + 1
                if value >= 0x80:
                    value, at = _read_varint(packed, at - 1)
                if wire == 2:
                    out.append((key >> 3, packed[at : at + value]))
                    at += value
                elif wire == 0:
                    out.append((key >> 3, value))
            if at != stop or stop > end:
                raise Malformed("a node that is not one value")
    except (IndexError, struct.error):
        raise Malformed("an arena cut short") from None
    return out


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
        if shift > 63:
            raise Malformed("a number longer than 64 bits")


@dataclass(slots=True)
class Event:
    """What ended a turn: its kind, its body, the echoed id and the seconds that the feed ran."""

    kind: int
    body: bytes
    identity: int
    seconds: float


def event(data: bytes) -> Event:
    """Reads one event.

    Raises:
        Malformed: the bytes are none.
    """
    kind, body, identity, micros = 0, b"", 0, 0
    for field, value in fields(data):
        if field < 20:
            if not isinstance(value, bytes):
                raise Malformed("an event of a number")
            kind, body = field, value
        elif isinstance(value, int):
            if field == _ECHO:
                identity = value
            elif field == _MICROS:
                micros = value
    if not PRINT <= kind <= FATAL:
        raise Malformed(f"an event of kind {kind}")
    return Event(kind, body, identity, micros / 1e6)


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that ended a program: class, message, and the line in the given feed, if it has one."""

    error_class: str
    message: str
    line: int | None
    framed: bool


def raised(body: bytes, feed_number: int) -> Raised:
    """Reads the body of an ERROR event.

    Raises:
        Malformed: the bytes are none.
    """
    name, message, line, framed = "", "", None, False
    script = f"<python-input-{feed_number}>".encode()
    for outer, value in fields(_whole(body)):
        if outer != 1:
            continue
        for field, part in fields(_whole(value)):
            if field == 1:
                name = _text(part)
            elif field == 2:
                message = _text(part)
            elif field == 3:
                framed = True
                line = _frame_line(_whole(part), script, line)
    return Raised(name.rpartition(".")[2], message, line, framed)


def _frame_line(frame: bytes, script: bytes, above: int | None) -> int | None:
    """The line of a frame in the script; the line above it for a text that `exec` runs; None when Monty lost it."""
    name, line = b"", None
    for field, value in fields(frame):
        if field == 1:
            name = _whole(value)
        elif field == 2:
            line = next((number for key, number in fields(_whole(value)) if key == 1), None)
    if name != script:
        return above if name.startswith(b"<") else None
    return line if isinstance(line, int) else None


def missing_name(kind: int, body: bytes) -> tuple[str, int]:
    """The name in a NAME or CALL event that nothing defines, and where in the feed it stands, in bytes.

    Raises:
        Malformed: the bytes are none.
    """
    name, start, place = "", 0, 3 if kind == NAME else 8
    for field, value in fields(body):
        if field == 1:
            name = _text(value)
        elif field == place:
            start = next((number for key, number in fields(_whole(value)) if key == 2 and isinstance(number, int)), 0)
    return name, start


def _whole(value: int | bytes | float) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("a number where a message should be")
    return value


def _text(value: int | bytes | float) -> str:
    return _whole(value).decode("utf-8", "replace")
