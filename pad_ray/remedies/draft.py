"""What a rehearsal has drawn so far, beside the file that it becomes: the next go draws only what is missing."""

from __future__ import annotations

import json
from pathlib import Path

from pad_ray.errors import ConfigError, InputError
from pad_ray.jsonl import read_rows
from pad_ray.records import Row

Batch = list[Row | None]


class Draft:
    """Batches of examples in FILE.part, one a line, behind a line that says what they are of.

    Args:
        target: the file that it becomes.
        of: model and settings that decide what is drawn.

    Raises:
        ConfigError: what is there is of another model or of other settings.
        DataError: a line of it cannot be read.
        InputError: it cannot be written.
    """

    def __init__(self, target: Path, of: Row) -> None:
        self._path = target.with_name(f"{target.name}.part")
        self.batches: list[Batch] = []
        """What earlier goes drew, in its order."""
        if self._whole_lines():
            self._read(of)
        else:
            self._append(of)

    def add(self, batch: Batch) -> None:
        """Keeps a batch.

        Raises:
            InputError: it cannot be written.
        """
        self._append({"examples": batch})

    def remove(self) -> None:
        """Nothing is missing any more."""
        self._path.unlink(missing_ok=True)

    def _whole_lines(self) -> bool:
        """Cuts off a line that was being written when the last go was killed; whether any line is left."""
        try:
            with self._path.open("r+b") as file:
                whole = file.read().rfind(b"\n") + 1
                file.truncate(whole)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unwritable(error) from None
        return bool(whole)

    def _read(self, of: Row) -> None:
        first, *rows = [row.fields for row in read_rows(self._path)]
        other = [name for name, value in of.items() if first.get(name) != value]
        if other:
            were = ", ".join(f"{name} {first.get(name)}, not {of[name]}" for name in other)
            raise ConfigError(f"{self._path} was begun otherwise: {were}", "Remove it, or name another --out")
        self.batches = [row["examples"] for row in rows]

    def _append(self, row: Row) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"cannot write {self._path}: {error.strerror}", "Name another --out")
