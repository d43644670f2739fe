"""What a model keeps of what it was taught: asked by its own recipe, judged as a run judges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pad_ray.ability.asking import Length
from pad_ray.ability.models import Measured
from pad_ray.ability.settings import Settings
from pad_ray.ability.taught import TaughtSet, answer_set, load_taught
from pad_ray.benchmarks import benchmark_named
from pad_ray.errors import ConfigError
from pad_ray.problems import Problem
from pad_ray.storage import Storage
from pad_ray.student_file import StudentFile

SET = TaughtSet(
    benchmark_named("multiarith"),
    [Problem("a", "Two and two?", 4), Problem("b", "Two and three?", 5), Problem("c", "Two and four?", 6)],
)
PROGRAMS = ["    return 2 + 2\n", "    return 2 + 2\n", "    return two\n"]
CHAINS = ["Two and two make four. The answer is 4.", "The answer is 4.", "I do not know."]


class Scripted:
    """Writes given texts, and remembers what it was asked."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self.prompts: list[str] = []

    def __call__(self, prompts: Sequence[str], length: Length) -> list[str]:
        self.prompts += prompts
        return self._texts


def _model(folder: Path, recipe: str, repairs: bool = False) -> Measured:
    StudentFile(recipe, repairs).write(Storage.open(str(folder)))
    return Measured("student", str(folder))


@pytest.mark.parametrize(("recipe", "texts"), [("pad", PROGRAMS), ("cot", CHAINS)])
def test_solutions_are_judged_as_those_of_a_run(recipe: str, texts: list[str], tmp_path: Path) -> None:
    found = answer_set(SET, Scripted(texts), _model(tmp_path, recipe))
    assert (found.n, found.right, found.executable) == (3, 1, 2 if recipe == "pad" else None)
    assert found.low < found.accuracy < found.high


def test_a_student_of_repairs_is_shown_the_empty_slot(tmp_path: Path) -> None:
    plain, slot = Scripted(PROGRAMS), Scripted(PROGRAMS)
    answer_set(SET, plain, _model(tmp_path, "pad"))
    answer_set(SET, slot, _model(tmp_path, "pad", repairs=True))
    assert all(len(with_slot) > len(without) for with_slot, without in zip(slot.prompts, plain.prompts, strict=True))


def test_a_set_may_be_measured_in_part(tmp_path: Path) -> None:
    file = tmp_path / "multiarith/test.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps({"id": str(n), "question": f"{n}?", "answer": n}) + "\n" for n in range(5)))
    [found] = load_taught(["multiarith"], Settings(limit=2, data=str(tmp_path)))
    assert [one.id for one in found.problems] == ["0", "1"]


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(ConfigError, match="multiaritm"):
        load_taught(["multiaritm"], Settings())
