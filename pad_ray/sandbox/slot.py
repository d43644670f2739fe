"""One worker of each kind, lent to one thread at a time: Monty first, CPython for what Monty cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .audit import Statistics, drawn
from .cpython import Outcome, ZygoteLane
from .errors import SandboxUnavailable
from .execution import Execution, Program, Status, Tier
from .limits import Layer, Limits
from .monty import Answer, MontyLane
from .monty_wire import Malformed
from .routing import MAX_MESSAGE, Elsewhere, Finding, Plan, judge, meaning, plan
from .steps import Glimpse, Look, read_arena, read_json
from .values import from_json
from .warden import Warden

_HEAVY_MODULES = ("numpy", "sympy", "dateutil", "mpmath")
_STATUSES = {status.value: status for status in Status}


class Slot:
    """A Monty worker and two zygotes, the latter started when first needed.

    Args:
        warden: starts and buries their processes.
        limits: bounds on each program.
        layers: the layers of confinement wanted.
        tiers: the interpreters wanted.
        monty: the path of Monty's binary.
        audit: the share of Monty's answers to ask CPython for again.
    """

    def __init__(
        self,
        warden: Warden,
        limits: Limits,
        layers: frozenset[Layer],
        tiers: frozenset[Tier],
        monty: str,
        audit: float = 0.0,
    ) -> None:
        self._limits = limits
        self._audit = audit
        self._statistics = Statistics()
        self._monty = MontyLane(warden, limits, layers, monty) if Tier.MONTY in tiers else None
        # CPython itself confines nothing: without the filter it is not run.
        self._can_fork = Tier.CPYTHON in tiers and Layer.SECCOMP in layers
        self._light = ZygoteLane(warden, limits, layers, "light")
        self._heavy = ZygoteLane(warden, limits, layers, "heavy")

    @property
    def statistics(self) -> Statistics:
        """What this slot has done."""
        lanes = (self._monty, self._light, self._heavy)
        return replace(self._statistics, restarts=sum(lane.restarts for lane in lanes if lane is not None))

    def start(self, warm: bool = False) -> None:
        """Starts the first worker, or all of them.

        Raises:
            SandboxUnavailable: one could not be confined.
        """
        if self._monty is not None:
            self._monty.start()
        elif not self._can_fork:
            raise SandboxUnavailable("the CPython tier is never run without seccomp")
        if self._can_fork and (warm or self._monty is None):
            self._light.start()
        if self._can_fork and warm:
            self._heavy.start()

    def stop(self) -> None:
        """Kills the workers."""
        for lane in (self._monty, self._light, self._heavy):
            if lane is not None:
                lane.stop()

    def run(self, programs: Sequence[Program]) -> list[Execution]:
        """Runs programs and returns what came of them in order."""
        planned = [plan(program, self._limits) for program in programs]
        answers = self._ask_monty(planned)
        executions = []
        for program, asked, answer in zip(programs, planned, answers, strict=True):
            found = asked if answer is None or not isinstance(asked, Plan) else self._judged(asked, answer)
            if not isinstance(found, Execution):
                found = self._run_cpython(program, found)
            elif found.status is Status.OK and self._can_fork and drawn(self._audit):
                found = self._audited(program, found)
            executions.append(found)
        return executions

    def _audited(self, program: Program, monty: Execution) -> Execution:
        """CPython's execution where the two differ, Monty's where they agree."""
        cpython = self._run_cpython(program, Elsewhere("an audit"))
        return monty if self._statistics.compare(program, monty, cpython) else cpython

    def look(self, looks: Sequence[Look]) -> list[Glimpse]:
        """Runs unfinished texts and returns what is to be seen of them in order."""
        planned = [plan(look.program, self._limits, look.trailer, look.words) for look in looks]
        answers = self._ask_monty(planned)
        return [self._glimpse(look, asked, answer) for look, asked, answer in zip(looks, planned, answers, strict=True)]

    def _ask_monty(self, planned: Sequence[Plan | Elsewhere | Execution]) -> list[Answer | None]:
        """Monty's answers to the plans among these; None for the others, and for all without a Monty tier."""
        answers: list[Answer | None] = [None] * len(planned)
        if self._monty is not None:
            places = [place for place, asked in enumerate(planned) if isinstance(asked, Plan)]
            tasks = [asked.task for asked in planned if isinstance(asked, Plan)]
            for place, answer in zip(places, self._monty.run(tasks), strict=True):
                answers[place] = answer
        return answers

    def _judged(self, asked: Plan, answer: Answer) -> Execution | Elsewhere:
        found = judge(asked, answer, self._monty.protections if self._monty else ())
        self._statistics.monty += isinstance(found, Execution)
        return found

    def _run_cpython(self, program: Program, why: Plan | Elsewhere) -> Execution:
        lane = self._lane(program)
        outcome = self._fork(lane, program, why, None)
        return _execution(outcome, lane)

    def _lane(self, program: Program) -> ZygoteLane:
        return self._heavy if any(module in program.code for module in _HEAVY_MODULES) else self._light

    def _fork(self, lane: ZygoteLane, program: Program, why: Plan | Elsewhere, token: str | None) -> Outcome:
        reason = why.reason if isinstance(why, Elsewhere) else "Monty is not among the tiers"
        if not self._can_fork:
            return Outcome(Status.UNSUPPORTED, f"only CPython could run it: {reason}")
        self._statistics.cpython += 1
        try:
            return lane.run(program, token)
        except SandboxUnavailable as error:
            return Outcome(Status.UNSUPPORTED, f"only CPython could run it ({reason}): {error}")

    def _glimpse(self, look: Look, asked: Plan | Elsewhere | Execution, answer: Answer | None) -> Glimpse:
        state = None
        if isinstance(asked, Execution):
            return Glimpse(Finding(asked.status, None, asked.error_class, asked.message))
        why: Plan | Elsewhere = asked
        if isinstance(asked, Plan) and answer is not None:

            def read(body: bytes) -> Any:
                nonlocal state
                value, state = read_arena(body, look)
                return value

            found = meaning(asked, answer, read)
            if not isinstance(found, Elsewhere):
                return Glimpse(found, state, answer.seconds, Tier.MONTY)
            why = found
        outcome = self._fork(self._lane(look.program), look.program, why, look.token)
        return _glimpse(outcome)


def _finding(outcome: Outcome) -> Finding:
    """What a program's process says came of it, believed as far as its form allows."""
    if outcome.status is not None:
        return Finding(outcome.status, message=outcome.message)
    fields = outcome.fields or {}
    try:
        status = _STATUSES[fields["s"]]
        value = from_json(fields.get("v")) if status is Status.OK else None
    except (KeyError, TypeError, Malformed):
        outcome.alarms = (*outcome.alarms, "result channel")
        return Finding(Status.CRASH, message="a result that is none")
    line, message, error_class = fields.get("l"), fields.get("m"), fields.get("c")
    return Finding(
        status,
        value,
        _clean(error_class)[:100] if isinstance(error_class, str) else None,
        _clean(message) if isinstance(message, str) else "",
        line if isinstance(line, int) and 0 < line < 1 << 20 else None,
    )


def _clean(text: str) -> str:
    """Text that every encoder takes: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _execution(outcome: Outcome, lane: ZygoteLane) -> Execution:
    found = _finding(outcome)
    unsupported = found.status is Status.UNSUPPORTED
    return Execution(
        found.status,
        found.value,
        found.error_class,
        found.message[:MAX_MESSAGE],
        found.line,
        outcome.cpu_s,
        outcome.wall_s,
        None if unsupported else Tier.CPYTHON,
        "" if unsupported else lane.interpreter,
        () if unsupported else lane.protections,
        outcome.alarms,
    )


def _glimpse(outcome: Outcome) -> Glimpse:
    found = _finding(outcome)
    try:
        state = read_json(outcome.fields or {}) if found.status is Status.OK else None
    except Malformed as error:
        return Glimpse(Finding(Status.CRASH, message=str(error)), None, outcome.cpu_s, Tier.CPYTHON)
    return Glimpse(found, state, outcome.cpu_s, Tier.CPYTHON)
