"""Taking turns: what each student is asked, when a dialogue ends, and that one never stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from pad_ray.decompositions import Step
from pad_ray.recipes.base import Held
from pad_ray.recipes.socratic import parse_steps, render_steps
from pad_ray.recipes.socratic_iterative import Guidance, SocraticIterative
from pad_ray.recipes.turns import Asked, Dialogue, Generate, Stop, StopRules, Turn, answer_turn, ask_turn, take_turns
from pad_ray.text_verification import TextVerifier
from pad_ray.verification import Verdict

RECIPE = SocraticIterative()


class Student:
    """Writes what a function of the prompt says, and remembers its batches."""

    def __init__(self, write: Callable[[str], str | None]) -> None:
        self._write = write
        self.batches: list[list[str]] = []

    async def __call__(self, turns: Sequence[Turn]) -> Sequence[str | None]:
        self.batches.append([turn.text for turn in turns])
        return [self._write(turn.text) for turn in turns]


def _counting(prompt: str) -> str:
    """Asks as many subquestions as the number in the question says."""
    asked = prompt.count("Subquestion: ")
    wanted = int(prompt.partition("Question: ")[2].split()[0])
    return f" What is step {asked + 1}?" if asked < wanted else " none"


def _solving(prompt: str) -> str:
    number = prompt.count("Subquestion: ")
    return f" It is {number}. #### {number}"


def _run(
    problems: Sequence[Asked],
    ask: Generate,
    answer: Generate | None = None,
    rules: StopRules | None = None,
    recipe: SocraticIterative = RECIPE,
) -> list[Dialogue]:
    return asyncio.run(take_turns(problems, recipe, ask, answer or Student(_solving), rules))


def test_both_take_turns_until_qg_says_that_all_is_asked() -> None:
    [dialogue] = _run([Asked("2 steps")], Student(_counting))
    assert dialogue.steps == [Step("What is step 1?", "It is 1.", "1"), Step("What is step 2?", "It is 2.", "2")]
    assert dialogue.stop is Stop.ASKED_ALL


def test_each_student_gets_one_batch_a_turn() -> None:
    ask, answer = Student(_counting), Student(_solving)
    _run([Asked("3 steps"), Asked("1 step"), Asked("2 steps")], ask, answer)
    assert [len(batch) for batch in ask.batches] == [3, 3, 2, 1]
    assert [len(batch) for batch in answer.batches] == [3, 2, 1]


def test_dialogues_come_in_the_order_of_their_problems() -> None:
    problems = [Asked(f"{n} steps") for n in (3, 1, 2)]
    assert [len(dialogue.steps) for dialogue in _run(problems, Student(_counting))] == [3, 1, 2]


def test_a_dialogue_is_judged_by_its_last_partial_answer() -> None:
    [dialogue] = _run([Asked("3 steps")], Student(_counting))
    assert parse_steps(dialogue.text) == dialogue.steps
    [judged] = TextVerifier().judge([dialogue.text], [3])
    assert judged.verdict is Verdict.OK


def test_what_was_answered_stands_in_the_next_prompt() -> None:
    ask = Student(_counting)
    _run([Asked("2 steps")], ask)
    assert ask.batches[1] == [
        "Question: 2 steps\nSubquestion: What is step 1?\nSolution: It is 1. #### 1\nSubquestion:"
    ]


@pytest.mark.parametrize(
    ("written", "stop", "steps"),
    [
        (" none", Stop.ASKED_ALL, 0),
        (" None.\n", Stop.ASKED_ALL, 0),
        (" ", Stop.EMPTY, 0),
        (None, Stop.FAILED, 0),
        (" Again?", Stop.REPEATED, 1),
    ],
)
def test_a_dialogue_ends_for_a_reason(written: str | None, stop: Stop, steps: int) -> None:
    [dialogue] = _run([Asked("any")], Student(lambda prompt: written))
    assert (dialogue.stop, len(dialogue.steps)) == (stop, steps)


def test_there_is_a_most_of_turns() -> None:
    [dialogue] = _run([Asked("99 steps")], Student(_counting), rules=StopRules(max_turns=3))
    assert (dialogue.stop, len(dialogue.steps)) == (Stop.MAX_TURNS, 3)


def test_repeating_may_be_allowed_up_to_the_most_of_turns() -> None:
    rules = StopRules(max_turns=3, repeated=False)
    [dialogue] = _run([Asked("any")], Student(lambda prompt: " Again?"), rules=rules)
    assert (dialogue.stop, len(dialogue.steps)) == (Stop.MAX_TURNS, 3)


def test_a_missing_answer_ends_its_own_dialogue_only() -> None:
    answer = Student(lambda prompt: None if "bad" in prompt else _solving(prompt))
    bad, good = _run([Asked("1 bad"), Asked("1 good")], Student(_counting), answer)
    assert (bad.stop, bad.steps, good.stop, len(good.steps)) == (Stop.FAILED, [], Stop.ASKED_ALL, 1)


def test_what_stands_beyond_a_turns_line_is_left_out() -> None:
    answer = Student(lambda prompt: " It is 1. #### 1\nSubquestion: mine?")
    [dialogue] = _run([Asked("1 step")], Student(_counting), answer)
    assert dialogue.steps == [Step("What is step 1?", "It is 1.", "1")]


def test_given_subquestions_are_answered_and_qg_is_never_asked() -> None:
    ask = Student(_counting)
    [dialogue] = _run([Asked("any", given=["One?", "Two?"])], ask)
    assert [step.question for step in dialogue.steps] == ["One?", "Two?"]
    assert (dialogue.stop, ask.batches) == (Stop.GIVEN, [])


def test_given_subquestions_are_not_cut_by_the_most_of_turns() -> None:
    [dialogue] = _run([Asked("any", given=["One?", "Two?"])], Student(_counting), rules=StopRules(max_turns=1))
    assert len(dialogue.steps) == 2


@pytest.mark.parametrize("guidance", [Guidance(), Guidance(number=True, equation=True)])
def test_a_turn_has_the_parts_that_its_lesson_had(guidance: Guidance) -> None:
    """So that an encoder reads what it read in training, and the decoder goes on from what it had written."""
    recipe, steps = SocraticIterative(guidance), [Step("Why?", "3 * 2 = 6.", "6"), Step("What?", "6 - 4 = 2.", "2")]
    asked = Asked("any", steps)
    qg, qa = recipe.lessons("any", Held(text=render_steps(steps)))
    for made, turn in ((qg, ask_turn(recipe, asked, steps[:1])), (qa, answer_turn(recipe, asked, steps[:1], "What?"))):
        assert turn.prompt == made.prompt
        assert turn.written
        assert made.target.startswith(turn.written)


def test_guidance_reaches_qg() -> None:
    ask = Student(_counting)
    plan = [Step("Why?", "It is 3 * 2 = 6.", "6")]
    _run([Asked("1 step", plan=plan)], ask, recipe=SocraticIterative(Guidance(number=True, equation=True)))
    assert ask.batches[0] == ["Question: 1 step\nSubquestions: 1\nEquation: 3 * 2\nSubquestion:"]


def test_the_prompts_of_a_dialogue_are_counted() -> None:
    [dialogue] = _run([Asked("2 steps")], Student(_counting))
    assert dialogue.prompts == 5


def test_no_problems_ask_nothing() -> None:
    assert _run([], Student(_counting)) == []


def test_a_student_that_loses_completions_is_a_fault() -> None:
    async def loses(turns: Sequence[Turn]) -> list[str | None]:
        return []

    with pytest.raises(ValueError, match="0 completions for 1 prompts"):
        _run([Asked("any")], loses)


def test_no_turns_at_all_is_no_rule() -> None:
    with pytest.raises(ValueError, match="one turn"):
        StopRules(max_turns=0)
