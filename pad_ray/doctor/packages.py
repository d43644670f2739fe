"""Installed versions against the set that was pinned together."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from pad_ray.doctor.check import Check


def package_checks() -> Iterator[Check]:
    """One finding for the set, naming what is off."""
    accelerator = "gpu" if _version("vllm") else "cpu"
    off = []
    pins = pinned(accelerator)
    for name, wanted in pins.items():
        found = _version(name)
        if found is None:
            off.append(f"{name} is missing (pinned: {wanted})")
        elif found.partition("+")[0] != wanted:
            off.append(f"{name} is {found} (pinned: {wanted})")
    says = f"{len(pins)} of the {accelerator} set, as pinned: " + ", ".join(f"{n} {v}" for n, v in pins.items())
    if not off:
        yield Check("versions", "good", says)
        return
    missing = any("missing" in line for line in off)
    yield Check("versions", "bad" if missing else "note", "; ".join(off), "Run `make setup`: the pins ran together")


def pinned(accelerator: str) -> dict[str, str]:
    """Package to version, of one of pad-ray's extras, and of what it pins for itself."""
    from packaging.requirements import Requirement

    wanted = {}
    for requirement in map(Requirement, metadata.requires("pad-ray") or []):
        marker = requirement.marker
        belongs = marker is None or marker.evaluate({"extra": accelerator})
        exact = [rule.version for rule in requirement.specifier if rule.operator == "=="]
        if belongs and exact:
            wanted[requirement.name] = exact[0]
    return wanted


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
