"""Two students take turns: many problems at once, one batch of prompts for each student and turn.

    dialogues = await take_turns(problems, recipe, ask=qg, answer=qa, rules=StopRules())

Nothing here knows an engine: `ask` and `answer` are any asynchronous functions from turns to completions. With given
subquestions QG is never asked: the upper bound that the paper calls ground-truth subquestions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from pad_ray.decompositions import Step
from pad_ray.recipes.socratic import render_steps, solved_step
from pad_ray.recipes.socratic_iterative import END, SocraticIterative


@dataclass(frozen=True, slots=True)
class Turn:
    """What a student goes on from, in the two parts that its lesson had.

    Attributes:
        prompt: how the lesson began; what an encoder reads.
        written: what stood behind it in the lesson's target; what a decoder goes on from.
    """

    prompt: str
    written: str = ""

    @property
    def text(self) -> str:
        """Both, as a decoder without an encoder reads them."""
        return self.prompt + self.written


Generate: TypeAlias = Callable[[Sequence[Turn]], Awaitable[Sequence[str | None]]]


class Stop(StrEnum):
    """Why a dialogue ended."""

    ASKED_ALL = "asked_all"  # QG said so
    GIVEN = "given"  # all given subquestions are answered
    MAX_TURNS = "max_turns"
    REPEATED = "repeated"  # QG asked what it had asked
    EMPTY = "empty"  # QG wrote nothing
    FAILED = "failed"  # there was no completion


@dataclass(frozen=True, slots=True)
class StopRules:
    """When a dialogue ends, besides QG's own end.

    Attributes:
        max_turns: most subquestions of one problem.
        repeated: whether it ends where a subquestion is asked again, which would go on for ever.
    """

    max_turns: int = 10
    repeated: bool = True

    def __post_init__(self) -> None:
        if self.max_turns < 1:
            raise ValueError("a dialogue has one turn or more")


@dataclass(frozen=True, slots=True)
class Asked:
    """A problem to be solved in turns.

    Attributes:
        question: its text.
        plan: steps of a reference, for guidance; none where there is none.
        given: subquestions to be answered in place of QG's own; None where QG asks.
    """

    question: str
    plan: Sequence[Step] = ()
    given: Sequence[str] | None = None


@dataclass(slots=True)
class Dialogue:
    """What came of a problem.

    Attributes:
        asked: the problem.
        steps: subquestions with their solutions.
        stop: why it ended; None while it goes on.
        prompts: how many prompts it took.
    """

    asked: Asked
    steps: list[Step] = field(default_factory=list)
    stop: Stop | None = None
    prompts: int = 0

    @property
    def text(self) -> str:
        """The dialogue in the form of `recipes.socratic`, as a verifier reads it; the last partial answer counts."""
        return render_steps(self.steps)


async def take_turns(
    problems: Sequence[Asked],
    recipe: SocraticIterative,
    ask: Generate,
    answer: Generate,
    rules: StopRules | None = None,
) -> list[Dialogue]:
    """Solve problems by turns of both students.

    Args:
        problems: what is asked, with guidance or given subquestions.
        recipe: makes the prompts; completions are to end at its `stop`.
        ask: QG. Not called where every problem has given subquestions.
        answer: QA.
        rules: when dialogues end.

    Returns:
        A dialogue for each problem, in order. A missing completion ends one dialogue, never all.

    Raises:
        ValueError: a student gave another number of completions than it was asked for.
    """
    rules = rules or StopRules()
    dialogues = [Dialogue(problem) for problem in problems]
    while talking := [dialogue for dialogue in dialogues if dialogue.stop is None]:
        subquestions = await _ask(talking, recipe, ask, rules)
        asked = [(one, text) for one, text in zip(talking, subquestions, strict=True) if text is not None]
        await _answer(asked, recipe, answer)
    return dialogues


def ask_turn(recipe: SocraticIterative, asked: Asked, steps: Sequence[Step] = ()) -> Turn:
    """What QG goes on from after these steps."""
    opening = recipe.ask_prompt(asked.question, (), asked.plan)
    return Turn(opening, recipe.ask_prompt(asked.question, steps, asked.plan).removeprefix(opening))


def answer_turn(recipe: SocraticIterative, asked: Asked, steps: Sequence[Step], subquestion: str) -> Turn:
    """What QA goes on from, to answer a subquestion after these steps."""
    opening = recipe.answer_prompt(asked.question, (), steps[0].question if steps else subquestion)
    return Turn(opening, recipe.answer_prompt(asked.question, steps, subquestion).removeprefix(opening))


async def _ask(
    dialogues: Sequence[Dialogue], recipe: SocraticIterative, ask: Generate, rules: StopRules
) -> list[str | None]:
    """The next subquestion of each dialogue; None, and the reason in it, for one that ends here."""
    free = [one for one in dialogues if one.asked.given is None and len(one.steps) < rules.max_turns]
    prompts = [ask_turn(recipe, one.asked, one.steps) for one in free]
    written = dict(zip(map(id, free), await _generate(ask, prompts, free), strict=True))
    for one in dialogues:
        one.stop = _reason(one, written.get(id(one)), rules)
    return [_subquestion(one, written.get(id(one))) if one.stop is None else None for one in dialogues]


def _reason(dialogue: Dialogue, written: str | None, rules: StopRules) -> Stop | None:
    given = dialogue.asked.given
    if given is not None:
        return Stop.GIVEN if len(dialogue.steps) >= len(given) else None
    if len(dialogue.steps) >= rules.max_turns:
        return Stop.MAX_TURNS
    if written is None:
        return Stop.FAILED
    text = _first_line(written)
    if not text:
        return Stop.EMPTY
    if text.casefold().rstrip(".") == END:
        return Stop.ASKED_ALL
    asked_before = any(step.question.casefold() == text.casefold() for step in dialogue.steps)
    return Stop.REPEATED if asked_before and rules.repeated else None


def _subquestion(dialogue: Dialogue, written: str | None) -> str:
    given = dialogue.asked.given
    return " ".join(given[len(dialogue.steps)].split()) if given is not None else _first_line(written or "")


async def _answer(asked: Sequence[tuple[Dialogue, str]], recipe: SocraticIterative, answer: Generate) -> None:
    """Adds the answered step to each dialogue."""
    dialogues = [one for one, _ in asked]
    prompts = [answer_turn(recipe, one.asked, one.steps, subquestion) for one, subquestion in asked]
    for (one, subquestion), written in zip(asked, await _generate(answer, prompts, dialogues), strict=True):
        if written is None:
            one.stop = Stop.FAILED
        else:
            one.steps.append(solved_step(subquestion, _first_line(written)))


async def _generate(generate: Generate, prompts: list[Turn], dialogues: Sequence[Dialogue]) -> Sequence[str | None]:
    """Completions; no student is called for nothing."""
    written = await generate(prompts) if prompts else []
    if len(written) != len(prompts):
        raise ValueError(f"{len(written)} completions for {len(prompts)} prompts")
    for one in dialogues:
        one.prompts += 1
    return written


def _first_line(text: str) -> str:
    """A turn is one line; what an engine wrote beyond its stop is left out."""
    return " ".join(text.lstrip().split("\n")[0].split())
