"""What a student's folder says of how it is asked, beside its weights: `pad_ray.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from pad_ray.errors import ModelError
from pad_ray.storage import Storage

FILE = "pad_ray.json"


@dataclass(frozen=True)
class StudentFile:
    """How a student was taught to be asked.

    Attributes:
        recipe: name of the recipe that makes its prompts.
        repairs: it was taught to repair, so its prompts have the slot for a broken program.
        task: the one that it learnt, of a recipe with a student for each.
    """

    recipe: str = "pad"
    repairs: bool = False
    task: str = ""

    def write(self, folder: Storage) -> None:
        """Writes it into a student's folder."""
        told = {name: value for name, value in asdict(self).items() if name != "task" or value}
        folder.write_text(FILE, json.dumps(told, indent=2) + "\n")

    @classmethod
    def read(cls, folder: str) -> Self:
        """What a model's folder says; the defaults of a model that was not trained here, or lies on a hub.

        Raises:
            ModelError: the file is none of ours.
        """
        path = Path(folder) / FILE
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError):
            raise ModelError(f"{path} does not say how the student is asked", "Remove it, and name --recipe") from None
