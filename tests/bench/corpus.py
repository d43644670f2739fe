"""Real programs for the benches: model-written ones (`pot_codex`) and ones derived from human solutions (`derived`).

They are read from the data folder (environment variable PAD_RAY_DATA, default ../shared/data beside the checkout) and
never kept.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.programs.extract import extract
from pad_ray.sandbox import Program

_NUMPY_IMPORT = re.compile(r"^import numpy as np[ \t]*\n", re.MULTILINE)
_NUMPY_USE = re.compile(r"\b(?:np|numpy)\b")


@dataclass(frozen=True, slots=True)
class RealProgram:
    """A program as its file has it, and as the sandbox takes it.

    Attributes:
        id: the record's id.
        source: the record's source, such as `pot_codex_gsm8k`.
        text: the program as it was written.
        program: what runs; its text is `text` without blank lines around it.
        gold: the answer.
    """

    id: str
    source: str
    text: str
    program: Program
    gold: Any

    @property
    def lean(self) -> Program:
        """The program without an import of numpy that it never uses, as zero-shot programs begin by habit."""
        code = self.program.code
        bare = _NUMPY_IMPORT.sub("", code)
        return self.program if _NUMPY_USE.search(bare) else Program(bare, self.program.entry)


def data_folder() -> Path:
    """The folder with the data sets; ends the bench when there is none."""
    folder = Path(os.environ.get("PAD_RAY_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not folder.is_dir():
        sys.exit(f"no data sets in {folder}: set PAD_RAY_DATA")
    return folder


def real_programs(*, endless: bool = True) -> list[RealProgram]:
    """All of them, in the order of the files.

    Args:
        endless: with those that never end. What these cost is the time limit, whatever runs them.
    """
    folder = data_folder()
    paths = sorted([*folder.glob("pot_codex/*.jsonl"), *folder.glob("derived/*.jsonl")])
    records = (record for path in paths for record in _records(path))
    return [real for record in records if (real := _real(record)) and (endless or not _is_endless(record))]


def sample(programs: list[RealProgram], count: int, seed: int) -> list[RealProgram]:
    """A seeded sample; all of them in a seeded order, over and over, when there are fewer than `count`."""
    chosen = programs.copy()
    random.Random(seed).shuffle(chosen)
    return [chosen[place % len(chosen)] for place in range(count)]


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _is_endless(record: dict[str, Any]) -> bool:
    return bool(record["check"].get("error") == "Timeout")


def _real(record: dict[str, Any]) -> RealProgram | None:
    text = record["program"]
    found = extract(text)
    if found is None:
        return None
    return RealProgram(record["id"], record["source"], text, Program(found.source, found.entry), record["answer"])
