"""Whether a value is the gold answer.

Gold is read as one of four kinds:

    number   18, 3.5, "$29.00", "1,234", "50%" (equals 50 and 0.5), "1/2", "2 1/2", "1e6"
    truth    True, "yes", "No.", "true"
    choice   "(B)"
    text     anything else

`Mode` says how numbers are compared. Under every mode but `exact` the other kinds are compared as plain text:
case, quotes, brackets, commas, closing full stops and the amount of white space do not count.

A bool is never a number, nor is a list, a tuple or a value that is not finite. A string that as a whole
reads as a number counts as one, since the scripts of PaD (arXiv 2305.13888) read the printed result; under
`exact` it does not.

Every comparison is bounded: no power is computed, no long integer is written in decimal, text beyond a bound
is unequal. `compare` never raises, whatever the value.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import product
from typing import TypeAlias

from pad_ray.programs.values import Value

Number: TypeAlias = int | float | Fraction

_MAX_NUMBER_CHARS = 1_000
_MAX_TEXT_CHARS = 10_000
_MAX_ITEMS = 1_000
_MAX_BITS = 32_768
_MAX_EXPONENT = 5_000

_CURRENCY = "$€£¥₹"
_NUMBER = re.compile(
    rf"""
    (?P<sign>[-+]?) \s* [{_CURRENCY}]? \s* (?P<inner>-?)
    (?P<whole>\d{{1,3}}(?:,\d{{2,3}})*,\d{{3}}|\d*) (?P<decimals>\.\d*)? (?P<exponent>[eE][-+]?\d{{1,3}})?
    \s* (?P<unit>[%{_CURRENCY}]?)
    """,
    re.VERBOSE | re.ASCII,
)
_FRACTION = re.compile(r"(?P<sign>[-+]?)\s*(?:(?P<whole>\d+) +)?(?P<above>\d+)\s*/\s*(?P<below>\d+)", re.ASCII)
_CHOICE = re.compile(r"\(([A-Za-z])\)")
_CHOSEN = re.compile(r"\(?([A-Za-z])(?:[).:](?:\s|$)|$)")
_MINUS_SIGN = "\u2212"
_SPACE_LIKE = re.compile(r"[\"\u201c\u201d`()\[\]{},;!?*]")
_APOSTROPHES = re.compile(r"['\u2018\u2019]")
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}


class Mode(StrEnum):
    """How a value is compared with gold."""

    TOLERANCE = "tolerance"  # numbers: relative or absolute difference
    EXACT = "exact"  # numbers: the same in decimal notation, whatever the type; text: the same characters
    ROUND = "round"  # numbers: the same nearest integer (PaD's released scripts: 7.4 matches 7)
    STRING = "string"  # everything as plain text, numbers too (PaD's symbolic tasks)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How values are compared with gold; the tolerances are those of `math.isclose`, for Mode.TOLERANCE."""

    mode: Mode = Mode.TOLERANCE
    relative: float = 1e-6
    absolute: float = 1e-3

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", Mode(self.mode))
        if not (0 <= self.relative < math.inf and 0 <= self.absolute < math.inf):
            raise ValueError("tolerances must be finite and not negative")


class Kind(StrEnum):
    """What a gold answer is."""

    NUMBER = "number"
    TRUTH = "truth"
    CHOICE = "choice"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold answer as it is compared: its text, and the numbers that it may mean (50% is 50 and 1/2)."""

    kind: Kind
    text: str
    numbers: tuple[Number, ...] = ()


class Outcome(StrEnum):
    """What a comparison found."""

    EQUAL = "equal"
    UNEQUAL = "unequal"
    NO_VALUE = "no_value"  # None
    UNFIT = "unfit"  # gold is a number, the value is none


def parse_gold(gold: str | int | float | Fraction | Decimal) -> Gold:
    """Read a gold answer.

    Raises:
        ValueError: a number that is not finite or has thousands of digits, or empty text.
    """
    if _is_long(gold):
        raise ValueError("the gold answer is a number of thousands of digits")
    text = str(gold).strip()
    if isinstance(gold, bool):
        return Gold(Kind.TRUTH, text)
    if isinstance(gold, int | float | Fraction | Decimal):
        numbers = _numbers_in(gold)
        if not numbers:
            raise ValueError(f"the gold answer {text} is not a finite number")
        return Gold(Kind.NUMBER, text, numbers)
    if not text:
        raise ValueError("the gold answer is empty")
    if numbers := parse_number(text):
        return Gold(Kind.NUMBER, text, numbers)
    if _plain(text) in _TRUTHS:
        return Gold(Kind.TRUTH, text)
    return Gold(Kind.CHOICE if _CHOICE.fullmatch(text) else Kind.TEXT, text)


def parse_number(text: str) -> tuple[Number, ...]:
    """All numbers that the whole text may stand for: none, one, or two (50% is 50 and 1/2)."""
    text = text.strip().replace(_MINUS_SIGN, "-")
    if len(text) > _MAX_NUMBER_CHARS:
        return ()
    if found := _FRACTION.fullmatch(text):
        return _parse_fraction(found)
    found = _NUMBER.fullmatch(text.removesuffix("."))
    if found is None or not (found["whole"] or (found["decimals"] or ".") != "."):
        return ()
    if not found["decimals"] and not found["exponent"]:
        number: Number = int(found["whole"].replace(",", ""))
    else:
        digits = found["whole"].replace(",", "") or "0"
        number = Fraction(f"{digits}{found['decimals'] or ''}{found['exponent'] or ''}")
    number = -number if "-" in found["sign"] + found["inner"] else number
    return (number, Fraction(number) / 100) if found["unit"] == "%" else (number,)


def compare(value: Value, gold: Gold, comparison: Comparison | None = None) -> Outcome:
    """Compare what a program returned with gold. Bounded in time for any value; never raises."""
    comparison = comparison or Comparison()
    if value is None:
        return Outcome.NO_VALUE
    if comparison.mode is Mode.STRING:
        return _as_outcome(_same_text(value, gold.text))
    if gold.kind is Kind.NUMBER:
        return _compare_numbers(value, gold, comparison)
    if comparison.mode is Mode.EXACT:
        return _as_outcome(isinstance(value, str | bool) and str(value) == gold.text)
    if gold.kind is Kind.TRUTH:
        return _as_outcome(_truth(value) is _truth(gold.text))
    if gold.kind is Kind.CHOICE and isinstance(value, str) and (chosen := _CHOSEN.match(value.strip())):
        return _as_outcome(chosen[1].casefold() == gold.text[1].casefold())
    return _as_outcome(_same_text(value, gold.text))


def _as_outcome(equal: bool) -> Outcome:
    return Outcome.EQUAL if equal else Outcome.UNEQUAL


def _compare_numbers(value: Value, gold: Gold, comparison: Comparison) -> Outcome:
    if isinstance(value, str):
        numbers = () if comparison.mode is Mode.EXACT else parse_number(value)
    else:
        numbers = _numbers_in(value)
    if not numbers:
        return Outcome.UNFIT
    # Rounded, the second reading of a percentage would let 0.3 pass for 50%.
    readings = 1 if comparison.mode is Mode.ROUND else 2
    pairs = product(numbers[:readings], gold.numbers[:readings])
    return _as_outcome(any(_same_number(ours, theirs, comparison) for ours, theirs in pairs))


def _numbers_in(value: Value) -> tuple[Number, ...]:
    """The finite number that a value is, in a type that compares quickly; nothing if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | Decimal):
        return ()
    if isinstance(value, Decimal):
        return (_from_decimal(value),) if value.is_finite() else ()
    if isinstance(value, float):
        return (value,) if math.isfinite(value) else ()
    if isinstance(value, Fraction) and _bits(value) > _MAX_BITS:
        return (math.inf,)
    return (value,)


def _from_decimal(value: Decimal) -> Number:
    """A fraction; infinity or zero beyond any gold (1E+999999), where the integer could fill the memory."""
    if not value or value.adjusted() < -_MAX_EXPONENT:
        return 0
    if value.adjusted() > _MAX_EXPONENT:
        return math.copysign(math.inf, value)
    return Fraction(value) if len(value.as_tuple().digits) <= _MAX_EXPONENT else float(value)


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _same_number(ours: Number, theirs: Number, comparison: Comparison) -> bool:
    if comparison.mode is Mode.EXACT:
        return _as_written(ours) == _as_written(theirs)
    if math.inf in (ours, -ours):
        return False
    if comparison.mode is Mode.ROUND:
        return round(ours) == round(theirs)
    try:
        return math.isclose(ours, theirs, rel_tol=comparison.relative, abs_tol=comparison.absolute)
    except OverflowError:  # Beyond the range of floats numbers are equal or they are not.
        return ours == theirs


def _as_written(number: Number) -> int | float | Fraction:
    """A float as the decimal number that it is written as, so that 0.1 equals a gold of "0.1"."""
    return Fraction(repr(number)) if isinstance(number, float) and math.isfinite(number) else number


def _parse_fraction(found: re.Match[str]) -> tuple[Number, ...]:
    if not int(found["below"]):
        return ()
    number = int(found["whole"] or 0) + Fraction(int(found["above"]), int(found["below"]))
    return (-number if found["sign"] == "-" else number,)


def _truth(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    return _TRUTHS.get(_plain(value) or "") if isinstance(value, str) else None


def _same_text(value: Value, gold: str) -> bool:
    text = _text_of(value)
    plain = _plain(text) if text is not None else None
    return plain is not None and plain == _plain(gold)


def _text_of(value: Value) -> str | None:
    """A value as text, items of a list side by side ("a b c" for sorted words); None if it is too long."""
    if isinstance(value, list | tuple):
        return _text_of_items(value)
    text = value if isinstance(value, str) else None if _is_long(value) else str(value)
    return text if text is not None and len(text) <= _MAX_TEXT_CHARS else None


def _text_of_items(items: list[Value] | tuple[Value, ...]) -> str | None:
    texts: list[str] = []
    for item in items[: _MAX_ITEMS + 1]:
        text = None if isinstance(item, list | tuple) else _text_of(item)
        if text is None or len(texts) == _MAX_ITEMS:
            return None
        texts.append(text)
    return " ".join(texts)


def _is_long(value: Value) -> bool:
    """Whether the decimal text of a number is too long to be written."""
    if isinstance(value, Fraction):
        return _bits(value) > _MAX_BITS // 4
    return isinstance(value, int) and value.bit_length() > _MAX_BITS // 4


def _plain(text: str) -> str | None:
    """Text as it is compared: see the module's docstring. None if it is too long to be an answer."""
    if len(text) > _MAX_TEXT_CHARS:
        return None
    folded = text.strip().casefold()
    words = _SPACE_LIKE.sub(" ", _APOSTROPHES.sub("", folded)).split()
    # An answer that consists of punctuation (a bracket sequence) is compared as it is.
    return " ".join(filter(None, (word.strip(".:") for word in words))) or folded
