"""What a run says of itself."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pad_ray import provenance as module
from pad_ray.config import load_config, parse_config
from pad_ray.provenance import provenance, versions


def test_run_yaml_gives_the_same_configuration_again(tmp_path: Path) -> None:
    changes = {"shots": [0, 2]}, {"engine_kwargs": {"a": [1, {"b": None}]}}
    config = parse_config({"name": "small", "evaluation": changes[0], "resources": changes[1]})
    (tmp_path / "run.yaml").write_text(provenance(config))
    assert load_config(tmp_path / "run.yaml") == config


def test_run_yaml_names_the_versions_that_decide_a_result() -> None:
    text = provenance(parse_config({}))
    assert "\n# python: 3." in text
    assert all(f"\n# {name}: {version}\n" in text for name, version in versions().items())
    assert "pydantic-monty" in versions()


@pytest.mark.parametrize("key", ["hf_token", "token", "HF_TOKEN", "api_key", "aws_secret_access_key", "password"])
def test_secrets_among_engine_arguments_are_not_written(key: str) -> None:
    arguments = {"load": [{key: "s3cret"}], 1: 2}
    text = provenance(parse_config({"resources": {"engine_kwargs": {"deep": arguments, key: "s3cret"}}}))
    assert "s3cret" not in text
    assert f"{key}: '***'" in text


def test_a_package_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACKAGES", ("pyarrow", "no-such-package"))
    assert [*versions()] == ["pyarrow"]


@pytest.fixture
def copy(tmp_path: Path) -> Any:
    """The module as it stands in a folder of its own."""
    place = tmp_path / "provenance.py"
    shutil.copy(str(module.__file__), place)
    spec = importlib.util.spec_from_file_location("copied_provenance", place)
    assert spec
    assert spec.loader
    copied = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copied)
    return copied


def _git(folder: Path, *arguments: str) -> str:
    people = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **people, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _commit(folder: Path, *files: str) -> str:
    _git(folder, "init", "--quiet")
    _git(folder, "add", *files)
    _git(folder, "commit", "--quiet", "--message", "first")
    return _git(folder, "rev-parse", "HEAD")


def test_outside_of_a_checkout_there_is_no_commit(copy: Any) -> None:
    assert copy.git_commit() is None
    assert "commit" not in copy.provenance(parse_config({}))


def test_the_commit_is_named_and_a_change_is_marked(copy: Any, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    commit = _commit(tmp_path, "provenance.py")
    assert copy.git_commit() == commit
    (tmp_path / "provenance.py").write_text("# changed")
    assert copy.git_commit() == commit + "+"


def test_an_installed_copy_does_not_claim_the_commit_of_the_project_around_it(copy: Any, tmp_path: Path) -> None:
    (tmp_path / "theirs.txt").write_text("")
    _commit(tmp_path, "theirs.txt")
    assert copy.git_commit() is None
