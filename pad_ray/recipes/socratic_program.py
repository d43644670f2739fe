"""Socratic reasoning as a program: each subquestion is a comment, each solution the lines below it.

    def solution():
        # How much do the pens cost?
        pens_cost = 3 * 2
        # How much is left?
        result = 10 - pens_cost
        return result

Sandbox, step beam and repair serve it as they serve `pad`. The form is ours; the decomposition is that of Socratic CoT
(arXiv 2212.00193).
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Mapping
from typing import Any

from pad_ray.decompositions import decomposition_of
from pad_ray.programs.annotations import program_of
from pad_ray.programs.values import Value
from pad_ray.recipes.base import Material
from pad_ray.recipes.forms import as_answer
from pad_ray.recipes.pad import Pad


class SocraticProgram(Pad):
    """Asked and taught as `pad`; a program without a subquestion is no target."""

    name = annotator = "socratic_program"
    material = Material.DECOMPOSITION
    worked_examples = "socratic"
    instruction = (
        "Write a Python function `solution()` without arguments that returns the answer to the question. Split the "
        "question into subquestions: write each as a comment, and below it the lines that answer it."
    )

    def target(self, solution: str) -> str:
        target = super().target(solution)
        if not subquestions_of(solution):
            raise ValueError("no comment of the program is a subquestion")
        return target

    def given(self, fields: Mapping[str, Any], answer: Value) -> str | None:
        """The problem's own program; else its decomposition, where calculator notes give the lines of its solutions."""
        if own := super().given(fields, answer):
            return own
        found = decomposition_of(fields, as_answer(answer))
        notes = [note for step in found.steps for note in step.notes] if found else []
        program = program_of("".join(f"<<{note}>>" for note in notes))
        if found is None or program is None or not found.steps[-1].notes:
            return None
        lines = iter(program.splitlines()[1:])
        body = []
        for step in found.steps:
            body += [f"    # {step.question}", *(next(lines) for _ in step.notes)]
        return "\n".join(["", *body, *lines]) + "\n"


def subquestions_of(program: str) -> list[str]:
    """The comments that are lines of their own and end in a question mark."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(program).readline):
            own_line = token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
            if own_line and token.string.rstrip().endswith("?"):
                found.append(token.string.lstrip("# ").strip())
    except (tokenize.TokenError, SyntaxError):
        pass  # what was read before the fault counts
    return found
