"""The symbolic tasks: names in; question, answer, program and chain of thought out.

Programs are such that a student copies out of the question and structures what it copied; Python does the rest. A word
goes into a program as it stands in the question, since a small model may split ` Ruth` and `Ruth` into other tokens and
cannot see the letters of either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias


class Made(NamedTuple):
    """One problem, as `SymbolicProblem` has it."""

    question: str
    answer: str
    program: str
    rationale: str


Task: TypeAlias = Callable[[Sequence[str], Callable[[], float]], Made]


def coin_flip(names: Sequence[str], chance: Callable[[], float]) -> Made:
    """Whether a coin is heads up after some people flipped it and others did not.

    def solution():
        heads_up = True
        # Ruth flips the coin.
        heads_up = not heads_up
        # Omar does not flip the coin.
        result = "yes" if heads_up else "no"
        return result

    Args:
        names: who comes to the coin, in order.
        chance: draws a number from 0 to 1 for each of them, who flips it below one half.
    """
    heads_up = True
    told, lines, steps = [], ["heads_up = True"], ["The coin is heads up at first."]
    for name in names:
        flips = chance() < 0.5
        heads_up = heads_up != flips
        deed = f"{name} {'flips' if flips else 'does not flip'} the coin"
        told.append(f"{deed}.")
        lines += [f"# {deed}.", *["heads_up = not heads_up"] * flips]
        steps.append(f"{deed}, so it is {'heads' if heads_up else 'tails'} up.")
    return Made(
        question=f"A coin is heads up. {' '.join(told)} Is the coin still heads up?",
        answer=(answer := "yes" if heads_up else "no"),
        program=_program([*lines, 'result = "yes" if heads_up else "no"']),
        rationale=_rationale(steps, answer),
    )


def last_letters(names: Sequence[str], chance: Callable[[], float]) -> Made:
    """The last letters of some words, joined.

    def solution():
        words = "Ruth Omar".split()
        last_letters = [word[-1] for word in words]
        result = "".join(last_letters)
        return result

    Args:
        names: the words.
        chance: not used: the words leave nothing to be drawn.
    """
    words = " ".join(names)
    answer = "".join(name[-1] for name in names)
    lines = [
        f'words = "{words}".split()',
        "last_letters = [word[-1] for word in words]",
        'result = "".join(last_letters)',
    ]
    steps = [f'The last letter of "{name}" is "{name[-1]}".' for name in names]
    return Made(
        question=f'Take the last letters of the words in "{words}" and concatenate them.',
        answer=answer,
        program=_program(lines),
        rationale=_rationale([*steps, f'Concatenating them is "{answer}".'], answer),
    )


def _program(lines: Sequence[str]) -> str:
    return "\n    ".join(["def solution():", *lines, "return result"]) + "\n"


def _rationale(steps: Sequence[str], answer: str) -> str:
    return "\n".join([*steps, f"#### {answer}"])


TASKS: dict[str, Task] = {"coin_flip": coin_flip, "last_letters": last_letters}
