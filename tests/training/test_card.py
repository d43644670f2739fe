"""The card of a student says what it is in the hub's own form, and its programs are whole Python."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from huggingface_hub import ModelCard

from pad_ray.recipes import recipe_named
from pad_ray.training.card import StudentOrigin, merged_card, model_card
from pad_ray.training.usage import Asking

ORIGIN = StudentOrigin(
    run="quickstart",
    base="embedded",
    hub_base="HuggingFaceTB/SmolLM2-135M-Instruct",
    base_licence="apache-2.0",
    teacher="vllm: SmolLM2",
    source="openai/gsm8k:main",
    hub_source="openai/gsm8k",
    licence="mit",
    lora={},
    training={"learning_rate": 3e-4, "batch_size": 16, "loss": {"answer_weight": 2.0}},
    seeds={"training": 7},
    verdicts={"ok": 40, "wrong_answer": 60},
    trained={
        "examples": 38,
        "problems": 20,
        "validation_examples": 2,
        "steps": 12,
        "tokens": 3456,
        "loss": 0.25,
        "train_seconds": 90.0,
        "versions": {"torch": "2.13.0"},
        "commit": "0123abc+",
    },
    asking=Asking(recipe_named("pad"), encoder_decoder=False, max_tokens=160),
)
LORA = replace(ORIGIN, lora={"rank": 16}, asking=replace(ORIGIN.asking, adapter_room=16))
RESULT: dict[str, Any] = {
    "benchmark": "gsm8k",
    "split": "test",
    "model": "student",
    "decoder": "greedy",
    "shots": 0,
    "n": 1319,
    "accuracy": 0.2,
    "low": 0.18,
    "high": 0.22,
    "executable_rate": 0.99,
}


def _data(card: str) -> dict[str, Any]:
    return dict(ModelCard(card).data.to_dict())  # type: ignore[no-untyped-call]


def _programs(card: str) -> list[str]:
    return [code for _, code in re.findall(r"^(`{3,})python\n(.*?)^\1$", card, re.DOTALL | re.MULTILINE)]


def test_the_front_matter_is_what_the_hub_reads() -> None:
    data = _data(model_card(ORIGIN))
    assert (data["base_model"], data["license"]) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "apache-2.0")
    assert (data["datasets"], data["library_name"], data["metrics"]) == (["openai/gsm8k"], "transformers", ["accuracy"])
    assert "model-index" not in data


def test_what_only_this_machine_has_is_not_named_to_the_hub() -> None:
    data = _data(model_card(replace(ORIGIN, hub_base="", hub_source="", base_licence="My Own")))
    assert "base_model" not in data
    assert "datasets" not in data
    assert (data["license"], data["license_name"]) == ("other", "My Own")


def test_accuracy_is_in_the_index_once_it_is_known() -> None:
    assert "Not measured yet" in model_card(ORIGIN)
    rows = [RESULT, {**RESULT, "model": "base", "shots": 4, "accuracy": 0.01}]
    card = model_card(ORIGIN, rows)
    [result] = ModelCard(card).data.eval_results  # type: ignore[attr-defined]
    assert (result.dataset_type, result.dataset_split, result.metric_type) == ("gsm8k", "test", "accuracy")
    assert result.metric_value == 0.2
    assert "| gsm8k, test | student | 0 | 1,319 | 20.0 % | 18.0 – 22.0 % | 99.0 % |" in card
    assert "| gsm8k, test | base | 4 |" in card


def test_data_and_training_are_told() -> None:
    card = model_card(ORIGIN)
    for line in (
        "from 38 programs for 20 problems",
        "Of 100 samples 38 were learnt from, 2 held back",
        "| wrong\\_answer | 60 | 60.0 % |",
        "| learning rate | 0.0003 |",
        "| loss | answer\\_weight 2 |",
        "| steps | 12 |",
        "| tokens | 3,456 |",
        "| time at work | 1.5 min |",
        "| licence of the problems | mit |",
        "| seed of training | 7 |",
        "| commit of pad-ray | 0123abc+ |",
        "| version of torch | 2.13.0 |",
    ):
        assert line in card


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize("pairs", [False, True])
def test_its_programs_are_whole(lora: bool, pairs: bool) -> None:
    origin = LORA if lora else ORIGIN
    asking = replace(origin.asking, encoder_decoder=pairs, vllm=not pairs)
    programs = _programs(model_card(replace(origin, asking=asking)))
    assert len(programs) == (1 if pairs else 2)
    for program in programs:
        compile(program, "card", "exec")
        assert "Solution:\\ndef solution():" in program


def test_an_adapter_is_peft_and_merged_it_is_not() -> None:
    card = model_card(LORA, [RESULT])
    assert (_data(card)["library_name"], "lora" in _data(card)["tags"]) == ("peft", True)
    merged = merged_card(card, LORA.asking)
    assert (_data(merged)["library_name"], "lora" in _data(merged)["tags"]) == ("transformers", False)
    assert _programs(merged) == _programs(model_card(ORIGIN))
    assert merged.partition("## Data")[2].strip() == card.partition("## Data")[2].strip()
    assert ModelCard(merged).data.eval_results == ModelCard(card).data.eval_results  # type: ignore[attr-defined]
