"""Problems split into subquestions, and the data sets that come so.

    gsm8k socratic    "subquestion ** step" a line, calculator notes, "#### answer"    solutions, equations, answers
    strategyqa        a list of subquestions, facts                                    subquestions, facts

GSM8K's official Socratic files (openai/grade-school-math) were made by a model that wrote one subquestion before every
human step. The test half is evaluation data: it is read for its format, and for the upper bound with given
subquestions. StrategyQA (arXiv 2101.02235) gives no answers to its subquestions, and its facts are joined: here each
fact stands as the solution of the subquestion that its wording is nearest to, see `pad_ray.facts`. With
`problems.context` they stand before the question too, in training and evaluation alike, which makes of it a task of
reading. A teacher's annotation is the better way where there is a teacher.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.errors import DataError
from pad_ray.facts import sentences, share_out

__all__ = ["Decomposition", "Step", "decomposition_of", "read_gsm8k", "read_strategyqa", "strip_notes", "with_context"]

_NOTE = re.compile(r"<<([^<>]*)>>")
_SPLIT = " ** "
_EQUATION = re.compile(r"(?<![\w.])([$(]?[\d.][\d.,\s()$%+\-*/×÷x]*)=")
_OPERATION = re.compile(r"[\d)%]\s*[-+*/×÷x]\s*[\d($.]")
_FINAL = re.compile(r"####[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Step:
    """One subquestion.

    Attributes:
        question: the subquestion.
        solution: how it is answered, without calculator notes; empty where the data does not say.
        answer: its partial answer; empty where the data does not say.
        notes: the calculator notes of the solution, as they stand between their brackets.
    """

    question: str
    solution: str = ""
    answer: str = ""
    notes: tuple[str, ...] = ()

    @property
    def equation(self) -> str:
        """What the solution computes, as it stands before its equals signs: "16 - 3 - 4"; empty where it does not."""
        found = (found[1].strip(" $,.") for found in _EQUATION.finditer(self.solution))
        return ", ".join(" ".join(text.split()) for text in found if _OPERATION.search(text))


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A problem as ordered subquestions; the last one's answer is the problem's.

    Attributes:
        steps: at least one.
        context: facts that stand before the question; empty where there are none.
    """

    steps: tuple[Step, ...]
    context: str = ""

    @property
    def answer(self) -> str:
        """The last partial answer."""
        return self.steps[-1].answer

    @property
    def solved(self) -> bool:
        """Whether every subquestion has a solution."""
        return all(step.solution for step in self.steps)


def strip_notes(text: str) -> str:
    """A text without calculator notes `<<48/2=24>>`, whose value stands behind them anyway."""
    return _NOTE.sub("", text)


def read_gsm8k(rationale: str) -> Decomposition:
    """A solution in GSM8K's Socratic form.

    The partial answer of a step is the value of its last note. The last step's is what follows `####`. A few official
    solutions leave a subquestion without a step.

    Raises:
        DataError: a line without ` ** `, no step, or no final answer.
    """
    final = _FINAL.search(rationale)
    lines = [line for line in rationale[: final.start() if final else None].splitlines() if line.strip()]
    if final is None or not final[1].strip() or not lines:
        raise DataError("a Socratic solution has steps, and a last line `#### answer`", _MEND)
    pairs = []
    for line in lines:
        question, split, solution = line.partition(_SPLIT)
        if not split or not question.strip():
            raise DataError(f"no `subquestion ** step`: {line[:60]!r}", _MEND)
        pairs.append((question, solution))
    return _decomposition(pairs, final[1].strip())


_MEND = "Write `subquestion ** step` a line, and `#### answer` on the last one"


def read_strategyqa(fields: Mapping[str, Any], answer: str) -> Decomposition:
    """The subquestions of a StrategyQA problem, solved by its facts; the last one's answer is the problem's.

    Args:
        fields: `subquestions`, a list of `{"question": …}`, and `rationale`, the facts joined by spaces.
        answer: yes or no.

    Raises:
        DataError: no subquestions.
    """
    questions, context = _questions(fields), _line(str(fields.get("rationale") or ""))
    solutions = share_out(sentences(context), questions)
    answers = [*[""] * (len(questions) - 1), answer]
    steps = [Step(*step) for step in zip(questions, solutions, answers, strict=True)]
    return Decomposition(tuple(steps), context)


def decomposition_of(fields: Mapping[str, Any], answer: object) -> Decomposition | None:
    """The decomposition that a problem's fields hold, by their form; None where they hold none.

    Args:
        fields: a problem's `meta`.
        answer: its gold answer.
    """
    listed = fields.get("subquestions")
    if not isinstance(listed, list) or not listed or not _questions(fields):
        return None
    solutions = [one.get("answer") for one in listed]
    if all(isinstance(solution, str) for solution in solutions):
        return _decomposition([(one["question"], one["answer"]) for one in listed], str(answer))
    return read_strategyqa(fields, str(answer))


def with_context(question: str, context: str) -> str:
    """A question behind the facts that it is to be answered from, on one line."""
    return f"{_line(context)} {question}" if context else question


def _decomposition(pairs: Sequence[tuple[str, str]], final: str) -> Decomposition:
    steps = []
    for place, (question, solution) in enumerate(pairs, start=1):
        notes = tuple(_NOTE.findall(solution))
        partial = notes[-1].rpartition("=")[2].strip() if notes else ""
        answer = final if place == len(pairs) else partial
        steps.append(Step(_line(question), _line(strip_notes(solution)), answer, notes))
    return Decomposition(tuple(steps))


def _questions(fields: Mapping[str, Any]) -> list[str]:
    listed = fields.get("subquestions")
    found = [one.get("question") for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    questions = [_line(text) for text in found if isinstance(text, str) and text.strip()]
    if not questions or len(questions) != len(found):
        raise DataError("field `subquestions` is no list of questions", 'Give `[{"question": …}, …]`')
    return questions


def _line(text: str) -> str:
    return " ".join(text.split())
