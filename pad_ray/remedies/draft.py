"""What a rehearsal has drawn so far, beside the file that it becomes: the next go draws only what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

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
        kept = self._whole_lines()
        self.batches: list[Batch] = [row["examples"] for row in kept[1:]]
        """What was drawn, in its order, by earlier goes and by this one."""
        if self.batches:
            self._check(kept[0], of)
        else:  # a go that drew nothing binds nobody
            self._write(of, "w")

    def add(self, batch: Batch) -> None:
        """Keeps a batch.

        Raises:
            InputError: it cannot be written.
        """
        self._write({"examples": batch}, "a")
        self.batches.append(batch)

    def remove(self) -> None:
        """Nothing is missing any more."""
        self._path.unlink(missing_ok=True)

    def _whole_lines(self) -> list[Row]:
        """What is there, less a last line that was being written when an earlier go was killed."""
        try:
            with self._path.open("r+b") as file:
                whole = file.read().rfind(b"\n") + 1
                file.truncate(whole)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unwritable(error) from None
        return [row.fields for row in read_rows(self._path)] if whole else []

    def _check(self, begun: Row, of: Row) -> None:
        if other := [name for name, value in of.items() if begun.get(name) != value]:
            were = ", ".join(f"{name} {begun.get(name)}, not {of[name]}" for name in other)
            raise ConfigError(f"{self._path} was begun otherwise: {were}", "Remove it, or name another --out")

    def _write(self, row: Row, mode: Literal["w", "a"]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open(mode, encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"cannot write {self._path}: {error.strerror}", "Name another --out")
