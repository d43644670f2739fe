"""The final answer in a text that a model wrote, by two named extractors.

    strict      what follows the last "#### " or "The answer is": the form that the student is taught
    flexible    the last number of the text (for other kinds of answers: the last yes or no, the last choice)

Both are told what kind of answer a problem has (`Kind`), never the answer. Text that reads as one number becomes that
number, so that `programs.answers.compare` treats it as it treats what a program returns; a percentage stays text,
since 50% is 50 and 0.5. Numbers in words ("five", "2 million") are not read. GSM8K's form is that of
arXiv 2110.14168; the pair of extractors is that of common evaluation harnesses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from pad_ray.errors import ConfigError
from pad_ray.programs.answers import Kind, Number, parse_number
from pad_ray.programs.values import Value

__all__ = [
    "EXTRACTORS",
    "EXTRACTOR_VERSION",
    "MAX_TEXT_CHARS",
    "Extractor",
    "Final",
    "extractor_named",
    "find_final",
    "flexible",
    "strict",
]

Extractor: TypeAlias = Callable[[str, Kind | None], Value]

MAX_TEXT_CHARS = 200_000

_MARK = re.compile(
    r"####|(?:\b(?:so|thus|hence|therefore),?[ \t]+)?\b(?:the|my)[ \t]+(?:final[ \t]+)?answer[ \t]+is\b[ \t]*:?",
    re.IGNORECASE,
)
_DECORATION = " \t*_`\"'\u201c\u201d\u2018\u2019"
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")

_DIGITS = r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}(?![\d,]*\d)|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"""
    (?<![\w.])                                  # no part of a word or of another number
    (?P<sign>(?<![\d)%])(?:[-+−][ ]?)?)
    [$€£¥₹]?[ ]?(?P<inner>-?)
    (?P<digits>\d+[ ]+\d+/\d+|\d+[ ]?/[ ]?\d+|(?:{_DIGITS})(?:[eE][-+]?\d{{1,3}}(?!\w))?)
    (?P<percent>[ ]?%|[ ]?percent\b)?
    """,
    re.VERBOSE | re.ASCII,
)
# What makes of a number the beginning of something longer: 3 + 4 = 7, 5, 6, 3:30.
_GOES_ON = re.compile(r"[ \t]*(?:[-+*/=×÷^][ \t]*[\d$(]|[=≈]|[,;:][ \t]*\d)")
_TRUTH = re.compile(r"(?<!\w)(yes|no|true|false)(?!\w)", re.IGNORECASE)
_CHOICE = re.compile(r"\(([A-Za-z])\)|(?<![\w'’])([A-Z])(?=[).:]?(?:\s|$))")
_IN_BRACKETS = re.compile(r"\(([A-Za-z])\)")
_CHOSEN = re.compile(r"\(([A-Za-z])\)|([A-Za-z])(?![\w'’])")


@dataclass(frozen=True, slots=True)
class Final:
    """Where a text states its answer.

    Attributes:
        start: the first character of the mark, "#### " or "The answer is".
        stop: the end of the line.
        phrase: what follows the mark on its line, without white space around it.
    """

    start: int
    stop: int
    phrase: str


def find_final(text: str) -> Final | None:
    """The last mark of a final answer in a text; None where there is none, or no more than the mark."""
    marks = list(_MARK.finditer(text[:MAX_TEXT_CHARS]))
    if not marks:
        return None
    mark = marks[-1]
    end = text.find("\n", mark.end())
    stop = len(text) if end < 0 else end
    phrase = text[mark.end() : stop].strip()
    return Final(mark.start(), stop, phrase) if phrase.strip(_DECORATION) else None


def strict(text: str, kind: Kind | None = None) -> Value:
    """The answer behind the last mark; what follows it must begin with the answer.

    A unit or the end of a sentence may stand behind a number; a sum ("3 + 4 = 7") or a list may not. Where the kind is
    not known a number is tried first, then yes or no, then text.

    Returns:
        A number, or text; None where there is no answer of that kind.
    """
    final = find_final(text)
    if final is None:
        return None
    phrase = final.phrase.strip(_DECORATION)
    for kind_tried in (kind,) if kind else (Kind.NUMBER, Kind.TRUTH, Kind.TEXT):
        value = _BEGINNINGS[kind_tried](phrase)
        if value is not None:
            return value
    return None


def flexible(text: str, kind: Kind | None = None) -> Value:
    """The last number of a text, wherever it stands; for other kinds the last yes or no, the last choice.

    Text answers are taken from behind a mark or, where there is none, from the last line. Where the kind is not known,
    numbers are looked for, then yes or no.

    Returns:
        A number, or text; None where there is no answer of that kind.
    """
    text = text[-MAX_TEXT_CHARS:]
    for kind_tried in (kind,) if kind else (Kind.NUMBER, Kind.TRUTH):
        value = _LASTS[kind_tried](text)
        if value is not None:
            return value
    return None


EXTRACTORS: dict[str, Extractor] = {"strict": strict, "flexible": flexible}

# To be raised whenever the same text may give another answer. A test over a table of cases reminds.
EXTRACTOR_VERSION = "1"


def extractor_named(name: str) -> Extractor:
    """The extractor of that name.

    Raises:
        ConfigError: there is none; those that exist are named.
    """
    if name not in EXTRACTORS:
        raise ConfigError(f"extractor `{name}` is unknown", f"There are: {', '.join(sorted(EXTRACTORS))}")
    return EXTRACTORS[name]


def _first_number(phrase: str) -> Value:
    found = _NUMBER.match(phrase)
    return None if found is None or _GOES_ON.match(phrase, found.end()) else _value(found)


def _last_number(text: str) -> Value:
    for found in reversed(list(_NUMBER.finditer(text))):
        value = _value(found)
        if value is not None:
            return value
    return None


def _value(found: re.Match[str]) -> Value:
    """The number that was found; text for a percentage, None for a fraction of zero."""
    negative = ("-" in found["sign"] or "−" in found["sign"]) != bool(found["inner"])
    written = f"{'-' if negative else ''}{found['digits']}"
    numbers = parse_number(written)
    if not numbers:
        return None
    return f"{written}%" if found["percent"] else _simplest(numbers[0])


def _simplest(number: Number) -> Value:
    """An int where the number is whole, a float where that is exact in decimal, else a fraction."""
    exact = Fraction(number)
    if exact.denominator == 1:
        return exact.numerator
    rounded = float(exact)
    return rounded if Fraction(repr(rounded)) == exact else exact


def _first_truth(phrase: str) -> Value:
    found = _TRUTH.match(phrase)
    return found[1] if found else None


def _last_truth(text: str) -> Value:
    found = _TRUTH.findall(text)
    return found[-1] if found else None


def _first_choice(phrase: str) -> Value:
    found = _CHOSEN.match(phrase)
    return f"({(found[1] or found[2]).upper()})" if found else None


def _last_choice(text: str) -> Value:
    """Letters in brackets go first: a bare capital may be a name, or the word I."""
    chosen = _IN_BRACKETS.findall(text) or [first or second for first, second in _CHOICE.findall(text)]
    return f"({chosen[-1].upper()})" if chosen else None


def _phrase(phrase: str) -> Value:
    end = _SENTENCE_END.search(phrase)
    return (phrase[: end.start()] if end else phrase).strip(_DECORATION) or None


def _last_phrase(text: str) -> Value:
    final = find_final(text)
    lines = text.strip().splitlines()
    return _phrase(final.phrase.strip(_DECORATION) if final else lines[-1] if lines else "")


_BEGINNINGS: dict[Kind, Callable[[str], Value]] = {
    Kind.NUMBER: _first_number,
    Kind.TRUTH: _first_truth,
    Kind.CHOICE: _first_choice,
    Kind.TEXT: _phrase,
}
_LASTS: dict[Kind, Callable[[str], Value]] = {
    Kind.NUMBER: _last_number,
    Kind.TRUTH: _last_truth,
    Kind.CHOICE: _last_choice,
    Kind.TEXT: _last_phrase,
}
