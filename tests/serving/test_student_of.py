"""Which folder `serve --run` serves: that of the last round, whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.errors import InputError
from pad_ray.export import merge_adapter
from pad_ray.serving.launch import student_of
from pad_ray.serving.model import resolve_student
from pad_ray.training.students import load_model
from tests.past_run import write_run
from tests.trained_run import write_trained
from tests.training.tiny import make_student


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("t5", tmp_path_factory.mktemp("base"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAD_RAY_CACHE", str(tmp_path / "cache"))


def same_weights(one: str, other: str) -> bool:
    ours, theirs = load_model(one, "fp32").state_dict(), load_model(other, "fp32").state_dict()
    return ours.keys() == theirs.keys() and all(ours[name].equal(theirs[name]) for name in ours)


def test_a_plain_student_is_served_where_it_is(tmp_path: Path, base: str) -> None:
    run = write_trained(tmp_path, base, lora=False)
    assert student_of(run) == (run / "student").path


def test_after_rounds_it_is_the_student_of_the_last(tmp_path: Path, base: str) -> None:
    run = write_trained(tmp_path, base, lora=False, rounds=2)
    assert student_of(run) == (run / "round-2/student").path


def test_an_adapter_is_merged_and_can_be_served(tmp_path: Path, base: str) -> None:
    run = write_trained(tmp_path, base, lora=True)
    assert same_weights(resolve_student(student_of(run)), merge_adapter(run).path)


def test_the_adapter_of_the_last_round_is_the_one_that_is_merged(tmp_path: Path, base: str) -> None:
    run = write_trained(tmp_path, base, lora=True, rounds=1)
    served = resolve_student(student_of(run))
    assert not same_weights(served, merge_adapter(run).path)
    assert not same_weights(served, base)


def test_a_run_without_a_student_has_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no finished student"):
        student_of(write_run(tmp_path).storage)
