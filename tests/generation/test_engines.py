"""Which engine loads a model is decided by its architecture, and by whether an adapter goes on it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.errors import ModelError
from pad_ray.generation.engines import adapter_rank, engine_for, engine_rank
from tests.training.tiny import make_student


def _model(folder: Path, **settings: Any) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(settings))
    return str(folder)


@pytest.mark.parametrize(
    ("kind", "plain", "adapted"),
    [
        ("llama", "vllm", "vllm"),
        ("gpt2", "vllm", "transformers"),  # vLLM puts no adapter on it
        ("t5", "transformers", "transformers"),
    ],
)
def test_an_architecture_has_its_engine(tmp_path: Path, kind: str, plain: str, adapted: str) -> None:
    model = make_student(kind, tmp_path)
    assert (engine_for(model), engine_for(model, adapters=True)) == (plain, adapted)


@pytest.mark.parametrize("settings", [{}, {"architectures": ["NobodyKnowsForCausalLM"]}])
def test_what_vllm_has_not_goes_through_transformers(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert engine_for(_model(tmp_path / "model", **settings)) == "transformers"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # vLLM's own
def test_the_registry_is_read_as_vllm_itself_reads_it(tmp_path: Path) -> None:
    """The bases of the classes, against the classes; GPT-NeoX, Phi-3 and SmolLM3 inherit in three different ways."""
    from vllm.model_executor.models import ModelRegistry, supports_lora

    names = ("LlamaForCausalLM", "GPTNeoXForCausalLM", "Phi3ForCausalLM", "Qwen2ForCausalLM", "MistralForCausalLM")
    for name in names:
        loaded = ModelRegistry.models[name].load_model_cls()
        model = _model(tmp_path / name, architectures=[name])
        assert (engine_for(model, adapters=True) == "vllm") == supports_lora(loaded), name


@pytest.mark.parametrize(("rank", "room"), [(1, 1), (4, 8), (16, 16), (65, 128), (257, 320), (512, 512), (513, None)])
def test_an_engine_makes_room_for_the_next_rank_that_it_knows(rank: int, room: int | None) -> None:
    assert engine_rank(rank) == room


def test_the_rank_of_an_adapter_is_its_largest(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 8, "rank_pattern": {"q_proj": 40}}))
    assert adapter_rank(str(tmp_path)) == 40


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no adapter_config\.json"):
        adapter_rank(str(tmp_path))
