"""The hostile corpus, contained in full in four settings: nothing outside changed, no leak, an answer in time, no
orphan, and the two programs after each one right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from pad_ray.sandbox import ALL_LAYERS, Layer  # noqa: E402
from pad_ray.sandbox.outside import outside  # noqa: E402
from tests.sandbox.hostile import CORPUS  # noqa: E402

ALL = sorted(ALL_LAYERS)
WITHOUT_NAMESPACES = sorted(ALL_LAYERS - {Layer.NAMESPACES})
WITHOUT_LANDLOCK = sorted(ALL_LAYERS - {Layer.LANDLOCK})


def _contain(layers: list[Layer], tiers: list[str], *, ordinary: bool = False) -> dict[str, Any]:
    """Runs the corpus in a process of its own, as an ordinary user if asked; its report."""
    setting = json.dumps({"layers": layers, "tiers": tiers})
    way = [str(HERE / "ordinary.py")] if ordinary and os.geteuid() == 0 else []
    command = [sys.executable, *way, str(HERE / "containment.py"), setting]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CORPUS) >= 120
    assert len({hostile.code for hostile in CORPUS}) == len(CORPUS)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_contained_as_root_with_all_layers() -> None:
    report = _contain(ALL, ["monty", "cpython"])
    assert (report["breaches"], report["user"]) == ({}, 0)


def test_contained_as_an_ordinary_user() -> None:
    report = _contain(ALL, ["monty", "cpython"], ordinary=True)
    assert report["breaches"] == {}
    assert report["user"] != 0


def test_contained_without_namespaces() -> None:
    report = _contain(WITHOUT_NAMESPACES, ["monty", "cpython"])
    assert report["breaches"] == {}
    assert not [name for name in report["protections"]["cpython"] if "namespace" in name]


def test_contained_without_landlock() -> None:
    report = _contain(WITHOUT_LANDLOCK, ["monty", "cpython"])
    assert report["breaches"] == {}
    assert "landlock" not in report["protections"]["cpython"]


SETTINGS = [
    pytest.param(layers, ordinary, id=f"{len(layers)} layers, {'ordinary user' if ordinary else 'this user'}")
    for layers in (ALL, WITHOUT_NAMESPACES, WITHOUT_LANDLOCK, [Layer.SECCOMP])
    for ordinary in (False, True)
]


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "ordinary"), SETTINGS)
@pytest.mark.parametrize("tiers", [["cpython"], ["monty", "cpython"]], ids=["cpython", "routed"])
def test_contained_in_every_mixture(layers: list[Layer], ordinary: bool, tiers: list[str]) -> None:
    assert _contain(layers, tiers, ordinary=ordinary)["breaches"] == {}


@pytest.mark.slow
@pytest.mark.parametrize("layers", [[], [Layer.LANDLOCK], [Layer.NAMESPACES]], ids=["none", "landlock", "namespaces"])
def test_without_seccomp_monty_runs_alone_and_contains_them(layers: list[Layer]) -> None:
    report = _contain(layers, ["monty", "cpython"])
    assert report["breaches"] == {}
    assert "cpython" not in report["protections"]


def test_harm_would_be_seen() -> None:
    with outside() as world:
        (world.folder / "escaped").write_text("x")
        assert world.harm()
    with outside() as world:
        world.process.kill()
        world.process.wait()
        assert world.harm() == ["another process was killed"]
