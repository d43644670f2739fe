"""Subsets as they are asked: problems that are shown are not measured, and show different answers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.ability.settings import Settings
from pad_ray.ability.tasks import Task, load_tasks
from pad_ray.errors import ConfigError, DataError
from tests.ability.subset import write_subset


def _task(folder: Path, shots: int = 3, limit: int | None = None) -> Task:
    [task] = load_tasks(Settings(subsets=("navigate",), shots=shots, limit=limit, data=write_subset(folder)))
    return task


def test_the_first_problem_of_each_answer_is_shown_then_the_first_others(tmp_path: Path) -> None:
    assert [one.id for one in _task(tmp_path).shown] == ["navigate-0", "navigate-1", "navigate-2"]
    assert [one.id for one in _task(tmp_path, shots=2).shown] == ["navigate-0", "navigate-2"]


def test_what_is_shown_is_not_measured(tmp_path: Path) -> None:
    task = _task(tmp_path, shots=2)
    assert [one.id for one in task.measured] == ["navigate-1", "navigate-3", "navigate-4", "navigate-5"]


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    assert [one.id for one in _task(tmp_path, limit=2).measured] == ["navigate-3", "navigate-4"]


def test_a_prompt_ends_where_the_answer_begins(tmp_path: Path) -> None:
    task = _task(tmp_path, shots=1)
    assert task.prompt(task.measured[0]).endswith(
        "starting point.\n\nQ: Take 0 steps. Are you back?\nA: No\n\nQ: Take 1 steps. Are you back?\nA:"
    )


def test_a_chat_shows_problems_as_turns(tmp_path: Path) -> None:
    task = _task(tmp_path, shots=1)
    assert [turn["role"] for turn in task.messages(task.measured[0])] == ["user", "assistant", "user"]


def test_too_few_problems_to_show_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few to show 6"):
        _task(tmp_path, shots=6)


def test_an_unknown_subset_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="no subset `juggling` here"):
        Settings(subsets=("juggling",)).checked()
