"""`pad-ray solve`, with a random student: what it prints when all is well, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pad_ray.cli import main
from tests.training.tiny import make_student

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.filterwarnings("default")
QUICK = ("--beams", "2", "--candidates", "2", "--max-tokens", "8")


@pytest.fixture(scope="module", params=["gpt2", "t5"])
def student(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp(request.param)
    return make_student(request.param, folder)


@pytest.mark.parametrize("decoder", ["step-beam", "self-consistency", "greedy"])
def test_a_question_gets_its_tree_and_its_program(capfd: Capture, student: str, decoder: str) -> None:
    assert main(["solve", "What is 3 and 4?", "--model", student, "--decoder", decoder, "--json", *QUICK]) == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert found["program"].startswith("def solution():")
    assert found["ran"] == (found["answer"] is not None)
    assert found["trace"]["completion_tokens"] > 0
    drawn = len([line for line in err.splitlines() if line.startswith("step ")])
    assert drawn == (len(found["trace"]["branches"]) if decoder == "step-beam" else 0)


def test_without_an_answer_it_says_why(capfd: Capture, student: str) -> None:
    assert main(["solve", "What is 3 and 4?", "--model", student, *QUICK]) == 0
    out = capfd.readouterr().out
    assert "\nno answer: " in out or "\nanswer: " in out
    assert out.splitlines()[-1].endswith(" s")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--beams", "0"], "--beams 0 is too few"),
        (["--seed", "-1"], "--seed -1 is below 0"),
        (["--model", "/nowhere"], "model `/nowhere` is no folder"),
        (["--recipe", "pod"], "recipe `pod` is unknown"),
    ],
)
def test_what_cannot_be_used_is_refused(capfd: Capture, more: list[str], says: str) -> None:
    assert main(["solve", "Why?", *more]) == 2
    assert capfd.readouterr().err.startswith(f"pad-ray: {says}")


def test_an_empty_question_is_refused(capfd: Capture) -> None:
    assert main(["solve", " "]) == 2
    assert "the question is empty" in capfd.readouterr().err
