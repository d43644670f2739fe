"""Importing the package, or the sandbox, loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"ray", "torch", "vllm", "deepspeed", "transformers", "fastapi"}
LIGHT_MODULES = ["pad_ray", "pad_ray.sandbox", "pad_ray.programs", "pad_ray.recipes", "pad_ray.cli"]


def loaded_by(module: str) -> set[str]:
    """Names of all modules that a fresh interpreter has loaded after `import module`."""
    program = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_import_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(module).isdisjoint(HEAVY)


def test_the_sandbox_loads_nothing_else_of_the_project() -> None:
    ours = {name for name in loaded_by("pad_ray.sandbox") if name.startswith("pad_ray.")}
    assert all(name.startswith("pad_ray.sandbox") for name in ours)


def test_a_heavy_import_would_be_seen() -> None:
    assert loaded_by("ray") & HEAVY == {"ray"}
