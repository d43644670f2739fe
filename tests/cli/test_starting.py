"""`init`, `doctor`, `clean`, `completion`, and what all commands have in common."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

import pytest

from pad_ray.cli import main, parser
from pad_ray.config import load_config
from tests.past_run import write_run

Capture = pytest.CaptureFixture[str]
COMMANDS = [
    "ability",
    "average",
    "clean",
    "compare",
    "completion",
    "doctor",
    "evaluate",
    "export",
    "init",
    "refine",
    "rehearse",
    "report",
    "rounds",
    "run",
    "sample",
    "samples",
    "serve",
    "show",
    "solve",
    "status",
    "submit",
    "train",
    "verify",
]


def commands() -> dict[str, argparse.ArgumentParser]:
    [action] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(action.choices)


def test_the_commands_are_these() -> None:
    assert sorted(commands()) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_shows_an_example(capfd: Capture, name: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    _, _, examples = capfd.readouterr().out.partition("\nexamples:\n")
    assert f"pad-ray {name}" in examples


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"completion"}))
def test_each_command_can_print_json(name: str) -> None:
    assert "--json" in commands()[name].format_help()


@pytest.mark.parametrize("name", ["run", "sample", "train", "evaluate", "verify", "init", "doctor", "submit"])
def test_settings_can_be_overridden_where_there_are_some(name: str) -> None:
    assert "--set KEY=VALUE" in commands()[name].format_help()


def test_examples_in_help_are_commands_that_parse() -> None:
    for name, command in commands().items():
        lines = (command.epilog or "").splitlines()
        for line in (shlex.split(line.partition("|")[0], comments=True) for line in lines[1:]):
            if line[:2] == ["pad-ray", name] and ">" not in line:
                parser().parse_args(line[1:])


def test_init_writes_a_file_that_runs_as_it_is(capfd: Capture, folder: Path) -> None:
    assert main(["init", "own", "mine.yaml", "--set", "training.epochs=7"]) == 0
    assert load_config(folder / "mine.yaml").training.epochs == 7
    assert capfd.readouterr().out.startswith("wrote mine.yaml\nnext:  pad-ray run mine.yaml --dry-run")


def test_init_writes_over_nothing_unless_told_to(folder: Path) -> None:
    (folder / "own.yaml").write_text("precious")
    assert main(["init", "own"]) == 2
    assert (folder / "own.yaml").read_text() == "precious"
    assert main(["init", "own", "--force"]) == 0
    assert load_config(folder / "own.yaml").name == "own"


def test_init_prints(capfd: Capture, folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert main(["init", "gsm8k", "-"]) == 0
    assert capfd.readouterr().out.startswith("# pad-ray run gsm8k.yaml\n")
    assert sorted(folder.iterdir()) == before


def test_doctor_tells_what_is_bad_and_ends_with_1(capfd: Capture) -> None:
    assert main(["doctor", "run.yaml", "--quick", "--set", "resources.cpus=1", "--json"]) == 1
    out, err = capfd.readouterr()
    bad = [check["name"] for check in json.loads(out) if check["state"] == "bad"]
    assert "places for sampling" in bad
    assert "A run would fail here: " in err


def test_clean_removes_nothing_without_being_told_to(capfd: Capture, folder: Path) -> None:
    run = write_run(folder / "runs")
    (run.storage / "logs").make()
    (run.storage / "logs").write_text("driver.log", "it said this")
    assert main(["clean", "small", "--logs"]) == 0
    assert "nothing is removed without --yes" in capfd.readouterr().out
    assert (folder / "runs/small/logs/driver.log").exists()
    assert main(["clean", "small", "--logs", "--yes"]) == 0
    assert not (folder / "runs/small/logs").exists()


def test_completion_prints_what_a_shell_loads(capfd: Capture) -> None:
    assert main(["completion", "bash"]) == 0
    assert "complete -F _pad_ray pad-ray" in capfd.readouterr().out


def test_completion_knows_the_runs_here(capfd: Capture, folder: Path) -> None:
    write_run(folder / "runs")
    assert main(["completion", "--words", "show", "s"]) == 0
    assert capfd.readouterr().out == "small\n"
