"""Configurations: read strictly, overridden by key, refused with the place and the mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from pad_ray.config import RunConfig, known_keys, load_config, parse_config
from pad_ray.errors import ConfigError

JOBS = Path(__file__).resolve().parent.parent / "jobs"
NO_RUNS = ("runtime_env", "serve", "compare")  # for Ray itself, and what `pad-ray compare` reads
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        (tmp_path / "mine.yaml").write_text(text)
        return tmp_path / "mine.yaml"

    return write_file


def _models(model: type[BaseModel] = RunConfig) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _models(field.annotation)


def test_an_empty_file_is_all_defaults_and_named_after_its_file(write: Write) -> None:
    assert load_config(write("")) == RunConfig(name="mine")


def test_what_the_file_says_counts(write: Write) -> None:
    config = load_config(write("name: other\ntraining: {epochs: 3, learning_rate: 1e-3}\nevaluation: {shots: [0, 2]}"))
    assert (config.name, config.training.epochs, config.training.learning_rate) == ("other", 3.0, 1e-3)
    assert config.evaluation.shots == (0, 2)
    assert config.training.seed == 0


@pytest.mark.parametrize("job", sorted(path.name for path in JOBS.glob("*.yaml") if not path.stem.startswith(NO_RUNS)))
def test_every_job_of_the_project_is_valid(job: str) -> None:
    assert load_config(JOBS / job).name == Path(job).stem


def test_a_configuration_does_not_change_once_it_is_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parse_config({}).training.epochs = 3  # type: ignore[misc]


SECTIONS = list(_models())


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_every_setting_is_described(model: type[BaseModel]) -> None:
    settings = [field for field in model.model_fields.values() if field.annotation not in SECTIONS]
    assert all(field.description for field in settings)


def test_known_keys_hold_sections_and_settings() -> None:
    assert {"name", "training", "training.epochs", "problems.sizes.unseen"} <= set(known_keys())


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("training.epochs=3", "epochs", 3.0),
        ("training.learning_rate=3e-4", "learning_rate", 3e-4),
        ("training.schedule=cosine", "schedule", "cosine"),
        ("training={epochs: 3, seed: 4}", "seed", 4),
    ],
)
def test_an_override_counts_more_than_the_file(write: Write, override: str, key: str, value: object) -> None:
    config = load_config(write("training: {epochs: 1, seed: 1}"), [override])
    assert getattr(config.training, key) == value


def test_overrides_reach_into_sections_and_the_last_one_counts(write: Write) -> None:
    config = load_config(
        write(""), ["problems.sizes.train=7", "resources.engine_kwargs.x=a=b", "problems.sizes.train=8"]
    )
    assert config.problems.sizes.train == 8
    assert config.resources.engine_kwargs == {"x": "a=b"}


def test_an_override_can_name_the_run_and_set_nothing(write: Write) -> None:
    config = load_config(write("problems: {limit: 3}"), ["name=other", "problems.limit=null"])
    assert (config.name, config.problems.limit) == ("other", None)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("training.epochs", "is not of the form key.path=value"),
        ("=3", "is not of the form key.path=value"),
        ("training.=3", "is not of the form key.path=value"),
        ("training..epochs=3", "is not of the form key.path=value"),
        ("training.epochs=[", "the value cannot be read"),
        ("training.epochs=2024-13-01", "the value cannot be read"),
        ("recipe.name=pad", "`recipe` is no section"),
    ],
)
def test_a_malformed_override_is_named(write: Write, override: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write("recipe: pad"), [override])
    assert str(caught.value) == f"`--set {override}`" + (" " if says.startswith("is ") else ": ") + says


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("training.epoch", "did you mean `training.epochs`?"),
        ("teacher.tempreature", "did you mean `teacher.temperature`?"),
        ("training.temperature", "did you mean `teacher.temperature`?"),
        ("problems.sizes.trian", "did you mean `problems.sizes.train`?"),
        ("train", "did you mean `training`?"),
        ("learning_rate", "did you mean `training.learning_rate`?"),
        ("student.lr", "did you mean `student.lora`?"),
    ],
)
def test_an_unknown_key_gets_the_nearest_valid_one(write: Write, key: str, says: str) -> None:
    path = write("")
    with pytest.raises(ConfigError) as caught:
        load_config(path, [f"{key}=1"])
    assert str(caught.value) == f"{path}: unknown key `{key}`; {says}"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"training": {"epochs": "two"}}, "`training.epochs`: must be a number"),
        ({"training": {"epochs": 0}}, "`training.epochs`: input should be greater than 0"),
        ({"training": {"epochs": float("inf")}}, "`training.epochs`: input should be a finite number"),
        ({"training": {"batch_size": 1.5}}, "`training.batch_size`: must be a whole number"),
        ({"training": {"precision": "fp16"}}, "`training.precision`: input should be 'auto', 'bf16' or 'fp32'"),
        ({"training": None}, "`training`: must be a section, with keys of its own"),
        ({"problems": "mine.jsonl"}, "`problems`: must be a section, with keys of its own"),
        ({"problems": {"holdout": 0.5}}, "`problems.holdout`: input should be less than 0.5"),
        ({"evaluation": {"shots": []}}, "`evaluation.shots`: "),
        ({"evaluation": {"shots": [0, -1]}}, "`evaluation.shots`: must be different numbers of worked examples"),
        ({"evaluation": {"shots": [4, 4]}}, "`evaluation.shots`: must be different numbers of worked examples"),
        ({"resources": {"zero_stage": 4}}, "`resources.zero_stage`: input should be 0, 1, 2 or 3"),
        ({"name": "../up"}, "`name`: must be letters, digits"),
        ({"name": "a/b"}, "`name`: must be letters, digits"),
        ({"name": ""}, "`name`: must be letters, digits"),
        ({3: 4}, "`3`: keys should be strings"),
    ],
)
def test_a_bad_value_is_named_by_its_key(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(settings)
    assert str(caught.value).startswith(f"configuration: {says}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("training: [1", "cannot be read: line 1, column 13: expected"),
        ("training:\n\tepochs: 3", "cannot be read: line 2, column 1: found character"),
        ("name: 2024-13-01", "cannot be read: month must be in 1..12"),
        ("[" * 500, "cannot be read: maximum recursion depth"),
        ("\0", "cannot be read: unacceptable character"),
        ("- name", "must be a mapping of keys to values"),
        ("quickstart", "must be a mapping of keys to values"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(write: Write, text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"configuration file {path} {says}")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match=r"mine\.yaml cannot be read: 'utf-8' codec"):
        load_config(tmp_path / "mine.yaml")


@pytest.mark.parametrize("name", ["nowhere.yaml", ".", "mine.yaml/below.yaml"])
def test_a_missing_file_is_named(write: Write, name: str) -> None:
    path = write("").parent / name
    with pytest.raises(ConfigError, match=r"does not exist\. Give the path of a YAML file"):
        load_config(path)
