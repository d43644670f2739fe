"""`pad-ray samples` shows what a teacher wrote, with the latest verdict and the question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pad_ray.cli import main
from pad_ray.errors import InputError
from pad_ray.records import Row, columns
from pad_ray.run_folder import RunFolder
from pad_ray.run_tables import RunTables
from pad_ray.samples_view import sample_rows
from pad_ray.verification import Verdict
from tests.past_run import QUESTIONS, finish, sample, write_run, wrong

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path / "runs")


def _ids(verdict: str | None = None, limit: int = 5) -> list[str]:
    return [row["id"] for row in sample_rows(RunTables.find("small"), verdict, limit)]


def test_the_first_samples_are_shown(folder: RunFolder) -> None:
    assert _ids() == ["aaaaaa1-0", "aaaaaa2-0", "bbbbbb1-0"]
    assert _ids(limit=2) == ["aaaaaa1-0", "aaaaaa2-0"]


def test_one_verdict_may_be_asked_for(folder: RunFolder) -> None:
    assert _ids("name_error") == ["bbbbbb1-0"]
    assert _ids("timeout") == []


def test_a_later_verdict_replaces_the_first(folder: RunFolder) -> None:
    row = {name: value for name, value in sample("bbbbbb1", "train-2").items() if name in columns("verdict")}
    finish(folder, "verdicts", [{**row, "verifier": "2-second"}])
    assert _ids("name_error") == []
    assert [row["verifier"] for row in sample_rows(RunTables.find("small"), "ok")][-1] == "2-second"


def test_the_verdicts_of_a_verifier_may_be_asked_for(folder: RunFolder) -> None:
    row = {name: value for name, value in sample("bbbbbb1", "train-2").items() if name in columns("verdict")}
    stage = finish(folder, "verdicts", [{**row, "verifier": "2-second"}])
    mark = {**(stage.done or {}), "verifier": "2-second"}
    stage.storage.write_text("done.json", json.dumps(mark))

    def verdicts(verifier: str) -> dict[str, str]:
        return {row["id"]: row["verdict"] for row in sample_rows(RunTables.find("small"), verifier=verifier)}

    assert verdicts("2-second") == {"bbbbbb1-0": "ok"}
    with pytest.raises(InputError, match=r"no verifier `3` judged these samples\. There are: 1-first, 2-second"):
        verdicts("3")


def test_of_several_attempts_the_last_is_shown(folder: RunFolder) -> None:
    finish(folder, "samples", [wrong("dddddd1"), sample("dddddd1", attempt=1)], "again", done=5)
    assert _ids() == ["dddddd1-1"]


def test_a_sample_is_shown_with_all_that_was_judged(folder: RunFolder, capfd: Capture) -> None:
    assert main(["samples", "small", "--verdict", "name_error"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "sample bbbbbb1-0: name_error",
        "  problem   train-2",
        f"  question  {QUESTIONS['train-2']}",
        "  gold      22",
        "  program",
        "    def solution():",
        "        nuts = 2",
        "        return nuts + 20",
        "  error     NameError: name 'nut' is not defined (line 3)",
        "  verifier  1-first",
    ]


def test_json_is_a_row_a_line(folder: RunFolder, capfd: Capture) -> None:
    assert main(["samples", "runs/small", "--json", "--limit", "2"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row["id"] for row in rows] == ["aaaaaa1-0", "aaaaaa2-0"]
    assert rows[0]["question"] == QUESTIONS["train-1"]
    assert rows[0].keys() == {*columns("sample"), "question"}


def test_where_there_is_no_program_the_completion_is_shown(folder: RunFolder, capfd: Capture) -> None:
    prose: Row = {"program": None, "verdict": "no_program", "value": None, "completion": "It is \x1b[31m21."}
    finish(folder, "samples", [sample("eeeeee1", **prose)], "again", done=5)
    assert main(["samples", "small"]) == 0
    assert r"  completion  It is \x1b[31m21." in capfd.readouterr().out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["samples", "large"], "there is no run `large` in runs. There are: small"),
        (["samples", "small", "--verdict", "wrong"], f"there is no verdict `wrong`. There are: {', '.join(Verdict)}"),
        (["samples", "small", "--limit", "0"], "a limit of 0 shows nothing. Give 1 or more"),
    ],
)
def test_bad_input_gets_one_line(folder: RunFolder, capfd: Capture, argv: list[str], says: str) -> None:
    assert main(argv) == 2
    assert capfd.readouterr() == ("", f"pad-ray: {says}\n")


def test_a_run_that_has_not_sampled_yet(tmp_path: Path) -> None:
    finish(RunFolder.open(str(tmp_path), "new"), "problems", [])
    with pytest.raises(InputError, match="holds no samples"):
        sample_rows(RunTables.find("new", str(tmp_path)))
