"""Configurations to start from are valid, and say what each key is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pad_ray.comparison import load_comparison
from pad_ray.config import load_config, parse_config
from pad_ray.errors import ConfigError
from pad_ray.key_reference import field_at
from pad_ray.starters import STARTERS, Starter, starter_named, starter_text

ROOT = Path(__file__).resolve().parent.parent
kinds = pytest.mark.parametrize("starter", STARTERS.values(), ids=list(STARTERS))


@kinds
def test_a_starter_can_be_run_as_it_is(starter: Starter) -> None:
    settings = yaml.safe_load(starter_text(starter, "mine.yaml"))
    assert parse_config(settings).model_dump(exclude_unset=True, by_alias=True).keys() >= starter.settings.keys()


@kinds
def test_a_starter_opens_with_its_launch_line(starter: Starter) -> None:
    assert starter_text(starter, "mine.yaml").startswith("# pad-ray run mine.yaml\n#\n# ")


@kinds
def test_each_key_is_commented(starter: Starter) -> None:
    lines = starter_text(starter, "mine.yaml").splitlines()
    keys = [number for number, line in enumerate(lines) if line and not line.lstrip().startswith("#")]
    bare = [lines[n] for n in keys if not lines[n].endswith(":") and not lines[n - 1].lstrip().startswith("# ")]
    assert bare == []


@kinds
def test_lines_that_are_commented_out_can_be_taken_in(starter: Starter) -> None:
    text = starter_text(starter, "mine.yaml")
    taken = [line.replace("#", "", 1) if line.lstrip()[:1] == "#" and line.lstrip()[1:2] != " " else line
             for line in text.splitlines()]  # fmt: skip
    chosen = [line for line in taken if not line.endswith(": …")]
    assert len(chosen) >= len(text.splitlines()) - 4
    parse_config(yaml.safe_load("\n".join(chosen).replace(": …", ": null")))


@kinds
def test_further_keys_exist(starter: Starter) -> None:
    assert [key for key in starter.further if field_at(key) is None] == []


def test_overrides_are_written_into_it() -> None:
    text = starter_text(starter_named("http"), "mine.yaml", ["teacher.model=large", "training.epochs=9"])
    settings = parse_config(yaml.safe_load(text))
    assert (settings.teacher.model, settings.training.epochs) == ("large", 9)


def test_an_override_that_is_no_key_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown key `teacher\.modle`; did you mean `teacher\.model`"):
        starter_text(starter_named("own"), "mine.yaml", ["teacher.modle=large"])


def test_an_unknown_kind_names_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no kind of run `nothing`\. There are: quickstart, own, "):
        starter_named("nothing")


def test_the_quickstart_is_the_one_of_the_jobs() -> None:
    ours = parse_config(yaml.safe_load(starter_text(starter_named("quickstart"), "quickstart.yaml")))
    assert ours.model_copy(update={"name": "quickstart"}) == load_config(ROOT / "jobs/quickstart.yaml")


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_configuration_of_the_jobs_opens_with_its_launch_line(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    verb = "compare" if path.stem.startswith("compare") else "serve deploy" if path.stem == "serve" else "run"
    assert f"pad-ray {verb} jobs/" in first or "ray job submit" in first
    if verb == "compare":
        load_comparison(path)
    elif path.name not in ("runtime_env.yaml", "serve.yaml"):  # Ray's own
        load_config(path)
