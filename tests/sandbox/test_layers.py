"""Fewer layers are said, too few are refused."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from pad_ray.sandbox import ALL_LAYERS, Execution, Layer, Limits, Sandbox, SandboxUnavailable, Status, Tier, pool
from pad_ray.sandbox import warden as wardens
from pad_ray.sandbox.jail import landlock, seccomp, syscalls
from pad_ray.sandbox.jail.namespaces import NAMES

FAST = "def solution():\n    return 1\n"
SLOW = "import statistics\n" + FAST
ALWAYS = {"closed_descriptors", "empty_environment", "rlimits", "unprivileged_user", "no_new_privileges"}


def _both(layers: frozenset[Layer]) -> list[Execution]:
    with Sandbox(layers=layers) as sandbox:
        return sandbox.run([FAST, SLOW])


@pytest.mark.parametrize("missing", ALL_LAYERS - {Layer.SECCOMP})
def test_a_layer_that_is_off_is_not_claimed(missing: Layer) -> None:
    for execution in _both(ALL_LAYERS - {missing}):
        claimed = set(execution.protections)
        assert execution.ok
        assert claimed >= ALWAYS | {"seccomp"}
        assert not claimed & ({"landlock"} if missing is Layer.LANDLOCK else set(NAMES))


def test_without_seccomp_only_monty_runs() -> None:
    fast, slow = _both(ALL_LAYERS - {Layer.SECCOMP})
    assert (fast.status, fast.tier) == (Status.OK, Tier.MONTY)
    assert "seccomp" not in fast.protections
    assert (slow.status, slow.tier, slow.protections) == (Status.UNSUPPORTED, None, ())


def test_cpython_alone_without_seccomp_is_refused() -> None:
    with pytest.raises(SandboxUnavailable, match="seccomp"), Sandbox(layers=[], tiers=["cpython"]):
        pass


def test_a_missing_monty_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match=r"pydantic-monty==1\.4\.0"), Sandbox():
        pass


def test_a_binary_that_is_not_monty_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "find_monty", lambda: "/bin/true")
    with pytest.raises(SandboxUnavailable, match="did not answer"), Sandbox():
        pass


def test_a_warden_that_cannot_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SandboxUnavailable, match="warden"), Sandbox():
        pass


def test_refused_mounts_fall_back_to_the_other_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    # /dev/full takes no mount, so the namespaces fail half-way, in the worker.
    start = wardens._START.replace(
        "from jail.warden import main",
        "from jail import namespaces\nnamespaces.leave_files = lambda keep=(): 1 / 0\nfrom jail.warden import main",
    )
    monkeypatch.setattr(wardens, "_START", start)
    for execution in _both(ALL_LAYERS):
        assert execution.ok
        assert not set(execution.protections) & set(NAMES)
        assert "seccomp" in execution.protections


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_all_layers_of_this_machine_are_used() -> None:
    for execution in _both(ALL_LAYERS):
        assert {"landlock", "seccomp"} <= set(execution.protections)


def test_the_kernel_agrees() -> None:
    with Sandbox(warm=True) as sandbox:
        slot = sandbox._pool._slots[0]  # type: ignore[union-attr]
        for lane in (slot._monty, slot._light, slot._heavy):
            assert lane is not None
            assert lane._worker is not None
            status = Path(f"/proc/{lane._worker.pid}/status").read_text()
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert fields["NoNewPrivs"] == "1"
            assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == int(fields["CapBnd"], 16) == 0
            assert fields["Uid"].split()[0] not in ("0",)
            if lane is slot._monty:
                assert fields["Seccomp"] == "2"


@pytest.mark.parametrize("machine", syscalls.MACHINES)
def test_the_filters_assemble_for_each_machine(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(syscalls, "machine", lambda: machine)
    monkeypatch.setattr(seccomp, "machine", lambda: machine)
    for rules in (seccomp.program_rules(3), seccomp.monty_rules()):
        code = seccomp.assemble(rules)
        assert len(code) % 8 == 0
        assert len(code) // 8 < 4096
        # The last instruction refuses what no rule allowed.
        assert code[-8:] == (6).to_bytes(2, "little") + b"\0\0" + (0x00050001).to_bytes(4, "little")


def test_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls, "machine", lambda: "vax")
    with pytest.raises(OSError, match="vax"):
        syscalls.number("read")


def test_limits_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="cpu_seconds"):
        Limits(cpu_seconds=0)


@pytest.mark.parametrize("arguments", [{"workers": 0}, {"audit": 2.0}, {"layers": ["walls"]}, {"tiers": ["lisp"]}])
def test_impossible_settings_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"workers|audit|walls|lisp"):
        Sandbox(**arguments)  # type: ignore[arg-type]


def test_the_package_stands_alone() -> None:
    code = (
        "import sys, pad_ray.sandbox, pad_ray.sandbox.doctor\n"
        "heavy = {'ray', 'torch', 'numpy', 'sympy', 'vllm', 'pydantic', 'pydantic_monty'} & set(sys.modules)\n"
        "own = {m for m in sys.modules if m.startswith('pad_ray.') and not m.startswith('pad_ray.sandbox')}\n"
        "assert not heavy and not own, (heavy, own)\n"
    )
    checkout = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": checkout}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
