"""Examples that a model writes itself: the file is what a training replays."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.errors import ConfigError
from pad_ray.remedies.draft import Batch, Draft
from pad_ray.remedies.rehearsal import Rehearsal, rehearse
from pad_ray.training.replay import read_replay
from pad_ray.training.settings import ReplayConfig
from tests.training.tiny import make_student

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}assistant:"
SETTINGS = Rehearsal(rows=3, temperature=1.0, max_tokens=400, threads=1)
MANY = replace(SETTINGS, rows=30)  # a batch is 32 texts at most, of which some do not come to their end


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A random model, which ends a text at each of its 400 tokens with the same chance."""
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    return Path(make_student("llama", tmp_path / "model"))


def _read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_model_without_a_template_writes_texts(model: Path, tmp_path: Path) -> None:
    found = rehearse(str(model), SETTINGS, tmp_path / "replay.jsonl")
    rows = _read(tmp_path / "replay.jsonl")
    assert found.kept == len(rows) == 3
    assert all([*row] == ["text"] for row in rows)
    assert len(read_replay(ReplayConfig(file=str(tmp_path / "replay.jsonl")))) == 3


def test_a_chat_model_asks_and_answers_in_its_template(model: Path, tmp_path: Path) -> None:
    (model / "chat_template.jinja").write_text(TEMPLATE)
    rehearse(str(model), SETTINGS, tmp_path / "replay.jsonl")
    for row in _read(tmp_path / "replay.jsonl"):
        assert row["prompt"].startswith("user: ")
        assert row["prompt"].endswith("</s>assistant:")
        assert row["completion"]


def test_the_same_seed_writes_the_same(model: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        rehearse(str(model), SETTINGS, tmp_path / name)
    assert _read(tmp_path / "first") == _read(tmp_path / "second")


@pytest.fixture
def stopped(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a rehearsal that was ended behind its first batch, while it was keeping the second."""

    def keep_one(draft: Draft, batch: Batch) -> None:
        if draft.batches:
            raise KeyboardInterrupt
        keep(draft, batch)

    keep, target = Draft.add, tmp_path / "replay.jsonl"
    with monkeypatch.context() as broken:
        broken.setattr(Draft, "add", keep_one)
        with pytest.raises(KeyboardInterrupt):
            rehearse(str(model), MANY, target)
    with target.with_name("replay.jsonl.part").open("a") as file:
        file.write('{"examples": [{"te')
    return target


def test_a_stopped_rehearsal_goes_on_to_the_same_file(stopped: Path, model: Path, tmp_path: Path) -> None:
    resumed = rehearse(str(model), MANY, stopped)
    undisturbed = rehearse(str(model), MANY, tmp_path / "undisturbed.jsonl")
    assert resumed == replace(undisturbed, file=str(stopped))
    assert _read(stopped) == _read(tmp_path / "undisturbed.jsonl")
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_what_was_begun_otherwise_is_not_gone_on_with(stopped: Path, model: Path) -> None:
    with pytest.raises(ConfigError, match=r"replay\.jsonl\.part was begun otherwise: seed 0, not 1\. Remove it"):
        rehearse(str(model), replace(MANY, seed=1), stopped)


def test_a_rehearsal_that_drew_nothing_binds_nobody(tmp_path: Path) -> None:
    Draft(tmp_path / "replay.jsonl", {"engine": "vllm"})
    draft = Draft(tmp_path / "replay.jsonl", {"engine": "transformers"})
    draft.add([{"text": "Ann has nuts."}, None])
    assert Draft(tmp_path / "replay.jsonl", {"engine": "transformers"}).batches == draft.batches


def test_few_examples_cost_few_texts(model: Path, tmp_path: Path) -> None:
    assert rehearse(str(model), SETTINGS, tmp_path / "replay.jsonl").drawn <= 4 * SETTINGS.rows


def test_greedy_texts_are_refused() -> None:
    with pytest.raises(ConfigError, match="Greedy texts are all the same"):
        Rehearsal(temperature=0).check()
