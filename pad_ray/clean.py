"""What of a run can go: `pad-ray clean`. Nothing that was paid for and is in use, and nothing without being asked.

superseded    stages of settings that the run no longer has, but for the teacher's samples, which are what costs
training      Ray Train's own files, once the student is there
logs          what Ray and its workers said
samples       samples of settings that the run no longer has; only when asked for
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pad_ray.errors import InputError
from pad_ray.run_lock import holder
from pad_ray.run_tables import stage_places
from pad_ray.saved_run import STUDENT, SavedRun


class Kind(StrEnum):
    """Why something can go."""

    SUPERSEDED = "superseded"
    TRAINING = "training"
    LOGS = "logs"
    SAMPLES = "samples"


BY_DEFAULT = (Kind.SUPERSEDED, Kind.TRAINING)
_PAID = ("requests", "samples")


@dataclass(frozen=True)
class Waste:
    """A folder that can go.

    Attributes:
        kind: why.
        place: within the run's folder.
        bytes: what its files take.
    """

    kind: Kind
    place: str
    bytes: int


def find_waste(run: SavedRun, kinds: Sequence[Kind] = BY_DEFAULT) -> list[Waste]:
    """What of a run can go, largest first.

    Args:
        run: the run.
        kinds: what is looked for.
    """
    places = [(kind, place) for kind, place in _places(run) if kind in kinds]
    found = [Waste(kind, place, (run.storage / place).size()) for kind, place in places]
    return sorted((one for one in found if one.bytes), key=lambda waste: -waste.bytes)


def remove(run: SavedRun, waste: Sequence[Waste]) -> int:
    """Removes it, and returns how many bytes that freed.

    Raises:
        InputError: somebody is at work on the run.
    """
    if who := holder(run.storage):
        someone = f"process {who.get('pid')} on {who.get('host')}"
        raise InputError(f"{someone} is at work on {run.storage.uri}", "Wait for it")
    with run.folder.locked():
        for one in waste:
            run.storage.remove_folder(one.place)
    return sum(one.bytes for one in waste)


def _places(run: SavedRun) -> Iterator[tuple[Kind, str]]:
    folders = run.storage.folders()
    if "training" in folders and STUDENT in run.stages:
        yield Kind.TRAINING, "training"
    if "logs" in folders:
        yield Kind.LOGS, "logs"
    used = set(run.used)
    for place in stage_places(run.storage) if used else ():
        for id in (run.storage / place).folders():
            if f"{place}/{id}" not in used:
                yield (Kind.SAMPLES if place in _PAID else Kind.SUPERSEDED), f"{place}/{id}"


def size_text(size: float) -> str:
    """`1.5 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
