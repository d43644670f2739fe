"""The final answer in a text: what each extractor reads, and that it agrees with how golds are read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from pad_ray.errors import ConfigError
from pad_ray.extractors import EXTRACTORS, extractor_named, find_final, flexible, strict
from pad_ray.jsonl import read_rows
from pad_ray.programs.answers import Kind, Outcome, compare, parse_gold
from pad_ray.programs.values import Value

# What a model wrote, gold, whether strict takes it for right, whether flexible does.
CASES: list[tuple[str, Value, bool, bool]] = [
    ("9 * 2 = 18\n#### 18", 18, True, True),
    ("####18", 18, True, True),
    ("The answer is 18.", 18, True, True),
    ("So the answer is: 18", 18, True, True),
    ("Therefore, the final answer is **18**.", 18, True, True),
    ("the answer is $18", 18, True, True),
    ("#### $18.00", 18, True, True),
    ("#### 18 eggs", 18, True, True),
    ("The answer is 18 dollars a day.", 18, True, True),
    ("#### 1,234", 1234, True, True),
    ("#### 1,234,567.5", 1234567.5, True, True),
    ("#### 1,00,000", 100000, True, True),
    ("#### -5", -5, True, True),
    ("#### −5", -5, True, True),
    ("The answer is -$5.", -5, True, True),
    ("The answer is $-5.", -5, True, True),
    ("#### 1/2", "1/2", True, True),
    ("#### 2 1/2", 2.5, True, True),
    ("The answer is 3/4 of a cake.", 0.75, True, True),
    ("#### 50%", 50, True, True),
    ("#### 50%", "50%", True, True),
    ("#### 50%", 0.5, True, True),
    ("The answer is 50 percent.", 50, True, True),
    ("#### .5", 0.5, True, True),
    ("#### 1e6", 1000000, True, True),
    ("#### 5kg", 5, True, True),
    ("#### 17", 18, False, False),
    ("She has 18 eggs", 18, False, True),
    ("She makes 9 * 2 = $18 every day.", 18, False, True),
    ("10-8 leaves 2", 2, False, True),
    ("A range of 3-5", 5, False, True),
    ("It costs 5.", 5, False, True),
    ("50% of 10 is 5", 5, False, True),
    ("He has 3, 4 and 5", 5, False, True),
    ("it is model x2", 2, False, False),
    ("The answer is 3 + 4 = 7", 3, False, False),
    ("The answer is 3 + 4 = 7", 7, False, True),
    ("The answer is 5, 6", 5, False, False),
    ("#### 18\nThat took 3 steps.", 18, True, False),
    ("Ann: #### 9\nBob: #### 18", 18, True, True),
    ("The answer is five.", 5, False, False),
    ("####", 18, False, False),
    ("", 18, False, False),
    ("#### 1/0", 0, False, False),
    ("The answer is yes.", "yes", True, True),
    ("The answer is Yes, since cats are mammals.", "yes", True, True),
    ("#### no", "yes", False, False),
    ("#### True", "yes", True, True),
    ("No dog flies. So yes", "yes", False, True),
    ("Nobody knows.", "no", False, False),
    ("The answer is (B).", "(B)", True, True),
    ("The answer is B", "(B)", True, True),
    ("#### b)", "(B)", True, False),
    ("(A) is too long, I take (C).", "(C)", False, True),
    ("The answer is blue.", "(B)", False, False),
    ("The answer is apple pear.", "apple pear", True, True),
    ("#### NK", "nk", True, True),
]


def _right(value: Value, gold: Value) -> bool:
    return compare(value, parse_gold(gold)) is Outcome.EQUAL  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "gold", "by_strict", "by_flexible"), CASES)
def test_strict_reads_what_stands_behind_the_mark(text: str, gold: Value, by_strict: bool, by_flexible: bool) -> None:
    assert _right(strict(text, parse_gold(gold).kind), gold) is by_strict  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "gold", "by_strict", "by_flexible"), CASES)
def test_flexible_reads_the_last_of_its_kind(text: str, gold: Value, by_strict: bool, by_flexible: bool) -> None:
    assert _right(flexible(text, parse_gold(gold).kind), gold) is by_flexible  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "value"),
    [("18.00", 18), ("0.1", 0.1), ("2/3", Fraction(2, 3)), ("1,000", 1000), ("50 %", "50%"), ("4/2", 2), ("007", 7)],
)
@pytest.mark.parametrize("name", sorted(EXTRACTORS))
def test_a_number_comes_as_its_simplest_value(name: str, written: str, value: Value) -> None:
    found = extractor_named(name)(f"#### {written}", Kind.NUMBER)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"), [("#### 3", 3), ("#### yes", "yes"), ("#### (c)", "(c)"), ("#### two words.", "two words")]
)
def test_without_a_kind_strict_finds_the_kind_itself(text: str, value: Value) -> None:
    assert strict(text) == value


@pytest.mark.parametrize("text", ["9" * 100_000, "1," * 50_000, "#### " * 40_000, "1/" * 50_000, "-" * 100_000])
@pytest.mark.parametrize("name", sorted(EXTRACTORS))
def test_long_hostile_text_ends_soon(name: str, text: str) -> None:
    for kind in Kind:
        extractor_named(name)(text, kind)


def test_the_mark_is_found_with_the_words_that_lead_to_it() -> None:
    text = "She has 3 eggs. So the answer is 3.\nMore."
    final = find_final(text)
    assert final is not None
    assert (text[: final.start], final.phrase, text[final.stop :]) == ("She has 3 eggs. ", "3.", "\nMore.")


def test_an_unknown_extractor_gets_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match="flexible, strict"):
        extractor_named("loose")


def test_every_human_solution_of_gsm8k_gives_its_gold(data_folder: Path) -> None:
    rows = [row.fields for row in read_rows(data_folder / "gsm8k/train.jsonl")]
    assert all(_right(strict(row["rationale"], Kind.NUMBER), row["answer"]) for row in rows)
