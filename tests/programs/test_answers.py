"""Gold answers are understood as people write them; every comparison ends at once, whatever the value."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.programs.answers import Comparison, Kind, Mode, Outcome, compare, parse_gold, parse_number
from pad_ray.programs.values import Value

EXACT, ROUND, STRING = Comparison(Mode.EXACT), Comparison(Mode.ROUND), Comparison(Mode.STRING)


def _outcome(value: Value, gold: str | int | float, comparison: Comparison | None = None) -> Outcome:
    return compare(value, parse_gold(gold), comparison)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("18", (18,)),
        (" 18. ", (18,)),
        ("-3.50", (Fraction("-3.5"),)),
        ("\u22127", (-7,)),
        ("+5", (5,)),
        (".5", (Fraction(1, 2),)),
        ("$29.00", (29,)),
        ("-$5", (-5,)),
        ("$-5", (-5,)),
        ("20 €", (20,)),
        ("1,234", (1234,)),
        ("1,234,567.5", (Fraction("1234567.5"),)),
        ("12,34,567", (1234567,)),
        ("50%", (50, Fraction(1, 2))),
        ("12.5 %", (Fraction("12.5"), Fraction("0.125"))),
        ("1/2", (Fraction(1, 2),)),
        ("-1 / 4", (Fraction(-1, 4),)),
        ("2 1/2", (Fraction(5, 2),)),
        ("1e6", (1_000_000,)),
        ("2.5E-3", (Fraction("0.0025"),)),
    ],
)
def test_numbers_as_people_write_them(text: str, numbers: tuple[Fraction, ...]) -> None:
    assert parse_number(text) == numbers


@pytest.mark.parametrize(
    "text",
    ["", ".", "$", "%", "-", "1,23", "1,2345", "1/0", "3 apples", "1 2", "0x10", "nan", "inf", "1e9999"],
)
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) == ()


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        (18, Kind.NUMBER),
        ("$29.00", Kind.NUMBER),
        ("yes", Kind.TRUTH),
        ("No.", Kind.TRUTH),
        ("True", Kind.TRUTH),
        ("(B)", Kind.CHOICE),
        ("budd deform", Kind.TEXT),
    ],
)
def test_kind_of_gold(gold: str | int, kind: Kind) -> None:
    assert parse_gold(gold).kind is kind


@pytest.mark.parametrize("gold", [math.nan, math.inf, "", "  ", 10**4_000, Decimal("sNaN")])
def test_gold_that_nothing_can_equal_is_refused(gold: str | float) -> None:
    with pytest.raises(ValueError, match="the gold answer"):
        parse_gold(gold)


@pytest.mark.parametrize(
    ("value", "gold"),
    [
        (18, 18),
        (18.0, 18),
        (18.0009, 18),
        (1_000_000.9, 1_000_000),
        (0.333, "1/3"),
        (Fraction(1, 3), 0.3333333333),
        (Decimal("29.00"), "$29.00"),
        (Decimal("0." + "3" * 9_000), "1/3"),
        (50, "50%"),
        (0.5, "50%"),
        ("50%", 0.5),
        ("42", 42),
        ("$1,234.00", 1234),
        (True, "yes"),
        ("No", "no"),
        ("true", "True"),
        (False, "False"),
        ("B", "(B)"),
        ("(b)", "(B)"),
        ("(B) 05/01/2021", "(B)"),
        ("B.", "(B)"),
        ("Blue.", "blue"),
        ('"New  York"', "new york"),
        (["budd", "deform"], "budd deform"),
        (("a", 1), "a 1"),
        ("] )", "] )"),
        (10**400, "1" + "0" * 400),
    ],
)
def test_equal_by_default(value: Value, gold: str | float) -> None:
    assert _outcome(value, gold) is Outcome.EQUAL


@pytest.mark.parametrize(
    ("value", "gold"),
    [
        (18.002, 18),
        (1_000_002, 1_000_000),
        (0.4, "50%"),
        (1, "yes"),
        (False, "yes"),
        ("C", "(B)"),
        ("a cat", "(B)"),
        (5, "blue"),
        ("] ]", "] )"),
        (["deform", "budd"], "budd deform"),
        (10**400 + 1, "1" + "0" * 400),
        (-(10**400), 5),
    ],
)
def test_unequal_by_default(value: Value, gold: str | float) -> None:
    assert _outcome(value, gold) is Outcome.UNEQUAL


@pytest.mark.parametrize(
    "value",
    [True, False, (18, 18), [18], "eighteen", "18 apples", "", math.nan, math.inf, Decimal("-Infinity")],
)
def test_where_gold_is_a_number_other_values_are_unfit(value: Value) -> None:
    assert _outcome(value, 18) is Outcome.UNFIT


@pytest.mark.parametrize("gold", [18, "yes", "(B)", "blue"])
def test_none_is_no_value(gold: str | int) -> None:
    assert _outcome(None, gold) is Outcome.NO_VALUE


@pytest.mark.parametrize(
    ("value", "gold", "outcome"),
    [
        (18.0, 18, Outcome.EQUAL),
        (0.1, "0.1", Outcome.EQUAL),
        (Fraction(1, 10), 0.1, Outcome.EQUAL),
        (0.1 + 0.2, 0.3, Outcome.UNEQUAL),
        (18.0009, 18, Outcome.UNEQUAL),
        ("18", 18, Outcome.UNFIT),
        ("Blue", "blue", Outcome.UNEQUAL),
        ("blue", "blue", Outcome.EQUAL),
        (True, "True", Outcome.EQUAL),
        (True, "yes", Outcome.UNEQUAL),
    ],
)
def test_exact(value: Value, gold: str | float, outcome: Outcome) -> None:
    assert _outcome(value, gold, EXACT) is outcome


@pytest.mark.parametrize(
    ("value", "gold", "outcome"),
    [
        (7.4, 7, Outcome.EQUAL),
        (6.5, 6, Outcome.EQUAL),
        (7.6, 7, Outcome.UNEQUAL),
        ("7.4", 7, Outcome.EQUAL),
        (0.3, "50%", Outcome.UNEQUAL),
        (1e308, 7, Outcome.UNEQUAL),
        (math.inf, 7, Outcome.UNFIT),
    ],
)
def test_round_to_the_nearest_integer(value: Value, gold: str | float, outcome: Outcome) -> None:
    assert _outcome(value, gold, ROUND) is outcome


@pytest.mark.parametrize(
    ("value", "gold", "outcome"),
    [
        ("NK", "nk", Outcome.EQUAL),
        (" Yes. ", "yes", Outcome.EQUAL),
        (42, "42", Outcome.EQUAL),
        (42.0, "42", Outcome.UNEQUAL),
        (True, "yes", Outcome.UNEQUAL),
    ],
)
def test_everything_as_text(value: Value, gold: str, outcome: Outcome) -> None:
    assert _outcome(value, gold, STRING) is outcome


def _nested(depth: int) -> Value:
    value: Value = 1
    for _ in range(depth):
        value = [value]
    return value


# Each of these would take minutes or gigabytes if it were written out, raised to a power or compared exactly.
HOSTILE: list[Value] = [
    1 << 50_000_000,
    -(1 << 50_000_000),
    Fraction(1, 1 << 50_000_000),
    Decimal("9E+999999999999999999"),
    Decimal("1E-999999999999999999"),
    Decimal("0E+999999999999999999"),
    Decimal("1" * 1_000_000),
    Decimal("sNaN"),
    math.nan,
    math.inf,
    "9" * 1_000_000,
    "1e999999999",
    "9**9**9**9**9",
    "1/" + "0" * 1_000_000,
    "(" * 1_000_000,
    " " * 1_000_000 + "7",
    "\ud800\x00\u202e",
    _nested(100_000),
    [_nested(3)] * 100_000,
    ["x" * 1_000_000] * 1_000,
    [[]] * 1_000_000,
]
GOLDS: list[str | float] = [18, 0.75, 1e300, "50%", "4/3", "yes", "(B)", "a b c", "x" * 20_000]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_equal_nothing(value: Value, mode: Mode) -> None:
    assert Outcome.EQUAL not in {_outcome(value, gold, Comparison(mode)) for gold in GOLDS}


@given(st.floats(), st.floats(allow_nan=False, allow_infinity=False))
def test_tolerance_is_that_of_isclose(value: float, gold: float) -> None:
    close = math.isclose(value, gold, rel_tol=1e-6, abs_tol=1e-3)
    assert (_outcome(value, gold) is Outcome.EQUAL) == close


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.fractions(), st.sampled_from(Mode))
def test_a_number_equals_itself(number: int | float | Fraction, mode: Mode) -> None:
    assert compare(number, parse_gold(number), Comparison(mode)) is Outcome.EQUAL


@given(st.integers(), st.sampled_from([Mode.TOLERANCE, Mode.EXACT, Mode.ROUND]))
def test_writing_a_number_otherwise_changes_nothing(number: int, mode: Mode) -> None:
    for text in (f"{number:,}", f"{number}.00", f"${number}", f"{number}/1", f" {number}."):
        assert _outcome(number, text, Comparison(mode)) is Outcome.EQUAL


@given(st.text())
def test_any_text_is_a_gold_or_refused_and_equals_itself(text: str) -> None:
    try:
        gold = parse_gold(text)
    except ValueError:
        return
    assert compare(text, gold) is Outcome.EQUAL


@pytest.mark.parametrize("tolerance", [-1e-3, math.inf, math.nan])
def test_tolerances_must_make_sense(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerances"):
        Comparison(relative=tolerance)
