"""Errors: one tree, exit codes, and a way across process boundaries."""

from __future__ import annotations

import pickle
import re

import pytest

from pad_ray import errors
from pad_ray.errors import InputError, PadRayError, PlacementError, StageError, TeacherError

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, PadRayError)]


@pytest.mark.parametrize("kind", ALL)
def test_an_error_crosses_processes_whole(kind: type[PadRayError]) -> None:
    back = pickle.loads(pickle.dumps(kind("a, line 3: no `answer`", "Give one")))
    assert type(back) is kind
    assert (back.problem, back.mend, back.exit_code) == ("a, line 3: no `answer`", "Give one", kind.exit_code)


@pytest.mark.parametrize("kind", ALL)
def test_bad_input_ends_with_2_and_a_failed_run_with_1(kind: type[PadRayError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, InputError | PlacementError | TeacherError) else 1)


def test_the_message_is_the_problem_and_then_the_mend() -> None:
    assert str(StageError("it failed", "Try again")) == "it failed. Try again"
    assert str(StageError("it failed")) == "it failed"


def test_the_tree_in_the_docstring_names_every_error() -> None:
    drawn = re.findall(r"^[ │├└─]+(\w+) {2,}", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in ALL)
