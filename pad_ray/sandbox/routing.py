"""What Monty is asked, what its answer means, and which answers only CPython can give.

Monty answers for itself where its answer is CPython's. The rest goes to CPython: modules and syntax that
Monty lacks, errors that may be its own shortcomings, values of which it does not say what they were. A
program that ran out of time or memory has had its chance and is not tried again.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from dataclasses import dataclass

from . import monty_wire as wire
from .execution import Execution, Program, Status, Tier, Value
from .limits import Limits
from .monty import Answer, Task
from .monty_wire import Event, Malformed, Raised
from .values import BadValue, Unclear, from_arena
from .words import words_of

INTERPRETER = f"monty {wire.VERSION.decode()}"

# Monty 1.4.0 rounds round(x, n) wrongly (2.675 to 2.68: it multiplies first). This writes the number with n
# digits, which is exact, and reads it back. Its names are its own, so that a program may shadow any of them;
# what it does not cover ends in a TypeError, which sends the program to CPython.
_ROUND = (
    b"round=(lambda r,f,t,i:lambda number,ndigits=None:r(number)if ndigits is None else"
    b"(f('%.*f'%(ndigits,number))if 0<=ndigits<400 else r())if t(number)is f and t(ndigits)is i else"
    b" r(number,ndigits))(round,float,type,int)"
)

MAX_MESSAGE = 500

# Errors that may be Monty's shortcoming rather than the program's fault.
_DOUBTS = "AttributeError ImportError ModuleNotFoundError NotImplementedError RecursionError RuntimeError TypeError"
_DOUBTED = frozenset(_DOUBTS.split())
_BUILTIN_NAMES = frozenset(dir(builtins)) | {"__file__", "__builtins__", "__doc__", "__spec__"}

_RUNS_TEXT = frozenset({"eval", "exec"})
_CONFUSABLE = "deque enumerate filter finditer for items iter itertools keys map reversed values zip"
# Words without which a list can only be a list. Monty hands a deque, a map or a generator over as one.
_NOT_LISTS = frozenset(_CONFUSABLE.split())
# Ways to learn that something is missing and go on: what Monty lacks would change the answer without a word.
_FEELERS = frozenset({"try", "except", "suppress", "hasattr", "getattr"})
# Functions that Monty 1.4.0 computes to another last bit than the C library that CPython calls, and some that are
# newer than Python 3.11.
_OTHERWISE = frozenset({"gamma", "lgamma", "cbrt", "erf", "erfc", "sumprod", "batched"})
# What depends on hashes: their values, and the order of a set, which in Monty is that of insertion.
_HASHED = frozenset({"hash", "__hash__", "frozenset", "set"})
_HARMLESS_SET = re.compile(r"\blen\(set\(|\b(?:isinstance|type)\([^()]*\bset\b")
_STRING = re.compile(r"\"{3}.*?\"{3}|'{3}.*?'{3}|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|#[^\n]*", re.DOTALL)
_BRACES = re.compile(r"\{([^{}]*)\}")
_WITHIN = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\blambda\b[^:]*:")
_BLOCKS = "elif else except finally for if match try while with"
_BLOCK_WORDS = frozenset(_BLOCKS.split())
_BLOCK_AT_TOP = re.compile(rf"^(?:{_BLOCKS.replace(' ', '|')})\b", re.MULTILINE)
# What makes integers beyond the range of floats. Divided by 0.0 they overflow in CPython, before the zero is seen.
_GROWS = re.compile(r"\*\*|<<|\*=|\bfactorial\b|\bprod\b|\bpow\b|\d{300}")
_NUMPY = re.compile(r"\b(?:np|numpy)\b")
_USELESS_NUMPY = re.compile(r"^import numpy(?: as np)?[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """CPython must answer; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How Monty is asked about a program: what it is fed, and what its answer must be read with."""

    program: Program
    task: Task
    code_bytes: int
    feed_number: int
    trust_lists: bool
    has_result: bool


def plan(
    program: Program, limits: Limits, trailer: str | None = None, words: frozenset[str] | None = None
) -> Plan | Elsewhere | Execution:
    """Decides how to run a program, from its text alone and in time linear in its length.

    Args:
        program: the program.
        limits: bounds on it.
        trailer: the expression to read after it, in place of its result.
        words: the words of its text, where they are known.
    """
    try:
        source = program.code.encode()
    except UnicodeEncodeError as error:
        return Execution(Status.SYNTAX_ERROR, error_class="SyntaxError", message=f"not Unicode text: {error.reason}")
    if len(source) > limits.code_kb << 10:
        return Execution(Status.UNSUPPORTED, message=f"a program of more than {limits.code_kb} KiB")
    code = program.code
    words = words_of(code) if words is None else words
    if (reason := _beyond_monty(code, words)) is not None:
        return Elsewhere(reason)
    source = _without_useless_import(code, source)
    trailer = trailer or _trailer(program)
    feed = source if trailer is None else b"%b\n%b" % (source, trailer.encode())
    rounds = "round" in words or not code.isascii() or not _RUNS_TEXT.isdisjoint(words)
    feeds = (_ROUND, feed) if rounds else (feed,)
    trust_lists = _NOT_LISTS.isdisjoint(words)
    return Plan(program, Task(feeds), len(source), len(feeds) - 1, trust_lists, trailer is not None)


def _beyond_monty(code: str, words: frozenset[str]) -> str | None:
    """Why Monty would answer where CPython does not, judged by the text."""
    if "\0" in code:
        return "a null character"
    if code.rstrip(" \t").endswith("\\") or "\f" in code:
        return "an odd end of line"
    if not _OTHERWISE.isdisjoint(words):
        return f"the function {min(_OTHERWISE & words)}"
    if not _FEELERS.isdisjoint(words):
        return "a program that may go on without what Monty lacks"
    if _depends_on_hashes(code, words):
        return "the order of a set"
    if "return" in words and _returns_at_top(code, words):
        return "a return outside of a function"
    return None


def _depends_on_hashes(code: str, words: frozenset[str]) -> bool:
    """Whether a program may use the order of a set or the value of a hash."""
    if not _HASHED.isdisjoint(words) and not _HASHED.isdisjoint(words_of(_HARMLESS_SET.sub("", code))):
        return True
    if "keys" in words and ("&" in code or "|" in code or "^" in code):
        return True
    if "{" not in code:
        return False
    text = _STRING.sub("''", code)
    for _ in range(5):
        if any(map(_is_set, _BRACES.findall(text))):
            return True
        text, found = _BRACES.subn("()", text)
        if not found:
            break
    return False


def _is_set(inside: str) -> bool:
    """Whether what stands between braces makes a set and not a dict."""
    if not inside.strip() or inside.lstrip().startswith("**"):
        return False
    for _ in range(5):
        inside = _WITHIN.sub("", inside)
    return ":" not in inside.replace(":=", "")


def _returns_at_top(code: str, words: frozenset[str]) -> bool:
    """Whether a return may stand outside of a function, where Monty takes it for the end of the program."""
    if code.startswith("return") or "\nreturn" in code:
        return True
    if _BLOCK_WORDS.isdisjoint(words) or not _BLOCK_AT_TOP.search(code):
        return False
    in_block = False
    for line in code.splitlines():
        if line[:1] not in (" ", "\t", "#", ""):
            in_block = _BLOCK_AT_TOP.match(line) is not None
        elif in_block and (word := line.split(maxsplit=1)[:1]):
            if word[0] in ("def", "class", "async"):
                in_block = False
            elif word[0].startswith("return"):
                return True
    return False


def _without_useless_import(code: str, source: bytes) -> bytes:
    """Blanks `import numpy as np` where the text never uses it, as zero-shot programs begin by habit."""
    if "import numpy" not in code:
        return source
    bare, imports = _USELESS_NUMPY.subn(lambda match: " " * len(match[0]), code)
    return bare.encode() if imports and not _NUMPY.search(bare) else source


def _trailer(program: Program) -> str | None:
    """The expression that gives the result; None when the text names no result."""
    if program.entry is not None:
        return f"{program.entry}()"
    words = words_of(program.code)
    named = [name for name in program.result_names if name in words]
    if len(named) < 2:
        return named[0] if named else None
    pick = "".join(f"g[{name!r}]if {name!r} in g else " for name in named)
    return f"(lambda g:{pick}{named[0]})(locals())"


@dataclass(slots=True)
class Finding:
    """What an answer says, before it is known who ran the program."""

    status: Status
    value: Value = None
    error_class: str | None = None
    message: str = ""
    line: int | None = None


def judge(asked: Plan, answer: Answer, protections: tuple[str, ...]) -> Execution | Elsewhere:
    """What Monty's answer means."""
    found = meaning(asked, answer, lambda body: from_arena(body, trust_lists=asked.trust_lists))
    if isinstance(found, Elsewhere):
        return found
    return Execution(
        found.status,
        found.value,
        found.error_class,
        found.message[:MAX_MESSAGE],
        found.line,
        answer.seconds,
        answer.seconds,
        Tier.MONTY,
        INTERPRETER,
        protections,
    )


def meaning(asked: Plan, answer: Answer, read: Callable[[bytes], Value]) -> Finding | Elsewhere:
    """What Monty's answer says. `read` reads the result where there is one."""
    event = answer.event
    if event is None:
        return Finding(answer.status or Status.CRASH, message=answer.message)
    try:
        if event.kind == wire.COMPLETE:
            if not asked.has_result:
                return Finding(Status.NO_RESULT, message=_nothing(asked.program))
            return Finding(Status.OK, read(event.body))
        if event.kind == wire.ERROR:
            return _error(asked.program, wire.raised(event.body, asked.feed_number))
        if event.kind in (wire.NAME, wire.CALL):
            return _undefined(asked, event)
    except BadValue as error:
        return Finding(Status.BAD_VALUE, message=str(error))
    except Unclear as error:
        return Elsewhere(str(error))
    except Malformed as error:
        return Finding(Status.CRASH, message=f"the worker answered nonsense: {error}")
    return Elsewhere("a module or a service of the operating system")


def _error(program: Program, error: Raised) -> Finding | Elsewhere:
    name, message = error.error_class, error.message
    line = _line_of_unbound(error, program.code) if name == "UnboundLocalError" else error.line
    line = None if line is None else min(line, program.code.count("\n") + 1)
    if not error.framed and name == "TimeoutError":
        return Finding(Status.TIMEOUT, message=message)
    if name == "MemoryError":
        return Finding(Status.OUT_OF_MEMORY, error_class=name, message=message, line=line)
    if name in _DOUBTED or message.startswith("pow()") or (name == "ZeroDivisionError" and _GROWS.search(program.code)):
        return Elsewhere(f"{name}: {message}"[:200])
    if name == "PermissionError":
        return Finding(Status.FORBIDDEN, error_class=name, message=message, line=line)
    if name in ("SyntaxError", "IndentationError", "TabError"):
        return Finding(Status.SYNTAX_ERROR, error_class=_syntax_class(message), message=message, line=line)
    return Finding(Status.ERROR, error_class=name, message=message, line=line)


def _line_of_unbound(error: Raised, code: str) -> int | None:
    """The line of an unbound variable. Monty 1.4.0 loses that of `x += 1`, or gives the one before it."""
    variable = re.search(r"'(\w+)'", error.message)
    if variable is None:
        return error.line
    lines = code.split("\n")
    if error.line is not None and error.line <= len(lines) and variable[1] in words_of(lines[error.line - 1]):
        return error.line
    found = re.search(rf"^[ \t]*{variable[1]}\s*[-+*/%&|^@<>]+=", code, re.MULTILINE)
    return code.count("\n", 0, found.end()) + 1 if found else error.line


def _syntax_class(message: str) -> str:
    """CPython's class for a syntax error, of which Monty has one only."""
    return "IndentationError" if "indent" in message.lower() else "SyntaxError"


def _undefined(asked: Plan, event: Event) -> Finding | Elsewhere:
    """A name that nothing defines."""
    program = asked.program
    name, start = wire.missing_name(event.kind, event.body)
    if start >= asked.code_bytes:
        return Finding(Status.NO_RESULT, message=_nothing(program))
    if name in _BUILTIN_NAMES:
        return Elsewhere(f"the builtin {name}")
    line = program.code.encode()[:start].count(b"\n") + 1
    return Finding(Status.ERROR, None, "NameError", f"name {name!r} is not defined", line)


def _nothing(program: Program) -> str:
    if program.entry is not None:
        return f"there is no {program.entry}()"
    return f"none of {', '.join(program.result_names)} is set"
