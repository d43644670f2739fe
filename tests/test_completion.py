"""What a shell is told may come next."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pad_ray.cli import parser
from pad_ray.completion import SCRIPTS, words

RUNS = ["large", "small"]


def after(line: str) -> list[str]:
    return words(parser(), line.split(" "), RUNS)


def test_commands() -> None:
    assert {"run", "report"} <= set(after(""))
    assert after("rep") == ["report"]


def test_options_of_a_command() -> None:
    assert after("run --se") == ["--set"]
    assert "--verdict" in after("samples small --")


@pytest.mark.parametrize("line", ["status ", "show ", "clean --yes ", "samples --limit 3 "])
def test_runs_where_a_run_is_meant(line: str) -> None:
    assert after(line) == RUNS


@pytest.mark.parametrize("line", ["run ", "doctor ", "verify --input ", "show small "])
def test_nothing_where_a_file_or_an_id_is_meant(line: str) -> None:
    assert after(line) == []


def test_keys_of_settings() -> None:
    assert after("run a.yaml --set training.ep") == ["training.epochs="]
    assert "teacher.http.base_url=" in after("run --set teacher.http.")


def test_values_of_a_setting_that_has_a_few() -> None:
    assert after("run --set teacher.ask=") == ["teacher.ask=chat", "teacher.ask=completion"]
    assert after("run --set resources.train_gpus=t") == ["resources.train_gpus=true"]
    assert after("run --set training.epochs=") == []


def test_choices_of_an_option() -> None:
    assert after("run --until s") == ["samples", "student"]
    assert after("init q") == ["quickstart"]
    assert after("samples small --verdict name") == ["name_error"]


@pytest.fixture
def command(tmp_path: Path) -> dict[str, str]:
    """An environment where `pad-ray` is this code."""
    tool = tmp_path / "bin/pad-ray"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m pad_ray.cli "$@"\n')
    tool.chmod(0o755)
    return os.environ | {"PATH": f"{tool.parent}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("typed", "replies"),
    [
        (["pad-ray", "rep"], "report"),
        (["pad-ray", "run", "a.yaml", "--set", "training.ep"], "training.epochs="),
        # Bash takes the sign for a border of words; what it then puts in is what comes after it.
        (["pad-ray", "run", "--set", "teacher.ask", "=", "ch"], "chat"),
        (["pad-ray", "run", "--set", "teacher.ask", "="], "chat completion"),
    ],
)
def test_bash_completes(command: dict[str, str], typed: list[str], replies: str) -> None:
    quoted = " ".join(f"'{word}'" for word in typed)
    script = (
        f"{SCRIPTS['bash']}\ncompopt() {{ :; }}\nCOMP_WORDS=({quoted}) COMP_CWORD={len(typed) - 1}\n"
        '_pad_ray\necho "${COMPREPLY[*]}"'
    )
    done = subprocess.run(["bash", "-c", script], env=command, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (replies, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_parse(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n"], input=SCRIPTS[shell], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
