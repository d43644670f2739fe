"""Greedy questions in bulk, and what comes of their answers."""

from __future__ import annotations

import json

import pytest

from pad_ray.errors import ConfigError
from pad_ray.evaluation.bulk import as_predictions, best_shots, decoded_requests, greedy_requests
from pad_ray.evaluation.settings import EvaluationConfig
from pad_ray.prompts import load_examples
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, columns, table
from pad_ray.verification import Comparison, Mode, Rules

PAD = recipe_named("pad")
EXAMPLES = load_examples("arithmetic")
PROBLEMS: list[Row] = [
    {"id": f"p{n}", "split": "test", "benchmark": "b", "question": f"What is {n}?", "gold": f"int:{n}", "meta": "{}"}
    for n in (2, 1, 3)
]


def _requests(*shots: int) -> list[Row]:
    return greedy_requests(PROBLEMS, "base", PAD, EvaluationConfig(max_tokens=50), shots, EXAMPLES)


def test_each_problem_is_asked_once_for_each_number_of_shots() -> None:
    rows = _requests(0, 4)
    assert [(row["k"], row["problem_id"]) for row in rows] == [(k, p["id"]) for k in (0, 4) for p in PROBLEMS]
    assert len({row["id"] for row in rows}) == 6
    assert table("request", rows).num_rows == 6


def test_k_is_the_number_of_worked_examples_in_the_prompt() -> None:
    assert all(row["prompt"].count("Question: ") == row["k"] + 1 for row in _requests(0, 4, 8))


def test_a_student_is_asked_without_examples() -> None:
    rows = greedy_requests(PROBLEMS, "student", PAD, EvaluationConfig())
    assert [row["prompt"] for row in rows] == [PAD.prompt(problem["question"]) for problem in PROBLEMS]


def test_answers_are_greedy_and_as_long_as_the_settings_allow() -> None:
    sampling = json.loads(_requests(0)[0]["sampling"])
    assert sampling == {"temperature": 0.0, "top_p": 1.0, "max_tokens": 50, "stop": list(PAD.stop)}


def test_texts_are_asked_for_with_how_their_answers_are_read() -> None:
    rules = Rules(extractor="strict", by_problem={"p1": Rules(Comparison(Mode.ROUND), extractor="flexible")})
    settings = EvaluationConfig(decoders=("self-consistency",))
    rows = decoded_requests(PROBLEMS, "m", recipe_named("cot"), settings, "self-consistency", rules=rules)
    read = {row["problem_id"]: json.loads(row["sampling"])["answer"] for row in rows}
    assert {id: (one["extractor"], one["comparison"]["mode"]) for id, one in read.items()} == {
        "p2": ("strict", "tolerance"),
        "p1": ("flexible", "round"),
        "p3": ("strict", "tolerance"),
    }
    assert {one["kind"] for one in read.values()} == {"number"}


def test_programs_are_asked_for_as_ever() -> None:
    [row, *_] = decoded_requests(PROBLEMS, "m", PAD, EvaluationConfig(), "self-consistency", rules=Rules())
    assert "answer" not in json.loads(row["sampling"])


def test_repair_goes_on_from_what_was_written_without_it() -> None:
    written = {"completion": "return 2", "prompt_tokens": 9, "completion_tokens": 3, "trace": None, "verdict": "ok"}
    rows = decoded_requests(PROBLEMS, "m", PAD, EvaluationConfig(), "greedy+repair", first={"p1": written})
    first = {row["problem_id"]: json.loads(row["sampling"]).get("first") for row in rows}
    del written["verdict"]  # what is known of the answer stays behind
    assert first == {"p2": None, "p1": written, "p3": None}


def test_more_shots_than_there_are_examples_are_refused() -> None:
    with pytest.raises(ConfigError, match="33 worked examples are asked for and there are 32"):
        _requests(33)


def test_predictions_know_their_problem_and_come_in_its_order() -> None:
    samples = [{"id": f"{p}-{k}", "problem_id": p, "k": k} for p in ("p1", "p2", "p3") for k in (4, 0)]
    rows = as_predictions(samples, PROBLEMS)
    assert [row["id"] for row in rows] == ["p2-0", "p1-0", "p3-0", "p2-4", "p1-4", "p3-4"]
    assert {key: rows[0][key] for key in ("benchmark", "split", "question")} == {
        "benchmark": "b",
        "split": "test",
        "question": "What is 2?",
    }
    assert set(rows[0]) <= set(columns("prediction"))


@pytest.mark.parametrize(
    ("right", "best"),
    [({0: 1, 4: 3, 8: 2}, 4), ({0: 0, 8: 2, 4: 2}, 4), ({0: 0, 4: 0, 8: 0}, 0), ({8: 1, 0: 2}, 0), ({8: 0}, 8)],
)
def test_the_best_prompt_has_most_right_answers_and_the_smaller_wins_a_tie(right: dict[int, int], best: int) -> None:
    rows = [{"k": k, "verdict": "ok" if n < count else "timeout"} for k, count in right.items() for n in range(4)]
    assert best_shots(rows) == best
