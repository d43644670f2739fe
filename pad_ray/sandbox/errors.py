"""Errors of the sandbox. All survive pickling, so they cross process boundaries whole.

    SandboxError
    ├── SandboxUnavailable   this machine cannot confine programs well enough; nothing was run
    └── SandboxClosed        the sandbox was used outside its `with` block

What a program does wrong is never an exception: it is an `Execution` with a status.
"""

from __future__ import annotations


class SandboxError(Exception):
    """Base of the errors that the sandbox raises on purpose.

    Args:
        problem: what is wrong.
        mend: what can be done about it; empty when there is nothing to say.
    """

    def __init__(self, problem: str, mend: str = "") -> None:
        super().__init__(problem, mend)
        self.problem = problem
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.problem}. {self.mend}" if self.mend else self.problem


class SandboxUnavailable(SandboxError):
    """The machine lacks what the sandbox needs to confine programs; nothing was run."""


class SandboxClosed(SandboxError):
    """The sandbox is not open: it was used before `with` or after it."""
