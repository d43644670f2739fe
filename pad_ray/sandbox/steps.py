"""Checking the next statement of a program that is still being written.

The text so far is closed where it stands, run from its beginning in a session of its own, and its variables
are looked at where the next statement would go. Programs are a few lines, so running them again is faster
than restoring a snapshot, and no candidate can leave anything behind for another.

What an unfinished text means, where it could mean several things:

* A block opener runs with an empty body. A `for` that is still being written runs all its passes, a `while` one
  pass, and a `try` catches what its handlers, not yet written, may catch.
* Within a function that takes no argument, the statements run by calling it; its variables are the state. A text
  without one is flat code, and the global variables are the state.
* Two branches with one fingerprint have the same variables of the same types and values, the same sharing among
  lists, and the same open block with the same state at its entry. They go on alike, whatever is written next. Where
  a variable holds what cannot be looked into, such as a function or an iterator, the text itself is in the
  fingerprint.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import layout as layouts
from .execution import Program, Status, Tier, Value
from .layout import Block, Layout, closing, extend
from .monty_wire import Malformed
from .routing import Finding
from .state import Node, State, graph_from_arena, graph_from_json, state_of
from .values import from_arena
from .words import words_of

_FUNCTION = re.compile(r"def\s+(\w+)\s*\(\s*\)")
# What a program can change without its variables showing it, and what Monty shows as the list that it is not.
_HIDING = """
Counter OrderedDict defaultdict deque enumerate exec filter finditer getcontext global iter itertools
localcontext locals map nonlocal random reversed setattr setcontext zip
"""
_HIDDEN = frozenset(_HIDING.split())
_GENERATOR = re.compile(r"\(.*\bfor\b")
_ATTRIBUTE = re.compile(r"\.\w+\s*=[^=]")
_NOT_AN_IMPORT = re.compile(r"^(?!\s*(?:import\b|from\b|#|$))", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What came of one candidate.

    Attributes:
        status: ok when the text so far parses and runs; else why not, as in `Execution`.
        error_class: the exception's class name, when one was raised.
        message: the exception's message.
        line: the line at fault, counted from the beginning of the prefix.
        values: the variables after the candidate that hold plain values.
        opaque: the names of the other variables.
        fingerprint: equal for two candidates, of any prefix, whose programs go on alike; empty unless ok.
        finished: a `return` ran, so the program has its result.
        value: that result.
        incomplete: the text ends within brackets, quotes or a joined line, or after a decorator: the statement may
            still be completed.
        blocks: the headers of the open blocks, outermost first.
        cpu_s: CPU seconds it took.
        tier: the interpreter that judged it; None when the text alone decided.
    """

    status: Status
    error_class: str | None = None
    message: str = ""
    line: int | None = None
    values: dict[str, Value] = field(default_factory=dict)
    opaque: tuple[str, ...] = ()
    fingerprint: str = ""
    finished: bool = False
    value: Value = None
    incomplete: bool = False
    blocks: tuple[str, ...] = ()
    cpu_s: float = 0.0
    tier: Tier | None = None

    @property
    def ok(self) -> bool:
        """The text so far parses and runs."""
        return self.status is Status.OK


@dataclass(frozen=True, slots=True)
class Look:
    """A text to run and to look into: closed, with the means to tell its variables from a result."""

    program: Program
    words: frozenset[str]
    token: str
    trailer: str


@dataclass(slots=True)
class Glimpse:
    """What a look found: variables, or a result, or why neither."""

    finding: Finding
    state: State | None = None
    cpu_s: float = 0.0
    tier: Tier | None = None


# Marks variables apart from what a program returns; no program ever sees it.
_TOKEN = secrets.token_hex(8)
_CAPTURE = f"({_TOKEN!r}, locals())"


def look_at(text: str, layout: Layout, words: frozenset[str]) -> Look:
    """How to run an unfinished text, of which these are the words, and see its variables."""
    function = _function(layout.blocks)
    if function is None:
        return Look(Program(text + closing(layout.blocks, ""), None, ()), words, _TOKEN, _CAPTURE)
    closed = text + closing(layout.blocks, "return " + _CAPTURE)
    return Look(Program(closed, function, ()), words, _TOKEN, f"{function}()")


def _function(blocks: tuple[Block, ...]) -> str | None:
    match = _FUNCTION.match(blocks[0].header) if blocks and blocks[0].indent == "" else None
    return match[1] if match else None


def read_arena(body: bytes, look: Look) -> tuple[Value, State | None]:
    """What Monty shows of a text that ran: its result, or its variables.

    Raises:
        Malformed: the bytes are none.
        BadValue: the result does not cross.
        Unclear: CPython must be asked.
    """
    root, nodes = graph_from_arena(body)
    parts = nodes[root].parts if root < len(nodes) and nodes[root].kind == "tuple" else ()
    if len(parts) == 2 and max(parts) < len(nodes) and nodes[parts[0]].value == look.token:
        return None, state_of(_variables(nodes, nodes[parts[1]]), nodes)
    return from_arena(body, trust_lists=False), None


def _variables(nodes: list[Node], space: Node) -> dict[str, int]:
    if space.kind != "dict" or any(part >= len(nodes) for part in space.parts):
        raise Malformed("variables that are none")
    pairs = zip(space.parts[::2], space.parts[1::2], strict=True)
    named = {str(nodes[name].value): place for name, place in pairs}
    return {name: place for name, place in named.items() if not name.startswith("__")}


def read_json(fields: dict[str, object]) -> State | None:
    """The variables that CPython shows of a text that ran; None when it gave a result.

    Raises:
        Malformed: they are none.
    """
    graph = fields.get("state")
    return None if graph is None else state_of(*graph_from_json(graph))


_TOO_LONG = Layout(whole=False)


class StepCheck:
    """The candidates of one prefix: looks to be run together, then verdicts from what they found."""

    def __init__(self, prefix: str, candidates: Sequence[str], longest: int) -> None:
        prefix = _ended(prefix)
        self._longest = longest
        before = extend(layouts.EMPTY, prefix[:longest])
        self._texts = [prefix + _ended(candidate) for candidate in candidates]
        self._layouts = [extend(before, text) if len(text) <= longest else _TOO_LONG for text in self._texts]
        # A prefix ends with a line, so no word lies across its end.
        self._words = [words_of(prefix) | words_of(candidate) for candidate in candidates]
        self.looks: list[Look] = []
        self._places: dict[str, int] = {}
        self._own: list[int | None] = []
        self._entries: list[int | None] = []
        for text, layout, words in zip(self._texts, self._layouts, self._words, strict=True):
            self._own.append(self._place(text, layout, words) if layout.whole else None)
            self._entries.append(self._entry(text, layout, words) if layout.whole else None)

    def _place(self, text: str, layout: Layout, words: frozenset[str]) -> int:
        """The place of the look at a text; equal texts share one."""
        if text not in self._places:
            self._places[text] = len(self.looks)
            self.looks.append(look_at(text, layout, words))
        return self._places[text]

    def _entry(self, text: str, layout: Layout, words: frozenset[str]) -> int | None:
        """The place of the look at the state in which the outermost open block was entered."""
        block = self._open_block(layout)
        if block is None:
            return None
        before = text[: block.start]
        return self._place(before, extend(layouts.EMPTY, before), words)

    @staticmethod
    def _open_block(layout: Layout) -> Block | None:
        inside = layout.blocks[1:] if _function(layout.blocks) else layout.blocks
        return inside[0] if inside else None

    def verdicts(self, glimpses: Sequence[Glimpse]) -> list[StepVerdict]:
        """The verdict on each candidate, given what the looks found, in their order."""
        return [self._verdict(place, glimpses) for place in range(len(self._texts))]

    def _verdict(self, place: int, glimpses: Sequence[Glimpse]) -> StepVerdict:
        layout, own = self._layouts[place], self._own[place]
        blocks = tuple(block.header for block in layout.blocks)
        if layout is _TOO_LONG:
            return StepVerdict(Status.UNSUPPORTED, message=f"a text of more than {self._longest} characters")
        if own is None:
            message = "the statement is not whole"
            return StepVerdict(Status.SYNTAX_ERROR, "SyntaxError", message, incomplete=True, blocks=blocks)
        glimpse = glimpses[own]
        found, state = glimpse.finding, glimpse.state
        lines = self._texts[place].count("\n") + 1
        return StepVerdict(
            found.status,
            found.error_class,
            found.message,
            None if found.line is None else min(found.line, lines),
            state.values if state else {},
            state.opaque if state else (),
            self._fingerprint(place, glimpses) if found.status is Status.OK else "",
            found.status is Status.OK and state is None,
            found.value,
            False,
            blocks,
            glimpse.cpu_s,
            glimpse.tier,
        )

    def _fingerprint(self, place: int, glimpses: Sequence[Glimpse]) -> str:
        text, layout, entry = self._texts[place], self._layouts[place], self._entries[place]
        state = glimpses[self._own[place] or 0].state
        block = self._open_block(layout)
        parts = ["returned" if state is None else "running"]
        if state is None:
            parts.append(repr(glimpses[self._own[place] or 0].finding.value))
            return _hash(parts)
        at_entry = state if entry is None else glimpses[entry].state
        function = layout.blocks[0] if _function(layout.blocks) else None
        head = text[: function.start] if function else ""
        clear = not (state.opaque or _hides(text, self._words[place]) or _NOT_AN_IMPORT.search(head))
        if at_entry is None or at_entry.opaque or not clear:
            return _hash([*parts, _plain(text), state.digest])
        parts += [function.header if function else "", _plain(head), at_entry.digest]
        if block is not None:
            parts += [state.digest, _plain(text[block.start :])]
        return _hash(parts)


def _ended(text: str) -> str:
    """A text whose last line is ended, for more comes after it."""
    return text if not text or text.endswith("\n") else text + "\n"


def _hides(text: str, words: frozenset[str]) -> bool:
    """Whether a program may have a state that its variables do not show."""
    if not _HIDDEN.isdisjoint(words):
        return True
    return ("for" in words and bool(_GENERATOR.search(text))) or bool(_ATTRIBUTE.search(text))


def _plain(text: str) -> str:
    """A text without its blank lines, full-line comments and trailing white space."""
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
