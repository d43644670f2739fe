"""Weights between a student's and its base's (WiSE-FT, arXiv 2109.01903, section 3).

    averaged = share × student + (1 - share) × base

Fine-tuning moves little; on the straight line between the two lie models that keep much of both. An adapter is the
difference from its base, so the same line is the adapter by a factor, without a copy of the base.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.errors import ConfigError, ModelError
from pad_ray.remedies.adapters import scale_adapter
from pad_ray.remedies.card import averaged_card
from pad_ray.remedies.checkpoint import (
    Tensors,
    copy_settings,
    empty_folder,
    local,
    open_tensors,
    write_tensors,
)


@dataclass(frozen=True)
class Averaged:
    """What was written.

    Attributes:
        folder: the checkpoint, or the adapter where the student is one.
        adapter: whether it is an adapter.
        share: of the student.
        distance: root mean square of the difference between student and base, over all weights; None of an adapter.
    """

    folder: str
    adapter: bool
    share: float
    distance: float | None


def average(
    student: str, base: str, share: float, target: str, adapter: bool = False, hub_base: str | None = None
) -> Averaged:
    """Writes a checkpoint between a student and its base.

    Args:
        student: a resolved model, or the folder of an adapter.
        base: the resolved model that it was trained from.
        share: of the student, 0 to 1; 1 is the student itself.
        target: the folder to write, empty or not there.
        adapter: the student is an adapter: it is written by that factor, and goes on the same base.
        hub_base: the base's name on the hub, for the card; None where it has none.

    Raises:
        ConfigError: a share that is none.
        ModelError: the two do not have the same tensors.
        InputError: the folder is not empty, or cannot be written.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"--share {share:g} is no share", "Give 0 (the base) to 1 (the student)")
    folder = empty_folder(target)
    if adapter:
        scale_adapter(student, folder, share)
        distance = None
    else:
        with open_tensors(student) as ours, open_tensors(base) as theirs:
            _check_same(ours, theirs, student, base)
            distance = _write(ours, theirs, share, folder)
        copy_settings(local(student), folder)
    (folder / "README.md").write_text(averaged_card(student, base, share, adapter, hub_base), encoding="utf-8")
    return Averaged(str(folder), adapter, share, distance)


def _check_same(ours: Tensors, theirs: Tensors, student: str, base: str) -> None:
    if odd := sorted(ours.names.keys() ^ theirs.names.keys()):
        where = "the base" if odd[0] in ours.names else "the student"
        raise ModelError(f"tensor {odd[0]} is missing in {where}", f"Is {base} the base of {student}?")


def _write(ours: Tensors, theirs: Tensors, share: float, folder: Path) -> float:
    """Writes the student's files anew, one at a time; returns the distance."""
    squares, count = 0.0, 0
    for file, names in ours.files.items():
        written: dict[str, Any] = {}
        for name in names:
            tensor = ours.read(name)
            if tensor.is_floating_point():
                other = theirs.read(name)
                if other.shape != tensor.shape:
                    raise ModelError(
                        f"tensor {name} is {tuple(tensor.shape)} in the student and {tuple(other.shape)} in the base",
                        "Average a student with the model that it was trained from",
                    )
                change = tensor.float() - other.float()
                squares, count = squares + float(change.square().sum()), count + change.numel()
                tensor = (other.float() + share * change).to(tensor.dtype)
            written[name] = tensor.contiguous()
        write_tensors(folder / file, written)
    return float((squares / max(1, count)) ** 0.5)
