"""Bad input ends with code 2 and one line that names the place and the mend; nothing is started or lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pad_ray.cli import main
from tests.cli import circumstances
from tests.cli.bad_input import CASES, GOOD, RUN, Case, break_folder

Capture = pytest.CaptureFixture[str]


def exit_code(argv: Sequence[str]) -> Any:
    """Of a command, also of one that argparse refuses."""
    try:
        return main(argv)
    except SystemExit as end:
        return end.code


def refusal(capfd: Capture, *argv: str, code: int = 2) -> str:
    """The one line that a command leaves on standard error."""
    assert exit_code(argv) == code
    err = capfd.readouterr().err
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert err.startswith("pad-ray")
    return err.removeprefix("pad-ray: ").strip()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_line_says_what_is_wrong(capfd: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    break_folder(folder, case)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    assert refusal(capfd, *case.argv, code=case.code).startswith(case.says.format(folder=folder))


def test_nothing_is_written_before_everything_is_checked(capfd: Capture, folder: Path) -> None:
    before = sorted(folder.iterdir())
    refusal(capfd, *RUN, "--set", "problems.test=nowhere.jsonl")
    assert sorted(folder.iterdir()) == before


def test_a_bad_line_leaves_no_output(capfd: Capture, folder: Path) -> None:
    (folder / "in.jsonl").write_text(GOOD + "{\n")
    refusal(capfd, "verify", "--input", "in.jsonl", "--output", "out.jsonl")
    assert not (folder / "out.jsonl").exists()


def said(done: circumstances.Done, code: int = 2) -> str:
    """The one line of a command that ran in a process of its own."""
    assert done.returncode == code, done.stderr
    [line] = done.stderr.splitlines()
    return line.removeprefix("pad-ray: ")


def test_a_run_that_somebody_is_at_work_on(folder: Path) -> None:
    says = said(circumstances.while_it_runs(folder))
    assert says.startswith(f"process {os.getpid()} on ")
    assert says.endswith(f" is at work on {folder}/runs/run. Wait for it, or give this run another name")


def test_a_port_that_something_else_has_taken(folder: Path) -> None:
    assert said(circumstances.at_a_taken_port(folder)).startswith("no Ray dashboard answers at http://127.0.0.1:")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense", "ray://127.0.0.1:9"])
def test_an_environment_that_names_a_ray_that_is_not_there(
    capfd: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert main(["sample", "run.yaml"]) == 2
    err = capfd.readouterr().err
    assert len(err.splitlines()) == 1
    assert f"RAY_ADDRESS={address}" in err
    assert "Unset RAY_ADDRESS to start a local Ray" in err


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
def test_a_disk_that_is_full(folder: Path) -> None:
    done = circumstances.on_a_full_disk(folder)
    if done.returncode == circumstances.NO_MOUNT or "unshare failed" in done.stderr:
        pytest.skip("no file system may be mounted here")
    says = said(done)
    assert says.startswith("the disk is full: ")
    assert "Free some space and run the same command again" in says


def test_an_interrupted_command_says_how_to_go_on(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pad_ray.verify_file.verify_file", interrupt)
    argv = ["verify", "--input", "in put.jsonl", "--output", "out.jsonl"]
    assert main(argv) == 130
    again = "pad-ray verify --input 'in put.jsonl' --output out.jsonl"
    assert capfd.readouterr().err == f"pad-ray: interrupted; go on with: {again}\n"
