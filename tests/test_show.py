"""`pad-ray show` leads from any row of a run to where it comes from and what became of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.cli import main
from pad_ray.records import columns
from pad_ray.run_folder import RunFolder
from pad_ray.run_tables import RunTables
from pad_ray.show import chain
from tests.past_run import QUESTIONS, finish, request, sample, write_run, wrong

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path / "runs")


def _kinds(id: str) -> list[str]:
    """What the blocks of a chain are, without the stages' ids."""
    return [block.title.partition(" (")[0] for block in chain(RunTables.find("small"), id)]


def _fields(id: str, kind: str) -> dict[str, str | None]:
    [block] = [block for block in chain(RunTables.find("small"), id) if block.title.startswith(kind)]
    return dict(block.fields)


@pytest.mark.parametrize("id", ["aaaaaa1-0", "aaaaaa1"])
def test_an_example_leads_to_its_sample_request_and_problem(folder: RunFolder, id: str) -> None:
    assert _kinds(id) == ["example aaaaaa1-0", "sample aaaaaa1-0", "request aaaaaa1-0", "problem train-1"]


def test_a_prediction_leads_to_its_request_and_problem(folder: RunFolder) -> None:
    assert _kinds("cccccc1-0") == ["prediction cccccc1-0", "request cccccc1-0", "problem train-10"]
    assert _fields("cccccc1-0", "prediction")["model"] == "student, greedy, 0 worked examples"


def test_a_sample_that_did_not_hold_says_why_it_is_not_learnt_from(folder: RunFolder) -> None:
    assert _kinds("bbbbbb1-0")[0] == "no example of bbbbbb1-0"
    assert _fields("bbbbbb1-0", "no example")["training"] == "not used: its verdict is name_error"


def test_an_example_says_whether_it_is_used_and_why_not(folder: RunFolder) -> None:
    assert _fields("aaaaaa1-0", "example")["training"] == "used"
    found = _fields("aaaaaa2-0", "example")
    assert (found["training"], found["marks"]) == ("not used: duplicate", "duplicate")


def test_all_that_was_judged_is_shown(folder: RunFolder) -> None:
    found = _fields("bbbbbb1-0", "sample")
    assert found["completion"] == "\n    nuts = 2\n    return nuts + 20"
    assert found["program"] == "def solution():\n    nuts = 2\n    return nuts + 20"
    assert found["error"] == "NameError: name 'nut' is not defined (line 3)"
    assert [found[name] for name in ("verdict", "tier", "verifier")] == ["name_error", "monty", "1-first"]


def test_the_request_and_the_problem_are_shown(folder: RunFolder) -> None:
    asked = _fields("aaaaaa1-0", "request")
    assert (asked["prompt"], asked["sampling"]) == (request("aaaaaa1")["prompt"], '{"temperature": 0.7}')
    problem = _fields("aaaaaa1-0", "problem")
    assert (problem["question"], problem["gold"]) == (QUESTIONS["train-1"], "21")


def test_a_later_verdict_is_part_of_the_chain(folder: RunFolder) -> None:
    row = {name: value for name, value in sample("bbbbbb1", "train-2").items() if name in columns("verdict")}
    finish(folder, "verdicts", [{**row, "verifier": "2-second"}])
    assert _kinds("bbbbbb1-0")[:2] == ["no example of bbbbbb1-0", "later verdict on bbbbbb1-0"]
    assert _fields("bbbbbb1-0", "later verdict")["verifier"] == "2-second"
    assert _fields("bbbbbb1-0", "no example")["training"] == "not used: it is none of the examples"


def test_a_request_that_was_not_answered_leads_to_its_problem(folder: RunFolder) -> None:
    finish(folder, "requests", [request("ffffff1", "train-2")], "more", done=5)
    assert _kinds("ffffff1") == ["request ffffff1-0", "problem train-2"]


def test_the_last_attempt_at_a_request_is_shown(folder: RunFolder) -> None:
    rows = [wrong("dddddd1"), sample("dddddd1", attempt=1)]
    finish(folder, "samples", rows, "again", done=5)
    assert _kinds("dddddd1") == ["no example of dddddd1-1", "sample dddddd1-1", "problem train-1"]
    assert _kinds("dddddd1-0") == _kinds("dddddd1-1")


def test_a_problem_leads_to_what_was_asked_about_it(folder: RunFolder) -> None:
    assert _kinds("train-1") == ["problem train-1", "asked about it"]
    assert _fields("train-1", "asked") == {
        "sample aaaaaa1-0": "ok, used",
        "sample aaaaaa2-0": "ok, not used: duplicate",
    }
    assert _fields("train-10", "asked") == {"prediction of student cccccc1-0": "ok"}


def test_a_newer_stage_hides_an_older_one_and_an_older_one_is_still_searched(folder: RunFolder) -> None:
    finish(folder, "samples", [wrong("aaaaaa1")], "newer", done=9)
    assert _fields("aaaaaa1-0", "sample")["verdict"] == "name_error"
    assert _fields("aaaaaa2-0", "sample")["verdict"] == "ok"


def test_an_unfinished_stage_is_shown_as_such(folder: RunFolder) -> None:
    finish(folder, "samples", [sample("dddddd1")], "begun", done=None)
    titles = [block.title for block in chain(RunTables.find("small"), "dddddd1")]
    assert titles[1].endswith(", unfinished)")


def test_the_command_prints_the_chain(folder: RunFolder, capfd: Capture) -> None:
    assert main(["show", "small", "aaaaaa2"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.startswith("example aaaaaa2-0 (examples/")
    assert "\n  training  not used: duplicate\n" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["show", "large", "aaaaaa1"], "there is no run `large` in runs. There are: small"),
        (["show", "small", "aaaaaa"], "2 rows have an id that begins with `aaaaaa`: aaaaaa1, aaaaaa2. Give more of it"),
        (["show", "small", "aaaa"], "no row has the id `aaaa`. Give at least 6 characters of one"),
        (["show", "small", ""], "no row has the id ``. Give at least 6 characters of one"),
        (["show", "small", "aaaaaa9"], "no row in {folder} has an id that begins with `aaaaaa9`. `pad-ray samples` "),
    ],
)
def test_bad_input_gets_one_line(folder: RunFolder, capfd: Capture, argv: list[str], says: str) -> None:
    assert main(argv) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("pad-ray: " + says.format(folder=folder.storage.path))
