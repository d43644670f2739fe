"""The image: what it copies is there, it is no root, and what it runs to install works."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.manifests import CLUSTER, ROOT, documents, pods

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """Those of the Dockerfile: name and what follows."""
    lines = (line for line in (CLUSTER / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#"))
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for line in text.splitlines() if line.strip() for name, _, rest in [line.partition(" ")]]


def copied() -> list[str]:
    """What the image takes of the repository."""
    copies = (shlex.split(rest) for name, rest in instructions() if name == "COPY")
    return [word for words in copies for word in words[:-1] if not word.startswith("--")]


def last(name: str) -> str:
    return [rest for found, rest in instructions() if found == name][-1]


@pytest.mark.parametrize("path", copied())
def test_what_it_copies_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", copied())
def test_what_it_copies_is_sent_to_the_builder(path: str) -> None:
    ignored = (CLUSTER / "Dockerfile.dockerignore").read_text().splitlines()
    assert f"!{path}" in ignored
    assert "*" in ignored


def test_it_is_no_root() -> None:
    assert last("USER") == "1000:1000"


def test_its_user_is_that_of_the_pods() -> None:
    assert {pod["securityContext"]["runAsUser"] for pod in pods().values()} == {int(last("USER").split(":")[0])}


def test_every_file_names_one_image_of_the_projects_version() -> None:
    [version] = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    of_pods = {one["image"] for pod in pods().values() for one in [*pod.get("initContainers", []), *pod["containers"]]}
    of_nodes = {documents(CLUSTER / f"{name}.yaml")[0]["docker"]["image"] for name in ("aws", "gcp")}
    assert of_pods | of_nodes == {f"pad-ray:{version}", f"pad-ray:{version}-gpu", f"REGISTRY/pad-ray:{version}"}


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", ["cpu"])
def test_its_last_command_installs_in_a_copy(accelerator: str, tmp_path: Path) -> None:
    for path in copied():
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        copy(ROOT / path, tmp_path / path)
    command = last("RUN").replace("${ACCELERATOR}", accelerator)
    assert "requirements/install.sh" in command
    # The builder's machine says where pip finds packages; nothing else of this one is there.
    of_pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environment = {**of_pip, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-ec", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = tmp_path / ".venv/bin"
    shown = subprocess.run([installed / "pad-ray", "run", "--help"], cwd="/", capture_output=True, text=True)
    assert (shown.returncode, shown.stdout[:6]) == (0, "usage:")
    assert (
        subprocess.run([installed / "ray", "--version"], capture_output=True, text=True).stdout
        == "ray, version 2.60.0\n"
    )
