"""Models measured one after the other: a folder, an adapter, the base and the student of a run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.ability.asking import Length, answering
from pad_ray.ability.measure import Ability, as_document, measure
from pad_ray.ability.models import Measured, of_run
from pad_ray.ability.settings import Settings
from pad_ray.ability.tasks import load_tasks
from pad_ray.config import parse_config
from pad_ray.errors import EngineError, InputError
from pad_ray.training.settings import LoraConfig
from pad_ray.training.students import load_model, with_adapter
from tests.ability.subset import write_subset
from tests.past_run import write_run
from tests.training.tiny import make_student

SHORT = Length(4, ("\n\n",))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("llama", tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, base: str) -> str:
    folder = tmp_path_factory.mktemp("adapter")
    with_adapter(load_model(base, "fp32"), LoraConfig(rank=2)).save_pretrained(folder)
    return str(folder)


def _settings(folder: Path) -> Settings:
    return Settings(subsets=("navigate",), shots=1, max_tokens=4, threads=1, data=write_subset(folder))


def test_answers_stand_in_the_order_of_the_prompts(base: str, tmp_path: Path) -> None:
    prompts = ["Ann has three nuts and", "No", "How many nuts"]
    with answering(Measured("base", base), _settings(tmp_path)) as answerer:
        assert answerer(prompts, SHORT) == [answerer([prompt], SHORT)[0] for prompt in prompts]


def test_a_prompt_without_room_is_told(base: str, tmp_path: Path) -> None:
    with (
        answering(Measured("base", base), _settings(tmp_path)) as answerer,
        pytest.raises(EngineError, match="Show fewer examples"),
    ):
        answerer(["nut " * 600], SHORT)


def test_each_model_is_held_against_the_first(base: str, adapter: str, tmp_path: Path) -> None:
    settings, heard = _settings(tmp_path), []

    def hear(found: list[Ability]) -> None:
        heard.append(len(found))

    models = [Measured("base", base), Measured.named(adapter)]
    found = measure(models, load_tasks(settings), ["Ann has nuts."], settings, hear)
    assert heard == [1, 2]
    assert [one.overall and one.overall.difference for one in found] == [None, 0.0]  # a new adapter changes nothing
    assert found[0].perplexity == found[1].perplexity
    assert found[0].identity != found[1].identity
    assert json.loads(json.dumps(as_document(found, settings, "facts")))["settings"]["shots"] == 1


def _run(folder: Path, base: str, student: str | None = None) -> str:
    run = write_run(folder).storage
    config = parse_config({"name": "small", "student": {"model": base}})
    run.write_text("run.yaml", yaml.safe_dump(config.model_dump(mode="json", by_alias=True)))
    if student:
        target = Path(run.path) / "student"
        target.mkdir()
        for path in Path(student).iterdir():
            (target / path.name).write_bytes(path.read_bytes())
        (target / "done.json").write_text('{"id": "abc"}')
    return run.path


def test_a_run_has_a_base_and_a_student(base: str, tmp_path: Path) -> None:
    run = _run(tmp_path, base, base)
    assert of_run(run) == [Measured("base", base), Measured("student", f"{run}/student")]


def test_the_student_of_a_run_may_be_an_adapter(base: str, adapter: str, tmp_path: Path) -> None:
    run = _run(tmp_path, base, adapter)
    assert of_run(run)[1] == Measured("student", base, f"{run}/student")


def test_a_run_without_a_student_is_refused(base: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished student"):
        of_run(_run(tmp_path, base))
