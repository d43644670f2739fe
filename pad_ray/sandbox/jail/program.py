"""Running one program, in the process that was forked for it and ends with it."""

from __future__ import annotations

import builtins
import gc
import json
import os
import sys
from typing import Any, NoReturn

from . import wire
from .confine import limit_program
from .encode import BadValue, encode, encode_state
from .modules import Forbidden, Sink, Unavailable, seed
from .namespaces import die_with_parent
from .seccomp import Filter

FILENAME = "<program>"
DESCRIPTOR = 3
_MESSAGE = 500

# Taken before a program can replace them.
_write, _exit, _dumps, _getframe = os.write, os._exit, json.dumps, sys._getframe
_type, _tuple = type, tuple

# What no honest program does by itself; libraries do some of it on its behalf.
_ALARMS = """
code.__new__ ctypes. function.__new__ gc.get_ marshal. object.__delattr__ object.__getattr__
object.__setattr__ open os. pickle. shutil. signal. socket. subprocess. sys._current sys._getframe
sys.addaudithook sys.excepthook sys.setprofile sys.settrace tempfile.
"""
_ALARMING = tuple(_ALARMS.split())

Request = dict[str, Any]


def run(request: Request, filter: Filter, own_memory: int) -> NoReturn:
    """Confines this process for one program, runs it, writes what came of it, and ends the process."""
    identity = bytes.fromhex(request["id"])
    die_with_parent()
    limit_program(own_memory + (int(request["memory"]) << 20), float(request["cpu"]))
    sys.stdout = sys.stderr = Sink(request["output"])
    sys.stdin = None
    seed()
    filter.install()
    _watch()
    before = dict(builtins.__dict__)
    outcome = _outcome(request)
    if before != builtins.__dict__:
        _alarm("builtins")
    _record(wire.RESULT, identity + outcome.encode("utf-8", "replace"))
    _exit(0)


def _record(kind: bytes, body: bytes) -> None:
    _write(DESCRIPTOR, wire.RECORD.pack(kind, len(body)) + body)


def _alarm(name: str) -> None:
    _record(wire.ALARM, name.encode("utf-8", "replace")[:100])


def _watch() -> None:
    """Reports at once, where it cannot be taken back, what a program does to look behind the scenes."""
    told: set[str] = set()
    busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy or not event.startswith(_ALARMING) or event in told:
            return
        busy = True
        try:
            if _getframe(1).f_code.co_filename in (FILENAME, "<string>"):
                told.add(event)
                _alarm(event)
        finally:
            busy = False

    sys.addaudithook(hook)


def _outcome(request: Request) -> str:
    space: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    try:
        code = compile(request["code"], FILENAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError, UnicodeError) as error:
        return _failure("syntax_error", error, getattr(error, "lineno", None))
    try:
        exec(code, space)
        if request["entry"] is not None:
            if request["entry"] not in space:
                return _dumps({"s": "no_result", "m": f"there is no {request['entry']}()"})
            value = space[request["entry"]]()
            if request["token"] is not None and _type(value) is _tuple and value[:1] == (request["token"],):
                return f'{{"s": "ok", "state": {encode_state(value[1])}}}'
        elif request["token"] is not None:
            return f'{{"s": "ok", "state": {encode_state(space)}}}'
        else:
            found = [name for name in request["names"] if name in space]
            if not found:
                return _dumps({"s": "no_result", "m": f"none of {', '.join(request['names'])} is set"})
            value = space[found[0]]
        return f'{{"s": "ok", "v": {encode(value)}}}'
    except BadValue as error:
        return _dumps({"s": "bad_value", "m": str(error)[:_MESSAGE]})
    except MemoryError as error:
        # What filled the memory hangs on the frames; the report needs some of it.
        line, error.__traceback__ = _line(error), None
        space.clear()
        gc.collect()
        return _failure("out_of_memory", error, line)
    except (Forbidden, PermissionError) as error:
        return _failure("forbidden", error)
    except Unavailable as error:
        return _failure("unsupported", error)
    except BaseException as error:
        return _failure("error", error)


def _failure(status: str, error: BaseException, line: int | None = None) -> str:
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)[:_MESSAGE]
    except BaseException:
        message = ""
    return _dumps({"s": status, "c": type(error).__name__[:100], "m": message, "l": line or _line(error)})


def _line(error: BaseException) -> int | None:
    """The last line of the program itself on the way to the error."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILENAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
