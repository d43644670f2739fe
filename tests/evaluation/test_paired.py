"""The exact paired test and the interval of a difference on the same problems."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.evaluation.paired import Paired, pair, sign_test

COUNTS = st.integers(0, 60)
TABLES = st.builds(Paired, COUNTS, COUNTS, COUNTS, COUNTS)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 0.0625),
        (6, 0, 0.03125),
        (8, 1, 0.0390625),
        (15, 5, 0.04138947),
        (3, 3, 1.0),
        # 86 and 150 of 1,600: Agresti, Categorical Data Analysis, the approval of a prime minister.
        (86, 150, 3.716e-05),
    ],
)
def test_the_test_is_the_binomial_one(gained: int, lost: int, p: float) -> None:
    assert sign_test(gained, lost) == pytest.approx(p, rel=2e-4)


def test_many_problems_are_no_trouble() -> None:
    assert 0 < sign_test(3000, 2700) < 1e-3
    assert sign_test(9000, 0) == 0


@given(TABLES)
def test_the_sides_are_alike(table: Paired) -> None:
    mirrored = Paired(table.both, table.gained, table.lost, table.neither)
    assert mirrored.p_value == table.p_value
    assert mirrored.difference == -table.difference
    low, high = table.interval()
    assert mirrored.interval() == pytest.approx((-high, -low))


@given(TABLES)
def test_an_interval_lies_within_bounds_and_has_a_width(table: Paired) -> None:
    low, high = table.interval()
    assert -1 <= low < high <= 1


@given(COUNTS, COUNTS, COUNTS)
def test_more_gains_raise_both_bounds(both: int, lost: int, gained: int) -> None:
    one, more = (Paired(both, lost, gained + extra, 120 - gained - extra).interval() for extra in (0, 10))
    assert more[0] > one[0]
    assert more[1] > one[1]


def test_with_many_problems_the_interval_is_that_of_wald() -> None:
    # The approval of a prime minister again, where so many problems leave Wald's interval what it is.
    assert Paired(794, 150, 86, 570).interval() == pytest.approx((-0.059, -0.021), abs=5e-4)


def test_the_interval_agrees_with_a_published_value() -> None:
    # The example of `diffpropci.mp` in R's PropCIs, which is by the authors of the interval and their students.
    assert Paired(lost=40, gained=20, neither=100).interval() == pytest.approx((-0.21601726, -0.03089632), abs=1e-6)


@pytest.mark.parametrize(("lose", "gain"), [(0.1, 0.1), (0.05, 0.15), (0.2, 0.3), (0.02, 0.02)])
def test_the_interval_covers_the_difference_as_often_as_it_says(lose: float, gain: float) -> None:
    """Exactly, by every table of 40 problems."""
    n, covered = 40, 0.0
    for lost in range(n + 1):
        for gained in range(n + 1 - lost):
            low, high = Paired(0, lost, gained, n - lost - gained).interval()
            if low <= gain - lose <= high:
                ways = math.comb(n, lost) * math.comb(n - lost, gained)
                covered += ways * lose**lost * gain**gained * (1 - lose - gain) ** (n - lost - gained)
    assert covered >= 0.94


@given(st.dictionaries(st.text(max_size=2), st.booleans()), st.dictionaries(st.text(max_size=2), st.booleans()))
def test_only_problems_that_both_answered_count(first: dict[str, bool], second: dict[str, bool]) -> None:
    table = pair(first, second)
    both = first.keys() & second.keys()
    assert table.n == len(both)
    assert table.both + table.lost == sum(first[id] for id in both)
    assert table.both + table.gained == sum(second[id] for id in both)


def test_nothing_in_common_says_nothing() -> None:
    table = pair({"a": True}, {"b": False})
    assert (table.difference, table.p_value) == (0.0, 1.0)
    low, high = table.interval()
    assert low < 0 < high
