"""Facts as solutions: which sentence of a problem's facts answers which of its subquestions.

StrategyQA (arXiv 2101.02235) lists facts and subquestions of a problem, and does not say which belong together; they
often come in another order. What shares most words goes together, a fact to one subquestion. It is a guess: a
comparison of two answers ("Is #1 greater than #2?") may be given a fact that is of another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")
_WORD = re.compile(r"[^\W_]+")
_SHORTEST = 4  # letters: shorter words are mostly of grammar
_STEM = 5  # letters that say enough: "boiled" is "boiling"


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [one for one in _SENTENCE_END.split(text.strip()) if one]


def share_out(facts: Sequence[str], questions: Sequence[str]) -> list[str]:
    """A solution for each subquestion, made of facts; empty where there was none left.

    Pairs go together by the number of words that they share; those that share as many by how near they stand in their
    lists. The last subquestion, which concludes, takes what is left in the order of the facts.

    Args:
        facts: sentences.
        questions: subquestions in order, at least one.
    """
    asked = [_words(question) for question in questions[:-1]]
    pairs = sorted(
        (-len(_words(fact) & words), abs(number - place), number, place)
        for number, fact in enumerate(facts)
        for place, words in enumerate(asked)
    )
    fact_of: dict[int, int] = {}
    for _, _, number, place in pairs:
        if place not in fact_of and number not in fact_of.values():
            fact_of[place] = number
    left = [fact for number, fact in enumerate(facts) if number not in fact_of.values()]
    return [*(facts[fact_of[place]] if place in fact_of else "" for place in range(len(asked))), " ".join(left)]


def _words(text: str) -> set[str]:
    found = (word.casefold() for word in _WORD.findall(text))
    return {word[:_STEM] for word in found if len(word) >= _SHORTEST or word.isdigit()}
