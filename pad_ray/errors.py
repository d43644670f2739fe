"""Errors of pad-ray. All hang from one base and survive pickling, so they cross Ray processes whole.

    PadRayError             exit code 1: the run failed
    ├── InputError          exit code 2: what the user gave cannot be used
    │   ├── ConfigError     a setting: unknown key, wrong type, impossible value
    │   ├── DataError       a file of problems, completions or examples
    │   └── ModelError      a model name or folder that is no model
    ├── PlacementError      exit code 2: the machine or cluster cannot place what the run asks for
    ├── TeacherError        exit code 2: the teacher stopped answering, or the money for it is spent
    ├── EngineError         a model that writes step by step could not answer
    │   └── EngineLost      it died at work; another one may answer
    └── StageError          a stage started and could not finish

A failure of one row is never an exception: it is a row with a verdict.
"""

from __future__ import annotations

UNREACHABLE_FLAG = "--allow-unreachable"  # the command's word for: leave samples that were bought unused


class PadRayError(Exception):
    """Base of all errors that pad-ray raises on purpose.

    Args:
        problem: what is wrong, naming the place ("problems.jsonl, line 3: field `answer` is missing").
        mend: what the user can do about it; empty when there is nothing to say.
    """

    exit_code = 1

    def __init__(self, problem: str, mend: str = "") -> None:
        super().__init__(problem, mend)
        self.problem = problem
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.problem}. {self.mend}" if self.mend else self.problem


class InputError(PadRayError):
    """What the user gave cannot be used."""

    exit_code = 2


class ConfigError(InputError):
    """A setting is unknown, of the wrong type, or impossible."""


class DataError(InputError):
    """A data file is missing, malformed, or lacks what the task needs."""


class ModelError(InputError):
    """A model name or folder does not lead to a model."""


class PlacementError(PadRayError):
    """The machine or cluster can never place what the run asks for."""

    exit_code = 2


class TeacherError(PadRayError):
    """The teacher stopped answering, or the money for it is spent; what it answered is kept."""

    exit_code = 2


class EngineError(PadRayError):
    """A model that writes step by step could not answer."""


class EngineLost(EngineError):
    """The model's process died at work, and no other one took over; the same may be asked again."""


class StageError(PadRayError):
    """A stage started and could not finish."""
