"""Models that are measured: by name or folder, an adapter on its base, the base and the students of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pad_ray.errors import InputError, ModelError
from pad_ray.generation.engines import ADAPTER_FILE
from pad_ray.generation.vllm import checked_adapter
from pad_ray.models import local_folder, resolve_model
from pad_ray.run_folder import read_mark
from pad_ray.saved_run import SavedRun


@dataclass(frozen=True)
class Measured:
    """A model under a name.

    Attributes:
        name: in results.
        folder: what engines load: a folder, or a name on the hub.
        adapter: folder of a LoRA adapter that is put on it, or None.
    """

    name: str
    folder: str
    adapter: str | None = None

    @classmethod
    def named(cls, name: str, label: str | None = None) -> Self:
        """A model by `embedded`, a folder or a hub name; an adapter by its folder, which names its base.

        Raises:
            ModelError: no such model, or an adapter whose base is not there.
        """
        if _is_adapter(name):
            adapter = checked_adapter(name)
            return cls(label or name, base_of(adapter), adapter)
        return cls(label or name, resolve_model(name))


def _is_adapter(name: str) -> bool:
    try:
        return (Path(name).expanduser() / ADAPTER_FILE).is_file()
    except (OSError, RuntimeError):  # a name too long for a path, a home that nobody has
        return False


def base_of(adapter: str) -> str:
    """The base that an adapter was trained on, resolved.

    Raises:
        ModelError: the adapter names none, or it is not there.
    """
    settings = json.loads((Path(adapter) / ADAPTER_FILE).read_text(encoding="utf-8"))
    base = settings.get("base_model_name_or_path")
    if not base:
        raise ModelError(f"adapter {adapter} names no base", "Give the model that it was merged into")
    return resolve_model(base)


def of_run(run: str, runs: str = "runs") -> list[Measured]:
    """The base of a run, its student, and the students of its rounds as far as they are there.

    Raises:
        InputError: there is no such run, or it has no student yet.
    """
    saved = SavedRun.find(run, runs)
    storage = saved.storage
    students = [place for place in saved.checkpoints if read_mark(storage / place)]
    if not students:
        raise InputError(f"there is no finished student in {storage.uri}", "Let `pad-ray run` come to its end first")
    base = resolve_model(saved.config.student.model)
    found = [Measured("base", base)]
    for name in students:
        folder = local_folder(storage / name)
        adapter = (Path(folder) / ADAPTER_FILE).is_file()
        found.append(Measured(name, base if adapter else folder, folder if adapter else None))
    return found
