"""Judged answers to BIG-Bench Hard, and figures with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pad_ray.ability.asking import Answerer, Length, chat_of
from pad_ray.ability.models import Measured
from pad_ray.ability.reading import is_program, read_answer
from pad_ray.ability.settings import Settings
from pad_ray.ability.tasks import STOP, Task
from pad_ray.evaluation.metrics import wilson
from pad_ray.evaluation.paired import pair
from pad_ray.problems import Problem
from pad_ray.programs.answers import Outcome, compare, parse_gold

OVERALL = "overall"


class Fate(StrEnum):
    """What came of a question; each has one."""

    RIGHT = "right"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"  # text without an answer of the kind that was asked for
    PROGRAM = "program"  # a program where text was asked; not run, whatever it would return


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and what came of it.

    Attributes:
        task: name of the subset.
        id: of the problem.
        gold: its answer.
        completion: what the model wrote.
        answer: what was read in it; None where there was none.
        fate: what came of it.
    """

    task: str
    id: str
    gold: str
    completion: str
    answer: str | None
    fate: Fate


@dataclass(frozen=True)
class Accuracy:
    """Figures of one subset, or of all (`OVERALL`: over all problems, as PaD counts).

    Attributes:
        task: name of the subset.
        n, right, wrong, no_answer, programs: problems, and how many met which fate.
        accuracy, low, high: right of all, with Wilson's 95 % interval; a program is not right.
        of_texts, of_texts_low, of_texts_high: right of those that are answered in text; None where none is.
        commonest: share of the commonest gold answer: what who always says it gets.
        difference, p_value: accuracy minus that of the first model, with McNemar's exact p; None of itself.
    """

    task: str
    n: int
    right: int
    wrong: int
    no_answer: int
    programs: int
    accuracy: float
    low: float
    high: float
    of_texts: float | None
    of_texts_low: float | None
    of_texts_high: float | None
    commonest: float
    difference: float | None = None
    p_value: float | None = None


def answer_task(task: Task, answerer: Answerer, model: Measured, settings: Settings) -> list[Answered]:
    """Asks a model the problems of a subset, and judges.

    Raises:
        ModelError: it has no chat template and is to be asked by one.
        EngineError: a prompt has more tokens than it takes.
    """
    prompt = _prompter(task, model, settings)
    texts = answerer([prompt(problem) for problem in task.measured], Length(settings.max_tokens, STOP))
    return [judge(task, problem, text) for problem, text in zip(task.measured, texts, strict=True)]


def _prompter(task: Task, model: Measured, settings: Settings) -> Callable[[Problem], str]:
    if settings.ask == "completion":
        return task.prompt
    render = chat_of(model)
    return lambda problem: str(render(task.messages(problem)))


def judge(task: Task, problem: Problem, completion: str) -> Answered:
    """Reads a completion, and compares its answer by the subset's rule."""
    gold, answer, fate = parse_gold(problem.answer), None, Fate.PROGRAM
    if not is_program(completion):
        answer = read_answer(completion, gold.kind, problem.question)
        outcome = compare(answer, gold, task.benchmark.match)
        fates = {Outcome.EQUAL: Fate.RIGHT, Outcome.NO_VALUE: Fate.NO_ANSWER}
        fate = fates.get(outcome, Fate.WRONG)
    told = None if answer is None else str(answer)
    return Answered(task.name, problem.id, str(problem.answer), completion, told, fate)


def accuracies(answers: Sequence[Answered], first: Sequence[Answered] | None = None) -> list[Accuracy]:
    """Figures of each subset in turn, then of all.

    Args:
        answers: of one model.
        first: of the model that it is held against.
    """
    names = list(dict.fromkeys(one.task for one in answers))
    groups = {name: [one for one in answers if one.task == name] for name in names} | {OVERALL: list(answers)}
    before = None if first is None else _right(first)
    # Who always says the commonest answer of each subset.
    commonest = {name: _commonest(groups[name]) for name in names}
    commonest[OVERALL] = sum(commonest.values())
    return [_figures(name, rows, commonest[name], before) for name, rows in groups.items()]


def _right(answers: Sequence[Answered]) -> dict[str, bool]:
    return {one.id: one.fate is Fate.RIGHT for one in answers}


def _commonest(answers: Sequence[Answered]) -> int:
    return max(Counter(one.gold for one in answers).values())


def _figures(name: str, answers: Sequence[Answered], commonest: int, first: Mapping[str, bool] | None) -> Accuracy:
    fates = Counter(one.fate for one in answers)
    n, right, programs = len(answers), fates[Fate.RIGHT], fates[Fate.PROGRAM]
    low, high = wilson(right, n)
    texts = n - programs
    text_low, text_high = wilson(right, texts) if texts else (None, None)
    table = pair(first, _right(answers)) if first is not None else None
    return Accuracy(
        task=name,
        n=n,
        right=right,
        wrong=fates[Fate.WRONG],
        no_answer=fates[Fate.NO_ANSWER],
        programs=programs,
        accuracy=right / n,
        low=low,
        high=high,
        of_texts=right / texts if texts else None,
        of_texts_low=text_low,
        of_texts_high=text_high,
        commonest=commonest / n,
        difference=table.difference if table else None,
        p_value=table.p_value if table else None,
    )
