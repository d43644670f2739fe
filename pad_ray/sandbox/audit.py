"""Asking CPython again about a share of Monty's answers, for the difference that nobody knows of yet."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field

from .execution import Execution, Program, Status

_logger = logging.getLogger(__name__)
_KEPT = 20
# Statuses that say how the machine was, not how the program is.
_PASSING = frozenset({Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.UNSUPPORTED, Status.CRASH, Status.OVERLOAD})


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A program whose value in Monty is not its value in CPython."""

    program: Program
    monty: Execution
    cpython: Execution


@dataclass(slots=True)
class Statistics:
    """What a sandbox has done since it was opened.

    Attributes:
        monty: programs that Monty answered.
        cpython: programs that CPython answered.
        restarts: workers that died, hung or had to be killed, and were replaced.
        audited: answers of Monty that were asked of CPython again.
        disagreements: the first of those in which the two differ.
    """

    monty: int = 0
    cpython: int = 0
    restarts: int = 0
    audited: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.monty + other.monty,
            self.cpython + other.cpython,
            self.restarts + other.restarts,
            self.audited + other.audited,
            [*self.disagreements, *other.disagreements][:_KEPT],
        )

    def compare(self, program: Program, monty: Execution, cpython: Execution) -> bool:
        """Counts an audit; False when the two differ, which is logged as well."""
        self.audited += 1
        if cpython.status in _PASSING or _same(monty, cpython):
            return True
        _logger.warning("Monty gave %r where CPython gave %s %r", monty.value, cpython.status, cpython.value)
        if len(self.disagreements) < _KEPT:
            self.disagreements.append(Disagreement(program, monty, cpython))
        return False


def _same(one: Execution, other: Execution) -> bool:
    return other.status is one.status and type(one.value) is type(other.value) and repr(one.value) == repr(other.value)


def drawn(share: float) -> bool:
    """Whether this answer is among the share to be audited."""
    return share > 0 and random.random() < share
