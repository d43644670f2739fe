"""A program to run and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

Value: TypeAlias = "int | float | str | bool | Decimal | Fraction | list[Value] | tuple[Value, ...] | None"


class Status(StrEnum):
    """What came of a program. The list is closed.

    The last three say nothing about the program: it may be judged again.
    """

    OK = "ok"
    SYNTAX_ERROR = "syntax_error"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    FORBIDDEN = "forbidden"
    NO_RESULT = "no_result"
    BAD_VALUE = "bad_value"
    UNSUPPORTED = "unsupported"
    CRASH = "crash"
    OVERLOAD = "overload"


class Tier(StrEnum):
    """The interpreter that ran a program."""

    MONTY = "monty"
    CPYTHON = "cpython"


RESULT_NAMES = ("ans", "answer", "result")


@dataclass(frozen=True, slots=True)
class Program:
    """Python source text and where its result is.

    Attributes:
        code: the source.
        entry: a function that takes no argument and returns the result; None for flat code.
        result_names: for flat code, global names that may hold the result; the first that is set counts.
    """

    code: str
    entry: str | None = "solution"
    result_names: tuple[str, ...] = RESULT_NAMES

    def __post_init__(self) -> None:
        for name in (self.entry, *self.result_names):
            if name is not None and not (name.isascii() and name.isidentifier()):
                raise ValueError(f"{name!r} is no name that a program could define")


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of running one program.

    Attributes:
        status: see `Status`.
        value: the result, when the status is ok. None is a value too.
        error_class: the exception's class name, when one ended the program.
        message: the exception's message, or why there is no value; at most 500 characters.
        line: the line of the program's text at fault, from 1; None when unknown.
        cpu_s: CPU seconds that the program took (Monty: as its worker reports).
        wall_s: seconds from its start to its end.
        tier: the interpreter that gave this answer; None when no tier ran it.
        interpreter: its name and version ("monty 1.4.0", "cpython 3.11.7").
        protections: names of what confined the program while it ran.
        suspicions: signs that the program may have altered the value reported for itself.
    """

    status: Status
    value: Value = None
    error_class: str | None = None
    message: str = ""
    line: int | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    tier: Tier | None = None
    interpreter: str = ""
    protections: tuple[str, ...] = ()
    suspicions: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """The program ended and gave a value."""
        return self.status is Status.OK

    @property
    def forged(self) -> bool:
        """The program may have altered the value reported for itself: leave it out of training data."""
        return bool(self.suspicions)
