"""Evaluation sets by name: what is loaded, what is said of a part, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pad_ray.benchmarks import (
    BENCHMARKS,
    State,
    availability,
    benchmark_at,
    benchmark_named,
    coverage,
    load_benchmark,
)
from pad_ray.errors import ConfigError, DataError
from pad_ray.programs.answers import Outcome, compare, parse_gold
from pad_ray.programs.values import Value


def _write(folder: Path, path: str, count: int) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"id": f"q{n}", "question": f"What is {n} + 1?", "answer": n + 1} for n in range(count)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_names_are_unique() -> None:
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == len(names)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no benchmark is named `gsm8`\. Did you mean `gsm8k`\?"):
        benchmark_named("gsm8")


def test_a_name_that_is_near_to_none_gets_them_all() -> None:
    with pytest.raises(ConfigError, match="There are: gsm8k, "):
        benchmark_named("zzzz")


def test_the_papers_set_leaves_out_the_first_four(tmp_path: Path) -> None:
    _write(tmp_path, "gsm8k/test.jsonl", 6)
    assert [problem.id for problem in load_benchmark("gsm8k_paper", tmp_path)] == ["q4", "q5"]
    assert len(load_benchmark("gsm8k", tmp_path)) == 6


def test_the_data_folder_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, "svamp/test.jsonl", 3)
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path))
    assert len(load_benchmark("svamp")) == 3


@pytest.mark.parametrize(
    ("count", "state", "says"),
    [
        (0, State.MISSING, "missing: 0 of 1,000"),
        (500, State.PARTIAL, "partial: 500 of 1,000"),
        (1000, State.COMPLETE, "complete: 1,000 of 1,000"),
    ],
)
def test_a_part_of_a_set_is_said_to_be_one(tmp_path: Path, count: int, state: State, says: str) -> None:
    if count:
        _write(tmp_path, "svamp/test.jsonl", count)
    found = coverage(benchmark_named("svamp"), tmp_path)
    assert (found.found, found.expected, found.state, str(found)) == (count, 1000, state, says)


def test_without_a_data_folder_every_set_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    assert {row.state for row in availability()} == {State.MISSING}
    with pytest.raises(DataError, match="PAD_RAY_DATA"):
        load_benchmark("gsm8k")


def test_a_missing_file_is_named_with_the_variable(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="PAD_RAY_DATA") as caught:
        load_benchmark("asdiv", tmp_path)
    assert str(tmp_path / "asdiv/test.jsonl") in str(caught.value)


def test_a_file_is_known_as_a_benchmarks_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _write(tmp_path, "svamp/test.jsonl", 1)
    link = tmp_path / "mine.jsonl"
    link.symlink_to(file)
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path))
    found = [benchmark_at(path) for path in (file, link, "svamp/test.jsonl", "/elsewhere/svamp/test.jsonl")]
    assert [benchmark.name if benchmark else None for benchmark in found] == ["svamp"] * 4
    assert benchmark_at(tmp_path / "svamp/train.jsonl") is None


@pytest.mark.parametrize(
    ("name", "value", "gold", "equal"),
    [
        ("gsm8k", 18.0004, 18, True),
        ("gsm8k", 18.4, 18, False),
        ("gsm8k_paper", 18.4, 18, True),
        ("gsm_hard", 3431581, 3431580, False),
        ("gsm_hard", 14053029.6666667, 14053029.666666666, True),
        ("strategyqa", True, "yes", True),
        ("strategyqa", "No.", "no", True),
        ("bbh_navigate", False, "No", True),
        ("bbh_boolean_expressions", True, "True", True),
        ("bbh_word_sorting", ["a", "b"], "a b", True),
        ("bbh_date_understanding", "B", "(B)", True),
        ("bbh_date_understanding", "(B) 12/25/1937", "(B)", True),
        ("bbh_date_understanding", "(C)", "(B)", False),
    ],
)
def test_each_set_compares_answers_in_its_way(name: str, value: Value, gold: str | float, equal: bool) -> None:
    outcome = compare(value, parse_gold(gold), benchmark_named(name).match)
    assert (outcome is Outcome.EQUAL) is equal


def test_every_set_at_hand_can_be_loaded_and_compared(data_folder: Path) -> None:
    for row in availability(data_folder):
        if row.state is not State.MISSING:
            problems = load_benchmark(row.benchmark.name, data_folder)
            assert len(problems) == row.found
            assert all(parse_gold(problem.answer) for problem in problems)
