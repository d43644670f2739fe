"""`ability`, `average` and `rehearse`, with a random model: what they print and write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pad_ray.cli import main
from tests.ability.subset import write_subset
from tests.training.tiny import make_student

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    data = write_subset(tmp_path / "data")
    return ["--data", data, "--subsets", "navigate", "--shots", "1", "--max-tokens", "4", "--threads", "1"]


def test_figures_and_answers_are_written(capfd: Capture, model: str, asked: list[str], folder: Path) -> None:
    outputs = ["--output", "out/ability.json", "--answers", "out/answers.jsonl"]
    assert main(["ability", model, model, "--json", *asked, *outputs]) == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert document == json.loads((folder / "out/ability.json").read_text())
    assert [row["task"] for row in document["models"][0]["accuracy"]] == ["navigate", "overall"]
    assert document["models"][0]["perplexity"]["texts"] == 2
    assert len((folder / "out/answers.jsonl").read_text().splitlines()) == 2 * 5
    assert "plain text" in err


def test_perplexity_alone_needs_no_benchmark(capfd: Capture, model: str, folder: Path) -> None:
    (folder / "book.txt").write_text("Ann has three nuts.\n\nHow many nuts has she?")
    assert main(["ability", model, "--only", "perplexity", "--text", "book.txt", "--threads", "1"]) == 0
    out = capfd.readouterr().out
    assert "nats/byte" in out
    assert "subset" not in out


def test_an_average_is_measured_as_any_model(capfd: Capture, model: str, asked: list[str]) -> None:
    assert main(["average", model, model, "--share", "0.3", "--out", "averaged"]) == 0
    assert "0.3 of the student, 0.7 of its base, which are 0.00e+00 apart" in capfd.readouterr().out
    assert main(["ability", "averaged", *asked]) == 0


def test_rehearsed_examples_are_counted(capfd: Capture, model: str) -> None:
    words = ["rehearse", model, "--rows", "2", "--max-tokens", "400", "--temperature", "1", "--threads", "1"]
    assert main([*words, "--out", "replay.jsonl", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["kept"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ability", "--only", "perplexity", "--text", "book.txt"], "there is no model to measure"),
        (["ability", "/nowhere", "--only", "perplexity", "--text", "book.txt"], "model `/nowhere` is no folder"),
        (["ability", "embedded", "--only", "perplexity"], "perplexity needs a text"),
        (["ability", "embedded", "--only", "bbh"], "benchmark `bbh_object_counting` needs the data folder"),
        (["ability", "embedded", "--subsets", "juggling"], "BIG-Bench Hard has no subset `juggling` here"),
        (["ability", "embedded", "--shots", "-1"], "shots is -1"),
        (["average", "model", "--out", "out"], "model does not say what it was trained from"),
        (["average", "model", "model", "--share", "2", "--out", "out"], "--share 2 is no share"),
        (["average", "model", "model", "--out", "."], ". is not empty"),
        (["rehearse", "model", "--temperature", "0", "--out", "out.jsonl"], "temperature is 0"),
        (["export", "mine", "--jsonl", "out.jsonl", "--scale", "2"], "--scale 2 belongs to --merge"),
    ],
)
def test_what_cannot_be_used_is_refused(capfd: Capture, folder: Path, words: list[str], says: str) -> None:
    (folder / "book.txt").write_text("Ann has three nuts.")
    assert main(words) == 2
    assert capfd.readouterr().err.startswith(f"pad-ray: {says}")
