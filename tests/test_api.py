"""The same from Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

import pad_ray
from pad_ray.errors import ConfigError

RIGHT = "def solution():\n    return 6 * 7\n"


@pytest.fixture
def recorded(tmp_path: Path) -> dict[str, object]:
    """A configuration whose teacher is a file."""
    problems = [{"id": f"p{n}", "question": f"What is {n} and 2?", "answer": n + 2} for n in range(20)]
    said = [{"problem_id": f"p{n}", "completion": f"def solution():\n    return {n + 2}\n"} for n in range(20)]
    for name, rows in (("problems", problems), ("said", said)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {
        "name": "mine",
        "runs": str(tmp_path / "runs"),
        "problems": {"train": str(tmp_path / "problems.jsonl")},
        "teacher": {"kind": "recorded", "file": str(tmp_path / "said.jsonl"), "shots": 0, "samples": 1},
    }


def test_verify_gives_a_judgement_for_each() -> None:
    judgements = pad_ray.verify([RIGHT, "```python\n" + RIGHT + "```", "nothing", None], [42, 41, 42, 42])
    assert [str(judgement.verdict) for judgement in judgements] == [
        "ok",
        "wrong_answer",
        "no_program",
        "teacher_error",
    ]


def test_verify_compares_as_it_is_told() -> None:
    [judgement] = pad_ray.verify(["ans = 7.4"], [7], mode="round")
    assert judgement.verdict is pad_ray.Verdict.OK


def test_verify_wants_an_answer_for_each() -> None:
    with pytest.raises(ValueError, match="1 completions, 2 gold answers"):
        pad_ray.verify([RIGHT], [1, 2])


@pytest.mark.filterwarnings("default")
def test_run_does_what_the_command_does(recorded: dict[str, object]) -> None:
    result = pad_ray.run(recorded, {"examples.per_problem": 2}, until="examples")
    assert result == pad_ray.RunResult(f"{recorded['runs']}/mine", [], None, None)
    marks = Path(result.folder, "verdicts").glob("*/done.json")
    assert [json.loads(mark.read_text())["ok"] for mark in marks] == [16]
    assert "per_problem: 2" in Path(result.folder, "run.yaml").read_text()


def test_run_takes_settings_that_were_checked_before(recorded: dict[str, object]) -> None:
    config = pad_ray.RunConfig.model_validate(recorded)
    with pytest.raises(ConfigError, match=r"recipe `pod` is unknown"):
        pad_ray.run(config, {"recipe": "pod"})


def test_run_leaves_the_mapping_that_it_was_given_alone(recorded: dict[str, object]) -> None:
    before = json.dumps(recorded)
    with pytest.raises(ConfigError):
        pad_ray.run(recorded, {"recipe": "pod"})
    assert json.dumps(recorded) == before


@pytest.mark.engine
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("decoder", ["step-beam", "greedy"])
def test_solve_answers_questions_with_programs_that_ran(decoder: Literal["step-beam", "greedy"]) -> None:
    questions = ["Ann has 3 nuts and finds 4. How many nuts has she?", "What is 5 and 6?"]
    solutions = pad_ray.solve(questions, max_tokens=48, decoder=decoder)
    assert [solution.question for solution in solutions] == questions
    for solution in solutions:
        assert solution.completion or solution.error  # the base may begin with nothing that runs
        assert (solution.error is None) == (solution.answer is not None)


def test_solve_says_that_there_is_no_such_model() -> None:
    with pytest.raises(pad_ray.PadRayError, match="model `/nowhere` is no folder"):
        pad_ray.solve(["Why?"], model="/nowhere")
