"""Faults are kept where running them gives what they are meant to give."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pad_ray.confirmation import confirmed
from pad_ray.programs.faults import Edit, Fault, Kind, all_faults
from pad_ray.sandbox import Sandbox

RIGHT = "def solution():\n    a = 6\n    b = a - 2\n    a += 1\n    a *= 2\n    return a * b\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def _fault(kind: Kind, right: str, wrong: str) -> Fault:
    return Fault(kind, right, wrong, (Edit(0, len(right), wrong),), 0.0)


@pytest.mark.parametrize("kind", list(Kind))
def test_faults_of_every_kind_are_confirmed(kind: Kind, sandbox: Sandbox) -> None:
    assert confirmed(all_faults(RIGHT, [kind]), sandbox)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (Kind.CONSTANT, "return 2 * 3", "return 3 * 2"),  # the answer is the same
        (Kind.CONSTANT, "return 1 / 1", "return 1 / 0"),  # it fails in another way
        (Kind.RENAMED_USE, "a = 1; return a if 1 else a", "a = 1; return a if 1 else b"),  # what is never reached
        (Kind.OPERATOR, "return nothing", "return 1"),  # it was never right
        (Kind.OPERATOR, "return [1]", "return 1"),  # there is no answer to compare with
    ],
)
def test_faults_that_do_not_fail_as_meant_are_left_out(kind: Kind, right: str, wrong: str, sandbox: Sandbox) -> None:
    head = "def solution():\n    "
    assert confirmed([_fault(kind, head + right, head + wrong)], sandbox) == []


def test_order_is_kept(sandbox: Sandbox) -> None:
    faults = all_faults(RIGHT)
    places = [faults.index(fault) for fault in confirmed(faults, sandbox)]
    assert places == sorted(places)


def test_no_faults_are_none(sandbox: Sandbox) -> None:
    assert confirmed([], sandbox) == []
