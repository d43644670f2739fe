"""Requests: k samples are k rows, and a row's rid names everything that shapes its completion."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pad_ray.config import TeacherConfig
from pad_ray.errors import DataError
from pad_ray.generation.teachers import Teacher
from pad_ray.prompts import load_examples
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, columns, table
from pad_ray.synthesis.contexts import Contexts
from pad_ray.synthesis.requests import make_request, make_requests

PAD = recipe_named("pad")
PROBLEM = {"id": "p1", "question": "What is 1 + 1?", "gold": "int:2"}
SAMPLING = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 64, "stop": ["\n"]}
MODEL = Teacher("vllm", "/models/org", "identity")


def _request(**changes: Any) -> Row:
    asked: dict[str, Any] = {"problem": PROBLEM, "k": 0, "prompt": "Question", "teacher": "identity", "seed": 0}
    sampling = {**SAMPLING, **{key: changes.pop(key) for key in [*changes] if key in SAMPLING}}
    return make_request(**{**asked, **changes}, sampling=sampling)


def _problems(count: int) -> list[Row]:
    return [
        {"id": f"p{n}", "question": f"What is {n} + 1?", "gold": f"int:{n + 1}", "meta": "{}"} for n in range(count)
    ]


def _requests(samples: int, shots: int = 4, problems: int = 100, **settings: Any) -> list[Row]:
    contexts = Contexts(load_examples("arithmetic"), shots)
    asked = TeacherConfig(samples=samples, shots=shots, seed=0, **settings)
    return list(make_requests(_problems(problems), asked, MODEL, PAD, contexts))


def test_the_same_request_has_the_same_rid() -> None:
    assert _request() == _request()


@pytest.mark.parametrize(
    "change",
    [
        {"problem": {**PROBLEM, "id": "p2"}},
        {"problem": {**PROBLEM, "question": "What is 1 + 2?"}},
        {"prompt": "Question "},
        {"teacher": "another"},
        {"temperature": 0.8},
        {"temperature": 0.0},
        {"top_p": 1.0},
        {"max_tokens": 65},
        {"stop": ["\n", "```"]},
        {"k": 1},
        {"seed": 1},
        {"seed": None},
    ],
)
def test_everything_that_shapes_a_completion_changes_its_rid(change: dict[str, Any]) -> None:
    assert _request(**change)["rid"] != _request()["rid"]


def test_gold_does_not_change_the_rid() -> None:
    assert _request(problem={**PROBLEM, "gold": "int:3"})["rid"] == _request()["rid"]


def test_an_id_is_the_rid_and_the_attempt() -> None:
    row = _request()
    assert (row["id"], row["attempt"]) == (f"{row['rid']}-0", 0)


def test_a_request_is_a_record_with_every_column() -> None:
    assert [*_request()] == columns("request")
    assert table("request", [_request()]).to_pylist() == [_request()]


def test_sampling_says_all_that_the_engine_is_told() -> None:
    sampling = json.loads(_request()["sampling"])
    assert sampling.pop("seed") == int(_request()["rid"][:7], 16)
    assert sampling == {"temperature": 0.7, "top_p": 0.9, "max_tokens": 64, "stop": ["\n"]}


@pytest.mark.parametrize("change", [{"temperature": 0}, {"seed": None}])
def test_greedy_or_unseeded_sampling_has_no_seed(change: dict[str, Any]) -> None:
    assert "seed" not in json.loads(_request(**change)["sampling"])


def test_each_problem_is_asked_as_often_as_there_shall_be_samples() -> None:
    rows = _requests(samples=3)
    assert sorted((row["problem_id"], row["k"]) for row in rows) == sorted(
        (f"p{n}", k) for n in range(100) for k in range(3)
    )
    assert len({row["id"] for row in rows}) == 300


def test_samples_of_a_problem_differ_in_seed_and_in_what_they_are_shown() -> None:
    rows = [row for row in _requests(samples=8) if row["problem_id"] == "p7"]
    assert len({json.loads(row["sampling"])["seed"] for row in rows}) == 8
    assert len({row["prompt"] for row in rows}) == 8


def test_contexts_rotate_when_there_are_fewer_than_samples() -> None:
    prompts = {row["k"]: row["prompt"] for row in _requests(samples=9, problems=1)}
    assert prompts[8] == prompts[0] != prompts[1]


def test_every_prompt_asks_its_own_question_with_as_many_examples_as_asked_for() -> None:
    for row in _requests(samples=2, shots=3):
        number = row["problem_id"][1:]
        assert row["prompt"].endswith(PAD.prompt(f"What is {number} + 1?"))
        assert row["prompt"].count("Question: ") == 4
        assert row["gold"] == f"int:{int(number) + 1}"


def test_samples_of_a_problem_stand_a_window_apart() -> None:
    order = [(row["problem_id"], row["k"]) for row in _requests(samples=2)]
    assert order[0] == ("p0", 0)
    assert order.index(("p0", 1)) == 64
    assert order.index(("p99", 1)) == 199


def test_stop_strings_of_the_user_take_the_place_of_the_recipes() -> None:
    [row] = _requests(samples=1, problems=1, stop=["END"])
    assert json.loads(row["sampling"])["stop"] == ["END"]


def test_a_chat_with_an_endpoint_is_asked_in_messages() -> None:
    http = {"kind": "http", "http": {"base_url": "http://localhost/v1"}, "ask": "chat", "system": "Be brief."}
    [row] = _requests(samples=1, shots=1, problems=1, **http)
    messages = json.loads(row["prompt"])
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[-1]["content"].endswith("What is 0 + 1?")
    assert json.loads(row["sampling"])["stop"] == []


def test_annotations_are_asked_with_the_rationale_alone() -> None:
    problem = {**PROBLEM, "meta": json.dumps({"rationale": "<<1+1=2>>"})}
    settings = TeacherConfig(kind="annotations", samples=1)
    [row] = make_requests([problem], settings, MODEL, PAD, Contexts([], 0))
    assert row["prompt"] == "<<1+1=2>>"
    with pytest.raises(DataError, match="problem p1 has no `rationale`, and no `program`"):
        make_requests([{**PROBLEM, "meta": "{}"}], settings, MODEL, PAD, Contexts([], 0))


@pytest.mark.parametrize(
    ("program", "asked"),
    [
        ("def solution():\n    return 1 + 1", "def solution():\n    return 1 + 1\n"),
        ("import math\ndef solution():\n    return 2", "def solution():\n    import math\n    return 2\n"),
        ("ans = 1 + 1", "<<1+1=2>>"),
        (None, "<<1+1=2>>"),
    ],
)
def test_a_problems_own_program_goes_before_the_notes_of_its_rationale(program: str | None, asked: str) -> None:
    problem = {**PROBLEM, "meta": json.dumps({"program": program, "rationale": "<<1+1=2>>"})}
    settings = TeacherConfig(kind="annotations", samples=1)
    assert [row["prompt"] for row in make_requests([problem], settings, MODEL, PAD, Contexts([], 0))] == [asked]
