"""What the report reads: rows of stages, where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pad_ray.errors import StageError
from pad_ray.records import Row
from pad_ray.run_folder import Stage

_SAMPLE = ("id", "problem_id", "program", "verdict", "forged", "prompt_tokens", "finish_reason")
_PREDICTION = (
    "id",
    "benchmark",
    "split",
    "problem_id",
    "question",
    "gold",
    "completion",
    "program",
    "verdict",
    "value",
    "error_class",
    "error",
)


@dataclass(frozen=True)
class RunRows:
    """The tables of a run, each read once; empty where a stage is not done or its table is gone."""

    stages: Mapping[str, Stage]

    def _read(self, name: str, columns: Sequence[str]) -> list[Row]:
        if self.mark(name) is None:
            return []
        try:
            return self.stages[name].read_rows(columns)
        except StageError:
            return []

    def mark(self, name: str) -> dict[str, Any] | None:
        """What the stage's done mark says; None where it is not done."""
        return self._marks.get(name)

    @cached_property
    def _marks(self) -> dict[str, dict[str, Any] | None]:
        return {name: stage.done for name, stage in self.stages.items()}

    @cached_property
    def problems(self) -> list[Row]:
        """Problem rows of all splits."""
        return self._read("problems", ("id", "split", "meta"))

    @cached_property
    def samples(self) -> list[Row]:
        """What the teacher wrote, with the latest verdicts."""
        rows = self._read("samples", _SAMPLE)
        later = {row["id"]: row for row in self._read("verdicts", ("id", "program", "verdict", "forged"))}
        return [{**row, **later.get(row["id"], {})} for row in rows]

    @cached_property
    def examples(self) -> list[Row] | None:
        """Samples that held, used or not; None while that is not decided."""
        return self._read("examples", ("id", "used", "why_not")) if self.mark("examples") else None

    @cached_property
    def base(self) -> list[Row]:
        """Predictions of the base model, at its best prompt."""
        return self._read("base", _PREDICTION)

    @cached_property
    def student(self) -> list[Row]:
        """Predictions of the student, greedy ones where there are any."""
        tests = [name for name in self.stages if name.startswith("student_test")]
        return self._read(tests[0], _PREDICTION) if tests else []
