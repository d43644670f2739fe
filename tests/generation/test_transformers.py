"""The teacher `transformers` with random models made on the spot: a row's answer does not depend on its batch."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.generation.transformers import TransformersTeacher
from pad_ray.records import Row, schema, table
from pad_ray.training.settings import LoraConfig
from pad_ray.training.students import load_model, with_adapter
from tests.training.tiny import KINDS, make_student

POSITIONS = 96
PROMPTS = ("Tom", "Ann has 3 nuts and finds 20. How many has she?", "def solution():\n    ", "A farm keeps 12 hens")
GREEDY: dict[str, Any] = {"temperature": 0.0, "top_p": 1.0, "max_tokens": 24, "stop": []}
WARM = {**GREEDY, "temperature": 1.0}

Load = Callable[[str], TransformersTeacher]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Teachers by the kind of their model, each made once."""
    made: dict[str, TransformersTeacher] = {}

    def loaded(kind: str) -> TransformersTeacher:
        if kind not in made:
            made[kind] = TransformersTeacher(_model(kind, tmp_path_factory.mktemp(kind)), threads=1)
        return made[kind]

    return loaded


def _model(kind: str, folder: Path, **generation: Any) -> str:
    """A model's folder, of as many positions whatever its kind; random weights are kept from ending at once."""
    make_student(kind, folder, positions=POSITIONS)
    _change(folder / "generation_config.json", suppress_tokens=[0, 1, 2], **generation)
    return str(folder)


def _change(path: Path, **facts: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def _ask(teacher: TransformersTeacher, prompts: tuple[str, ...], *samplings: dict[str, Any]) -> list[Row]:
    """Answers to all prompts with all samplings, asked in one batch, in order."""
    asked = [(prompt, sampling) for sampling in samplings for prompt in prompts]
    facts: Row = {"attempt": 0, "problem_id": "p", "k": 0, "gold": "int:1", "model": "tiny"}
    rows = [
        {**facts, "id": f"{n}-0", "rid": str(n), "prompt": prompt, "sampling": json.dumps(sampling)}
        for n, (prompt, sampling) in enumerate(asked)
    ]
    answers = teacher(table("request", rows))
    assert answers.schema == schema("completion")
    return sorted(answers.to_pylist(), key=lambda row: int(row["rid"]))


def _answers(rows: list[Row]) -> list[tuple[Any, ...]]:
    names = ("completion", "prompt_tokens", "completion_tokens", "finish_reason", "teacher_error")
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_answers_as_one_by_one(load: Load, kind: str) -> None:
    together = _ask(load(kind), PROMPTS, GREEDY)
    alone = [row for prompt in PROMPTS for row in _ask(load(kind), (prompt,), GREEDY)]
    assert _answers(together) == _answers(alone)
    assert len({row["prompt_tokens"] for row in together}) > 1  # so some were padded
    assert all(row["completion"] for row in together)


@pytest.mark.parametrize("kind", KINDS)
def test_requests_of_different_length_may_stand_in_one_batch(load: Load, kind: str) -> None:
    short = {**GREEDY, "max_tokens": 5}
    rows = _ask(load(kind), PROMPTS, GREEDY, short)
    for long, cut in zip(rows[: len(PROMPTS)], rows[len(PROMPTS) :], strict=True):
        assert (long["completion_tokens"], cut["completion_tokens"]) == (24, 5)
        assert long["completion"].startswith(cut["completion"])
        assert cut["finish_reason"] == "length"


@pytest.mark.parametrize("kind", KINDS)
def test_a_completion_ends_before_a_stop_string(load: Load, kind: str) -> None:
    whole = [row["completion"] for row in _ask(load(kind), PROMPTS, GREEDY)]
    stop = whole[1][3:6]
    rows = _ask(load(kind), PROMPTS, {**GREEDY, "stop": [stop, "never"]})
    assert [row["completion"] for row in rows] == [text.partition(stop)[0] for text in whole]
    assert [row["finish_reason"] for row in rows] == ["stop" if stop in text else "length" for text in whole]


def test_a_row_that_stopped_counts_no_padding_after_it(load: Load) -> None:
    whole = [row["completion"] for row in _ask(load("gpt2"), PROMPTS, GREEDY)]
    stop = next(text[3:6] for text in whole if any(text[3:6] not in other for other in whole))
    asked = {**GREEDY, "stop": [stop]}
    together = _ask(load("gpt2"), PROMPTS, asked)
    assert len({row["completion_tokens"] for row in together}) > 1
    assert _answers(together) == [one for prompt in PROMPTS for one in _answers(_ask(load("gpt2"), (prompt,), asked))]


@pytest.mark.parametrize("kind", KINDS)
def test_any_of_the_models_own_ends_ends_a_completion(tmp_path: Path, load: Load, kind: str) -> None:
    ends = list(range(2, 400, 2))  # every other token, where the tokenizer knows one end
    asked = {**WARM, "seed": 1}
    [one] = _ask(TransformersTeacher(_model(kind, tmp_path, eos_token_id=ends), threads=1), PROMPTS[:1], asked)
    [whole] = _ask(load(kind), PROMPTS[:1], asked)
    assert one["completion_tokens"] < whole["completion_tokens"] == 24
    assert (one["finish_reason"], whole["finish_reason"]) == ("stop", "length")
    assert whole["completion"].startswith(one["completion"])


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_prompt_that_is_too_long_fails_alone(load: Load, kind: str) -> None:
    rows = _ask(load(kind), (*PROMPTS[:2], "12345 " * POSITIONS, PROMPTS[2]), GREEDY)
    assert [row["finish_reason"] == "error" for row in rows] == [False, False, True, False]
    assert rows[2]["completion"] is None
    assert rows[2]["teacher_error"].endswith(f"tokens and the model takes {POSITIONS - GREEDY['max_tokens']}")
    assert _answers(rows[:2]) == _answers(_ask(load(kind), PROMPTS[:2], GREEDY))


def test_no_prompt_is_too_long_for_a_model_that_counts_distances(load: Load) -> None:
    [row] = _ask(load("t5"), ("12345 " * POSITIONS,), GREEDY)
    assert row["prompt_tokens"] > POSITIONS
    assert row["completion"]


@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False")  # peft of GPT-2's layers, which it then sets right
@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_is_put_on_its_model(tmp_path: Path, load: Load, kind: str) -> None:
    import torch

    model = _model(kind, tmp_path / "model")
    adapted = with_adapter(load_model(model, "fp32"), LoraConfig(rank=4))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(tmp_path / "adapter")
    teacher = TransformersTeacher(model, threads=1, adapter=str(tmp_path / "adapter"))
    rows = _ask(teacher, PROMPTS, GREEDY)
    assert _answers(rows) != _answers(_ask(load(kind), PROMPTS, GREEDY))
    merged = str(tmp_path / "merged")
    adapted.merge_and_unload().save_pretrained(merged)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(tmp_path / "model" / name, merged)
    assert _answers(rows) == _answers(_ask(TransformersTeacher(merged, threads=1), PROMPTS, GREEDY))


def test_a_seed_gives_its_answer_in_any_batch(load: Load) -> None:
    seeded = [{**WARM, "seed": seed} for seed in (1, 2, 3)]
    together = [row["completion"] for row in _ask(load("gpt2"), PROMPTS[:1], *seeded)]
    alone = [_ask(load("gpt2"), PROMPTS[:1], sampling)[0]["completion"] for sampling in reversed(seeded)]
    assert together == alone[::-1]
    assert len(set(together)) == 3


def test_without_a_seed_samples_differ(load: Load) -> None:
    rows = _ask(load("gpt2"), PROMPTS[:1] * 4, WARM)
    assert len({row["completion"] for row in rows}) == 4
