"""Socratic CoT, iterative (arXiv 2212.00193): one student asks (QG), another answers (QA), turn by turn.

Both read the same lines, see `recipes.socratic`; each learns its own, which end with their line break. What a student
is asked at inference is to the letter what stood before its turn in training.

    Question: …                    read by both
    Subquestions: 2                guidance, read by QG
    Equation: 3 * 2                guidance, read by QG
    Subquestion: How much …?       learnt by QG
    Solution: They cost … #### 6   learnt by QA
    …
    Subquestion: none              learnt by QG: where it stops

Guidance tells QG what a solution will need: how many subquestions, and the equation of the next step. It comes from a
reference decomposition, at inference too, so that a guided QG measures what a plan is worth; without a reference the
lines are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.decompositions import Step
from pad_ray.recipes.base import Held, Lesson, Span
from pad_ray.recipes.socratic import SOLUTION, SUBQUESTION, parse_steps, render_solution
from pad_ray.recipes.socratic_unified import SocraticUnified

QG = "qg"
QA = "qa"
END = "none"

_NUMBER = "Subquestions:"
_EQUATION = "Equation:"
_LABELS = {QG: SUBQUESTION, QA: SOLUTION}


@dataclass(frozen=True, slots=True)
class Guidance:
    """What QG is told.

    Attributes:
        number: the number of subquestions.
        equation: the equation of the next step.
    """

    number: bool = False
    equation: bool = False

    def __bool__(self) -> bool:
        return self.number or self.equation

    @property
    def suffix(self) -> str:
        """What distinguishes the recipe's name: "_number", "_equation", "_guided" for both."""
        if self.number and self.equation:
            return "_guided"
        return "_number" if self.number else "_equation" if self.equation else ""


class SocraticIterative(SocraticUnified):
    """Two lessons a sample, of the tasks QG and QA. The teacher annotates by `socratic_unified`.

    `prompt` is what QG is asked first, without guidance; for the turns see `ask_prompt` and `answer_prompt`.

    Args:
        guidance: what QG is told.
    """

    annotator = "socratic_unified"
    stop: tuple[str, ...] = ("\n",)
    students: tuple[str, ...] = (QG, QA)

    def __init__(self, guidance: Guidance | None = None) -> None:
        self.guidance = guidance or Guidance()
        self.name = f"socratic_iterative{self.guidance.suffix}"

    def ask_prompt(self, question: str, steps: Sequence[Step] = (), plan: Sequence[Step] = ()) -> str:
        """What QG goes on from.

        Args:
            question: the problem's text.
            steps: those that were asked and answered.
            plan: steps of a reference, from which guidance comes; none where there is no reference.
        """
        lines = [f"Question: {question}\n", self._number(plan)]
        for place, step in enumerate(steps):
            lines += [self._equation(plan, place), f"{SUBQUESTION} {step.question}\n", render_solution(step)]
        return "".join([*lines, self._equation(plan, len(steps)), SUBQUESTION])

    def answer_prompt(self, question: str, steps: Sequence[Step], subquestion: str) -> str:
        """What QA goes on from, to answer a subquestion after the steps before it."""
        before = "".join(f"{SUBQUESTION} {step.question}\n{render_solution(step)}" for step in steps)
        return f"Question: {question}\n{before}{SUBQUESTION} {subquestion}\n{SOLUTION}"

    def lessons(self, question: str, held: Held) -> list[Lesson]:
        steps = parse_steps(held.text)
        if not all(step.solution or step.answer for step in steps):
            raise ValueError("a subquestion has no solution to be learnt")
        asked, answered = self.ask_prompt(question, (), steps), self.answer_prompt(question, (), steps[0].question)
        all_asked = self.ask_prompt(question, steps, steps) + f" {END}\n"
        all_answered = self.answer_prompt(question, steps[:-1], steps[-1].question)
        all_answered += render_solution(steps[-1]).removeprefix(SOLUTION)
        return [
            Lesson(asked, all_asked.removeprefix(asked), QG),
            Lesson(answered, all_answered.removeprefix(answered), QA),
        ]

    def learnt_spans(self, target: str, task: str | None = None) -> list[Span] | None:
        """The lines of the task's own turns, from behind their label to their line break; all of a text of no task."""
        return own_spans(target, task) if task else None

    def _number(self, plan: Sequence[Step]) -> str:
        return f"{_NUMBER} {len(plan)}\n" if self.guidance.number and plan else ""

    def _equation(self, plan: Sequence[Step], place: int) -> str:
        equation = plan[place].equation if self.guidance.equation and place < len(plan) else ""
        return f"{_EQUATION} {equation}\n" if equation else ""


def own_spans(target: str, task: str) -> list[Span]:
    """The characters of a target that its task's student writes; the first line, which follows the prompt, is its own.

    Raises:
        KeyError: a task that is neither QG nor QA.
    """
    label = re.escape(_LABELS[task])
    starts = [0, *(found.end() for found in re.finditer(rf"(?<=\n){label}", target))]
    ends = [target.find("\n", start) for start in starts]
    return [(start, end + 1 if end >= 0 else len(target)) for start, end in zip(starts, ends, strict=True)]
