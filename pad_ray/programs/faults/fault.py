"""What a fault is: its kind, its effect, and the few characters that it changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """How a program with the fault is meant to fail when it is run. The words are those of verdicts."""

    NAME_ERROR = "name_error"
    UNBOUND_LOCAL = "unbound_local"
    SYNTAX_ERROR = "syntax_error"
    WRONG_ANSWER = "wrong_answer"


class Kind(StrEnum):
    """What is done to the program. The list is closed."""

    RENAMED_USE = "renamed_use"  # a variable is read by a name that nothing has
    EARLY_USE = "early_use"  # a variable is read before it is assigned to
    STRUCTURE = "structure"  # a return at the margin, wrong indent, a missing colon, operand, operator or bracket
    OPERATOR = "operator"  # another operator
    OPERANDS = "operands"  # the two operands of one operator in the wrong order
    OPERAND = "operand"  # another variable
    CONSTANT = "constant"  # another number
    ORDER = "order"  # two statements in the wrong order, both of which can run


EFFECTS = {
    Kind.RENAMED_USE: Effect.NAME_ERROR,
    Kind.EARLY_USE: Effect.UNBOUND_LOCAL,
    Kind.STRUCTURE: Effect.SYNTAX_ERROR,
    **dict.fromkeys((Kind.OPERATOR, Kind.OPERANDS, Kind.OPERAND, Kind.CONSTANT, Kind.ORDER), Effect.WRONG_ANSWER),
}


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The characters from `start` to `end` (half open) of the right program become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in one program.

    Attributes:
        kind: what was done.
        program: the right program.
        faulty: the program with the fault, equal to the right one outside of `edits`.
        edits: what was changed, in the order of the text, without overlaps.
        place: where the first change is, from 0 (start of the function's body, or its header) to 1 (end of it).
    """

    kind: Kind
    program: str
    faulty: str
    edits: tuple[Edit, ...]
    place: float

    @property
    def effect(self) -> Effect:
        """How it is meant to fail."""
        return EFFECTS[self.kind]

    @property
    def line(self) -> int:
        """The line of the first change, from 1."""
        return self.program.count("\n", 0, self.edits[0].start) + 1


def apply(program: str, edits: Iterable[Edit]) -> str:
    """The program with the edits made."""
    for edit in sorted(edits, reverse=True):
        program = program[: edit.start] + edit.text + program[edit.end :]
    return program
