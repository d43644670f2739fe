"""Right and wrong samples of one problem as what a student learns, and what is learnt plainly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pad_ray.config import ExamplesConfig
from pad_ray.lessons import learnt_digest
from pad_ray.recipes import recipe_named
from pad_ray.recipes.edit import shows_wrong
from pad_ray.records import Row, table
from pad_ray.synthesis.edit_settings import EditConfig
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.pairs import with_pairs

QUESTIONS = {"p1": "One?", "p2": "Two?"}
EDIT = recipe_named("edit")


def _sample(id: str, value: str, verdict: str = "ok", problem: str = "p1", **facts: Any) -> Row:
    body = f"\n    nuts = 3\n    return {value}"
    told = {"program": f"def solution():{body}", "completion": body, "forged": False, "finish_reason": "stop"}
    return {"id": id, "problem_id": problem, "verdict": verdict, **told, **facts}


def _paired(*samples: Row, recipe: str = "edit", **settings: Any) -> list[Row]:
    made = make_examples(samples, QUESTIONS, recipe_named(recipe), ExamplesConfig())
    return with_pairs(made, samples, recipe_named(recipe), EditConfig(**settings))


def test_a_right_sample_and_its_nearest_wrong_one_tell_of_each_other() -> None:
    right, near = _sample("a-0", "nuts + 4"), _sample("b-0", "nuts - 4", "wrong_answer")
    far = _sample("c-0", "max(nuts, 9 * 9)", "name_error")
    rows = {row["id"]: row for row in _paired(right, far, near, alpha=2, beta=0.5)}
    assert list(rows) == ["a-0", "b-0-edit"]
    right_text, wrong_text = rows["a-0"]["target"], rows["b-0-edit"]["target"]
    assert json.loads(rows["a-0"]["contrast"]) == {"text": wrong_text, "alpha": 2}
    assert json.loads(rows["b-0-edit"]["contrast"]) == {"text": right_text, "beta": 0.5}
    assert rows["b-0-edit"]["prompt"] == rows["a-0"]["prompt"] == EDIT.prompt("One?")
    assert (rows["b-0-edit"]["lesson"], rows["b-0-edit"]["sample_id"]) == ("edit:wrong_answer", "b-0")
    assert table("example", list(rows.values())).num_rows == 2


def test_a_problem_without_a_wrong_sample_is_learnt_plainly() -> None:
    rows = _paired(_sample("a-0", "nuts + 4"), _sample("b-0", "nuts - 4", "wrong_answer", problem="p2"))
    assert [(row["id"], row.get("contrast")) for row in rows] == [("a-0", None)]


@pytest.mark.parametrize(
    "facts",
    [{"finish_reason": "length"}, {"forged": True}, {"verdict": "sandbox_error"}, {"program": None}],
    ids=["cut off", "forged", "trouble of the sandbox", "no program"],
)
def test_what_says_nothing_about_the_program_is_no_pair(facts: dict[str, Any]) -> None:
    wrong = {**_sample("b-0", "nuts - 4", "wrong_answer"), **facts}
    assert not any(row.get("contrast") for row in _paired(_sample("a-0", "nuts + 4"), wrong))


def test_a_right_sample_that_is_not_learnt_is_in_no_pair() -> None:
    forged = _sample("a-0", "nuts + 4", forged=True)
    [row] = _paired(forged, _sample("b-0", "nuts - 4", "wrong_answer"))
    assert (row["used"], row.get("contrast")) == (False, None)


def test_a_problem_has_so_many_pairs_as_the_settings_allow() -> None:
    samples = [_sample(f"r{n}-0", f"nuts + {n}") for n in range(3)]
    samples += [_sample(f"w{n}-0", f"nuts - {n}", "wrong_answer") for n in range(3)]
    assert [sum(map(shows_wrong, _paired(*samples, pairs=count))) for count in (1, 2, 9)] == [1, 2, 3]


def test_without_beta_the_wrong_one_is_not_read() -> None:
    rows = _paired(_sample("a-0", "nuts + 4"), _sample("b-0", "nuts - 4", "wrong_answer"), beta=0)
    assert [row["id"] for row in rows] == ["a-0"]
    assert json.loads(rows[0]["contrast"])["alpha"] == 1


def test_chains_are_paired_as_programs_are() -> None:
    texts = {"a-0": "She has 3 + 4 = 7.\n#### 7", "b-0": "She has 3 - 4 = 1.\n#### 1"}
    samples = [
        _sample(id, "", verdict, program=None, completion=texts[id])
        for id, verdict in (("a-0", "ok"), ("b-0", "wrong_answer"))
    ]
    rows = _paired(*samples, recipe="edit_cot")
    assert [row["lesson"] for row in rows] == [None, "edit:wrong_answer"]
    assert rows[1]["target"] == "\nShe has 3 - 4 = 1.\n#### 1\n"


def test_other_weights_teach_something_else_and_no_pairs_what_was_taught_before() -> None:
    samples = [_sample("a-0", "nuts + 4"), _sample("b-0", "nuts - 4", "wrong_answer")]
    plain = make_examples(samples, QUESTIONS, EDIT, ExamplesConfig())
    digests = [learnt_digest(rows) for rows in (plain, _paired(*samples), _paired(*samples, alpha=3))]
    assert len(set(digests)) == 3
    assert learnt_digest([{**row, "contrast": None} for row in plain]) == digests[0]
