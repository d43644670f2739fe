"""The doctor's attempts are real: each gets through where nothing holds it, and none with all layers on."""

from __future__ import annotations

import pytest

from pad_ray.sandbox import ALL_LAYERS, Layer, doctor
from pad_ray.sandbox.doctor import PROCESS, RLIMITS, Escape, examine
from pad_ray.sandbox.jail import landlock
from pad_ray.sandbox.jail.probes import ATTEMPTS
from pad_ray.sandbox.outside import outside
from pad_ray.sandbox.warden import Warden

KINDS = {
    "files", "environment", "network", "processes", "fork bomb", "memory", "disk", "output", "time", "signals",
    "ptrace", "descriptors",
}  # fmt: skip


@pytest.fixture(scope="module")
def escapes() -> list[Escape]:
    return examine()


def test_everything_held(escapes: list[Escape]) -> None:
    assert [escape for escape in escapes if not escape.held] == []


def test_every_kind_was_tried_in_every_way(escapes: list[Escape]) -> None:
    for tier in ("kernel", "monty", "cpython"):
        assert {escape.kind for escape in escapes if escape.tier == tier} == KINDS


def test_what_the_kernel_stops_has_a_layer_to_thank(escapes: list[Escape]) -> None:
    known = {PROCESS, RLIMITS, *ALL_LAYERS}
    for escape in escapes:
        if escape.tier == "kernel":
            assert escape.layers
            assert set(escape.layers) <= known


def test_seccomp_stops_alone_whatever_the_process_does_not(escapes: list[Escape]) -> None:
    beyond = {"take 2 GiB", "run on"}
    for escape in escapes:
        if escape.tier == "kernel" and PROCESS not in escape.layers and escape.name not in beyond:
            assert Layer.SECCOMP in escape.layers, escape


# What an ordinary process without an environment or descriptors cannot do anyway, or is stopped in by its reader.
NEVER = {
    "read its own environment", "read the host's environment", "become root", "mount", "signal the host",
    "flood the result channel", "write to another descriptor",
}  # fmt: skip


def test_without_layers_the_attempts_get_through() -> None:
    warden = Warden()
    try:
        with outside() as world:
            found = doctor._probe(warden, (), False, world)
    finally:
        warden.close()
    stopped = {name for attempts in found.values() for name, (through, _) in attempts.items() if not through}
    assert stopped <= NEVER
    assert {name for attempts in ATTEMPTS.values() for name in attempts} >= NEVER


def test_without_seccomp_something_gets_through_and_is_said() -> None:
    escaped = {escape.name for escape in examine([Layer.LANDLOCK]) if not escape.held}
    assert "use kernel keys" in escaped


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_landlock_keeps_files_by_itself(escapes: list[Escape]) -> None:
    by_name = {escape.name: escape for escape in escapes if escape.tier == "kernel"}
    assert Layer.LANDLOCK in by_name["read a file"].layers
    assert Layer.LANDLOCK not in by_name["fork"].layers
