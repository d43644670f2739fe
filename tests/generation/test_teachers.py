"""Who answers: what defines a teacher's answers is its content, not its place, and all kinds give the same rows."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.config import ResourcesConfig, TeacherConfig
from pad_ray.errors import DataError, ModelError
from pad_ray.generation.teachers import Teacher
from pad_ray.records import Row, columns
from pad_ray.runtime import start_ray
from tests.training.tiny import make_student
from tests.weights import safetensors

URL = "http://127.0.0.1:1/v1"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "teacher-1b"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(safetensors())
    return folder


def _recorded(path: Path, completion: str = "text") -> Teacher:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"problem_id": "a", "completion": completion}) + "\n")
    return Teacher.of(TeacherConfig(kind="recorded", file=str(path)))


def _http(**settings: Any) -> Teacher:
    name = settings.pop("model", "big")
    asked = {"kind": "http", "model": name, "http": {"base_url": URL, **settings}}
    return Teacher.of(TeacherConfig.model_validate(asked))


def test_a_model_is_the_same_teacher_wherever_it_lies(model: Path, tmp_path: Path) -> None:
    here = Teacher.local(str(model))
    there = Teacher.local(str(shutil.copytree(model, tmp_path / "copy")))
    assert (here.identity, here.model) == (there.identity, str(model))
    (model / "model.safetensors").write_bytes(safetensors(b"others!"))
    assert Teacher.local(str(model)).identity != here.identity


def test_an_adapter_makes_another_teacher(model: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    settings = {"model": str(model), "adapter": str(adapter)}
    with pytest.raises(ModelError, match=r"has no adapter_config\.json"):
        Teacher.of(TeacherConfig(**settings))
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_text("rank 8")
    teacher = Teacher.of(TeacherConfig(**settings))
    assert teacher.adapter == str(adapter)
    assert teacher.identity != Teacher.local(str(model)).identity
    (adapter / "adapter_model.safetensors").write_text("rank 16")
    assert Teacher.of(TeacherConfig(**settings)).identity != teacher.identity


def test_recorded_completions_are_known_by_what_they_say(tmp_path: Path) -> None:
    first = _recorded(tmp_path / "a.jsonl")
    assert _recorded(tmp_path / "elsewhere" / "b.jsonl").identity == first.identity
    assert _recorded(tmp_path / "a.jsonl", "other").identity != first.identity


def test_recorded_completions_are_read_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl: there is no such file"):
        Teacher.of(TeacherConfig(kind="recorded", file=str(tmp_path / "nowhere.jsonl")))


def test_an_endpoint_is_known_by_what_shapes_its_answers() -> None:
    teacher = _http()
    assert _http(max_in_flight=7, retries=1, timeout_s=9).identity == teacher.identity
    assert _http(model="small").identity != teacher.identity
    assert _http(endpoint="chat").identity != _http(endpoint="completions").identity


@pytest.mark.parametrize("kind", ["vllm", "transformers"])
def test_people_know_a_model_by_its_folder(model: Path, kind: Any) -> None:
    teacher = Teacher.of(TeacherConfig(kind=kind, model=str(model)))
    assert (teacher.name, teacher.engine) == (f"{kind}: teacher-1b", kind == "vllm")


def test_people_know_the_others_by_their_kind(tmp_path: Path) -> None:
    assert _http().name == "http: big"
    assert _recorded(tmp_path / "bought.jsonl").name == "recorded: bought.jsonl"
    assert Teacher.of(TeacherConfig(kind="annotations")).name == "annotations"


def test_a_block_is_what_a_kill_may_cost(model: Path, tmp_path: Path) -> None:
    resources = ResourcesConfig(engine_rows=64)
    assert Teacher.local(str(model)).block_rows(resources) == 8
    assert _recorded(tmp_path / "a.jsonl").block_rows(resources) == 256
    assert [_http(max_in_flight=n).block_rows(resources) for n in (1, 16, 1000)] == [1, 4, 16]


def test_only_an_endpoint_is_tried_before_it_is_asked(model: Path) -> None:
    Teacher.local(str(model)).check()
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:1"):
        _http(retries=0, timeout_s=2).check()


@pytest.fixture(scope="module")
def started() -> Iterator[None]:
    import ray

    start_ray(ResourcesConfig(cpus=3))
    yield
    ray.shutdown()


def _requests(count: int) -> list[Row]:
    sampling = json.dumps({"temperature": 0.0, "top_p": 1.0, "max_tokens": 4, "stop": []})
    facts = {"attempt": 0, "problem_id": "a", "k": 0, "gold": "int:1", "model": "m", "sampling": sampling}
    return [{**facts, "id": f"r{n}-0", "rid": f"r{n}", "prompt": f"What is {n}?"} for n in range(count)]


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("kind", ["transformers", "recorded", "annotations"])
def test_every_kind_gives_a_row_for_each_request(tmp_path: Path, kind: Any) -> None:
    import ray

    if kind == "recorded":
        teacher = _recorded(tmp_path / "a.jsonl")
    else:
        model = make_student("gpt2", tmp_path) if kind == "transformers" else "embedded"
        teacher = Teacher.of(TeacherConfig(kind=kind, model=model))
    asked = ray.data.from_items(_requests(20), override_num_blocks=3)
    rows = list(teacher.complete(asked, ResourcesConfig(threads=1), tally=None).iter_rows())
    assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in _requests(20))
    assert list(rows[0]) == columns("completion")
