"""The form that the Socratic recipes share: subquestions and solutions in turn (arXiv 2212.00193).

    Question: Ann buys 3 pens for 2 dollars each, and has 10 dollars. How much is left?
    Subquestion: How much do the pens cost?
    Solution: They cost 3 * 2 = 6 dollars. #### 6
    Subquestion: How much is left?
    Solution: There are 10 - 6 = 4 dollars left. #### 4

A turn is one line. Each solution ends in its partial answer, the last of which is the problem's. Where a data set
has no solutions (StrategyQA, whose facts stand before the question) subquestions follow each other, and only the last
has a solution, which is its answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from pad_ray.decompositions import Step

SUBQUESTION = "Subquestion:"
SOLUTION = "Solution:"
MARK = "####"


def render_steps(steps: Sequence[Step]) -> str:
    """The lines of the form, each with its line break."""
    return "".join(f"{SUBQUESTION} {_line(step.question)}\n{render_solution(step)}" for step in steps)


def render_solution(step: Step) -> str:
    """The line of a solution; empty where a step has neither solution nor answer."""
    answer = f"{MARK} {_line(step.answer)}" if step.answer else ""
    written = " ".join(filter(None, (_line(step.solution), answer)))
    return f"{SOLUTION} {written}\n" if written else ""


def parse_steps(text: str) -> list[Step]:
    """The steps of a text in the form; what stands before the first subquestion is left out.

    A line that begins no turn goes on with the one before it.

    Raises:
        ValueError: no subquestion, an empty one, two solutions in a row, or no answer behind the last solution.
    """
    turns: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        label = next((label for label in (SUBQUESTION, SOLUTION) if line.lstrip().startswith(label)), None)
        if label:
            turns.append((label, [line.lstrip().removeprefix(label)]))
        elif turns:
            turns[-1][1].append(line)
    steps: list[Step] = []
    for label, lines in turns:
        written = _line(" ".join(lines))
        if label == SUBQUESTION:
            steps.append(Step(written))
        elif steps and not _answered(steps[-1]):
            steps[-1] = solved_step(steps[-1].question, written)
        else:
            raise ValueError("a solution has no subquestion of its own")
    _check(steps)
    return steps


def solved_step(question: str, written: str) -> Step:
    """A subquestion with its solution as it was written; the partial answer is what stands behind the last mark."""
    solution, mark, answer = written.rpartition(MARK)
    return Step(question, solution.strip(), answer.strip()) if mark else Step(question, written.strip())


def _answered(step: Step) -> bool:
    return bool(step.solution or step.answer)


def _check(steps: Sequence[Step]) -> None:
    if not steps:
        raise ValueError("there is no subquestion")
    if not all(step.question for step in steps):
        raise ValueError("a subquestion is empty")
    if not steps[-1].answer:
        raise ValueError("the last solution has no answer")


def _line(text: str) -> str:
    return " ".join(text.split())
