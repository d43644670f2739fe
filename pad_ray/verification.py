"""completion → program → execution → verdict against gold.

    with Verifier() as verifier:
        judgements = verifier.judge(completions, golds)

The sandbox gets programs only. Gold answers stay in this process, which alone compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from pad_ray.errors import DataError, PlacementError, StageError
from pad_ray.extractors import EXTRACTOR_VERSION
from pad_ray.programs.answers import Comparison, Gold, Mode, Outcome, compare, parse_gold
from pad_ray.programs.extract import ProgramText, extract
from pad_ray.programs.outline import RESULT_NAMES
from pad_ray.programs.values import Value, encode
from pad_ray.sandbox import (
    Execution,
    Limits,
    Program,
    Sandbox,
    SandboxClosed,
    SandboxError,
    SandboxUnavailable,
    Status,
)

__all__ = [
    "VERIFIER_VERSION",
    "Comparison",
    "Judgement",
    "Limits",
    "Mode",
    "Rules",
    "Verdict",
    "Verifier",
    "is_executable",
    "read_gold",
    "verdict_of",
]

# To be raised whenever the same completion and gold may get another verdict: a change in what is found as
# the program, in how it is run, in how answers are read or compared. A test over a table of cases reminds.
VERIFIER_VERSION = "1"
# The same of texts, whose extractors have a version of their own.
TEXT_VERIFIER_VERSION = "1"

_MAX_MESSAGE = 500


class Verdict(StrEnum):
    """What came of a completion. The list is closed; records, reports and recipes rely on it."""

    OK = "ok"
    WRONG_ANSWER = "wrong_answer"
    SYNTAX_ERROR = "syntax_error"
    NAME_ERROR = "name_error"
    UNBOUND_LOCAL = "unbound_local"
    RUNTIME_ERROR = "runtime_error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    FORBIDDEN = "forbidden"
    NO_PROGRAM = "no_program"
    NO_ANSWER = "no_answer"  # it ran, and set or returned nothing
    BAD_VALUE = "bad_value"  # it ran, and the value is of no use: a tuple where gold is a number, a function
    TEACHER_ERROR = "teacher_error"  # there is no completion
    SANDBOX_ERROR = "sandbox_error"  # crash, overload, no tier able to run it: to be judged again


_EXECUTED = frozenset({Verdict.OK, Verdict.WRONG_ANSWER, Verdict.NO_ANSWER, Verdict.BAD_VALUE})


def is_executable(verdict: Verdict) -> bool:
    """Whether the program ran to its end, whatever it gave: the numerator of the executable rate."""
    return verdict in _EXECUTED


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one completion and what it rests on.

    Attributes:
        verdict: see `Verdict`.
        value: what the program gave, as tagged text (programs/values.py).
        error_class: the class of the exception that ended the program.
        error: its message, or what is wrong with the value; at most 500 characters, never a word about gold.
        line: the line of `program` at fault, from 1.
        program: the program as it was run.
        forged: the program may have altered the value reported for itself; not to be learnt from.
        tier: the interpreter that ran it.
        cpu_s: CPU seconds it took.
        wall_s: seconds it took.
    """

    verdict: Verdict
    value: str | None = None
    error_class: str | None = None
    error: str | None = None
    line: int | None = None
    program: str | None = None
    forged: bool = False
    tier: str | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def columns(self, verifier: str) -> dict[str, Any]:
        """The columns of a record that say what was found, and by which version of the verifier."""
        return {
            "program": self.program,
            "verdict": str(self.verdict),
            "value": self.value,
            "error_class": self.error_class,
            "error": self.error,
            "line": self.line,
            "forged": self.forged,
            "tier": self.tier,
            "cpu_seconds": self.cpu_s,
            "verifier": verifier,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """All that a verdict depends on besides completion and gold.

    Attributes:
        comparison: how values are compared with gold.
        limits: what a program may use.
        benchmark: name and version of the evaluation set whose own comparison it is, such as `gsm_hard.1`; or empty.
        extractor: name of the extractor that finds the answer in a text; empty where a program is run for it.
        by_problem: rules of their own of the problems of several evaluation sets, by the problem's id.
    """

    comparison: Comparison = field(default_factory=Comparison)
    limits: Limits = field(default_factory=Limits)
    benchmark: str = ""
    extractor: str = ""
    by_problem: Mapping[str, Rules] = field(default_factory=dict, repr=False, hash=False)

    def of(self, problem_id: str) -> Rules:
        """The rules of one problem."""
        return self.by_problem.get(problem_id) or self.own

    @property
    def version(self) -> str:
        """Names the rules and the logic.

        "1-9f86d081", by the rule of a benchmark "1-gsm_hard.1-ab12cd34", of texts "text.1-strict.1-9f86d081".
        """
        if self.by_problem:
            several = sorted({self.own.version, *(rules.version for rules in self.by_problem.values())})
            return f"several-{hashlib.sha256(json.dumps(several).encode()).hexdigest()[:8]}"
        if self.extractor:
            logic = f"text.{TEXT_VERIFIER_VERSION}-{self.extractor}.{EXTRACTOR_VERSION}"
            settings = json.dumps(asdict(self.comparison), sort_keys=True)
        else:
            logic = VERIFIER_VERSION
            settings = json.dumps([asdict(self.comparison), asdict(self.limits)], sort_keys=True)
        parts = (logic, self.benchmark, hashlib.sha256(settings.encode()).hexdigest()[:8])
        return "-".join(filter(None, parts))

    @property
    def own(self) -> Rules:
        """Those of problems that have none of their own."""
        return replace(self, by_problem={}) if self.by_problem else self


class Verifier:
    """Judges completions; holds a sandbox while its `with` block is open. Thread-safe as the sandbox is.

    Raises:
        PlacementError: on entering, when this machine cannot confine programs.
    """

    def __init__(
        self,
        comparison: Comparison | None = None,
        limits: Limits | None = None,
        workers: int = 1,
        benchmark: str = "",
    ) -> None:
        self.rules = Rules(comparison or Comparison(), limits or Limits(), benchmark)
        self._sandbox = Sandbox(limits=self.rules.limits, workers=workers)

    @classmethod
    def by(cls, rules: Rules) -> Self:
        """A verifier that judges by these rules."""
        return cls(rules.comparison, rules.limits, benchmark=rules.benchmark).under(rules)

    def under(self, rules: Rules) -> Self:
        """The same verifier, with the same sandbox, that compares by other rules; it is open as long as this one."""
        other = copy(self)
        other.rules = rules
        return other

    @property
    def version(self) -> str:
        """Names all that verdicts depend on, see `Rules.version`."""
        return self.rules.version

    def __enter__(self) -> Self:
        try:
            self._sandbox.__enter__()
        except SandboxUnavailable as error:
            raise PlacementError(error.problem, error.mend) from error
        except SandboxError as error:
            raise StageError(error.problem, error.mend) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sandbox.__exit__(kind, error, trace)

    def judge(self, completions: Sequence[str | None], golds: Sequence[Value]) -> list[Judgement]:
        """Judge each completion against the gold answer at the same place.

        Args:
            completions: what the teacher or student wrote; None (it gave nothing) is a teacher_error.
            golds: strings and numbers as in a data set. Without gold (None) the verdict is ok for any value
                but None, so that a program can be run where the answer is not known.

        Returns:
            One judgement for each completion, in order. Trouble of the sandbox is the verdict sandbox_error.

        Raises:
            DataError: a gold answer that nothing can equal (not finite, empty, a list).
            StageError: used outside its `with` block.
            ValueError: not as many golds as completions.
        """
        if len(completions) != len(golds):
            raise ValueError(f"{len(completions)} completions, {len(golds)} gold answers")
        references = [read_gold(gold, place) for place, gold in enumerate(golds)]
        programs = [None if completion is None else extract(completion) for completion in completions]
        executions = iter(self._run([program for program in programs if program]))
        judgements = []
        for completion, program, gold in zip(completions, programs, references, strict=True):
            if completion is None:
                judgements.append(Judgement(Verdict.TEACHER_ERROR, error="there is no completion"))
            elif program is None:
                judgements.append(Judgement(Verdict.NO_PROGRAM, error="no program in the completion"))
            else:
                judgements.append(self._judge(program, next(executions), gold))
        return judgements

    def _run(self, programs: Sequence[ProgramText]) -> list[Execution]:
        try:
            return self._sandbox.run([Program(program.source, program.entry, RESULT_NAMES) for program in programs])
        except SandboxClosed as error:
            raise StageError(error.problem, error.mend) from error
        except (SandboxError, OSError) as error:
            return [Execution(Status.CRASH, message=str(error))] * len(programs)

    def _judge(self, program: ProgramText, execution: Execution, gold: Gold | None) -> Judgement:
        verdict = _verdict_of(execution)
        value, error = None, execution.message or None
        if execution.ok:
            verdict, error = _check_value(execution.value, gold, self.rules.comparison)
            try:
                value = encode(execution.value)
            except ValueError as problem:
                verdict, error = Verdict.BAD_VALUE, str(problem)
        return Judgement(
            verdict=verdict,
            value=value,
            error_class=execution.error_class,
            error=error[:_MAX_MESSAGE] if error else None,
            line=execution.line,
            program=program.source,
            forged=execution.forged,
            tier=str(execution.tier) if execution.tier else None,
            cpu_s=execution.cpu_s,
            wall_s=execution.wall_s,
        )


_BY_STATUS = {
    Status.SYNTAX_ERROR: Verdict.SYNTAX_ERROR,
    Status.ERROR: Verdict.RUNTIME_ERROR,
    Status.TIMEOUT: Verdict.TIMEOUT,
    Status.OUT_OF_MEMORY: Verdict.OUT_OF_MEMORY,
    Status.FORBIDDEN: Verdict.FORBIDDEN,
    Status.NO_RESULT: Verdict.NO_ANSWER,
    Status.BAD_VALUE: Verdict.BAD_VALUE,
    Status.UNSUPPORTED: Verdict.SANDBOX_ERROR,
    Status.CRASH: Verdict.SANDBOX_ERROR,
    Status.OVERLOAD: Verdict.SANDBOX_ERROR,
}
_BY_ERROR_CLASS = {
    "NameError": Verdict.NAME_ERROR,
    "UnboundLocalError": Verdict.UNBOUND_LOCAL,
    "SyntaxError": Verdict.SYNTAX_ERROR,
    "IndentationError": Verdict.SYNTAX_ERROR,
    "TabError": Verdict.SYNTAX_ERROR,
    "MemoryError": Verdict.OUT_OF_MEMORY,
}


def verdict_of(execution: Execution, gold: Gold | None, comparison: Comparison) -> Verdict:
    """The verdict on a program that was run as it stands; without gold any value but None is ok."""
    if execution.ok:
        return _check_value(execution.value, gold, comparison)[0]
    return _verdict_of(execution)


def _verdict_of(execution: Execution) -> Verdict:
    """The verdict on an execution that gave no value."""
    if execution.status is Status.ERROR:
        return _BY_ERROR_CLASS.get(execution.error_class or "", Verdict.RUNTIME_ERROR)
    return _BY_STATUS.get(execution.status, Verdict.SANDBOX_ERROR)


def _check_value(value: Value, gold: Gold | None, comparison: Comparison) -> tuple[Verdict, str | None]:
    """The verdict on a value and, for one that is of no use, why."""
    if value is None:
        return Verdict.NO_ANSWER, "the program returns None"
    if gold is None:
        return Verdict.OK, None
    outcome = compare(value, gold, comparison)
    if outcome is Outcome.UNFIT:
        return Verdict.BAD_VALUE, f"the value is a {type(value).__name__}, not a finite number"
    return (Verdict.OK if outcome is Outcome.EQUAL else Verdict.WRONG_ANSWER), None


def read_gold(gold: Value, place: int) -> Gold | None:
    """A gold answer as it is compared; None where there is none.

    Raises:
        DataError: nothing can equal it; its place is named.
    """
    if gold is None:
        return None
    if isinstance(gold, list | tuple):
        raise DataError(f"gold answer {place}: a {type(gold).__name__}", "Give a number or a string.")
    try:
        return parse_gold(gold)
    except ValueError as error:
        raise DataError(f"gold answer {place}: {error}") from error
