"""The two channels between the host and the confined side, as both ends see them.

Control: the host asks the warden for workers. One JSON message a packet (`SOCK_SEQPACKET`), with the worker's
socket riding along; both ends are ours, and no program ever holds a descriptor of it.

Programs: the host sends requests to a zygote and reads replies, frames of a 4-byte length and a body. The
body of a reply carries bytes that an untrusted program wrote: the host parses them as such (`cpython.py`).
"""

from __future__ import annotations

import struct

LENGTH = struct.Struct("<I")
ID_BYTES = 16

# id, how the program's process ended, CPU microseconds, wall microseconds
REPLY = struct.Struct(f"<{ID_BYTES}sBQQ")

ENDED, KILLED_CPU, KILLED_WALL, DIED, OVERFLOWED, NOT_STARTED = range(6)

# What a program's process writes: records of type and length.
RECORD = struct.Struct("<cI")
RESULT, ALARM = b"R", b"A"
MAX_RECORDS_BYTES = 69_632

MAX_CONTROL_BYTES = 65_536


def frame(body: bytes) -> bytes:
    """A body with its length before it."""
    return LENGTH.pack(len(body)) + body
