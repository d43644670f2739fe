"""The engine's configuration for CPUs and GPUs, and rows as they come back from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.errors import ModelError
from pad_ray.generation.vllm import REQUEST_COLUMNS, check_served, checked_adapter, engine_config, normalise
from pad_ray.release import engine_mark

ASKED = {
    **dict.fromkeys(REQUEST_COLUMNS, "x"),
    "attempt": 0,
    "k": 1,
    "sampling": json.dumps({"max_tokens": 5, "temperature": 0.0}),
}


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 8192}')
    return str(tmp_path)


def test_a_cpu_engine_prefills_whole_so_that_seeded_requests_do_not_kill_it(model: str) -> None:
    kwargs = engine_config(model, ResourcesConfig(max_model_len=6000)).engine_kwargs
    assert kwargs["enable_chunked_prefill"] is False
    assert kwargs["max_num_batched_tokens"] >= 6000


@pytest.mark.parametrize(
    ("gpus", "fast", "dtype"), [(0, True, "bfloat16"), (0, False, "float32"), (1, False, "bfloat16")]
)
def test_an_engine_computes_in_bf16_unless_its_cpu_is_slow_in_it(
    gpus: int, fast: bool, dtype: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pad_ray.generation.vllm.multiplies_bf16", lambda: fast)
    assert engine_config(model, ResourcesConfig(engine_gpus=gpus)).engine_kwargs["dtype"] == dtype


def test_a_gpu_engine_is_left_to_its_own_scheduling(model: str) -> None:
    kwargs = engine_config(model, ResourcesConfig(engine_gpus=2)).engine_kwargs
    assert kwargs["tensor_parallel_size"] == 2
    assert "enable_chunked_prefill" not in kwargs
    assert "enforce_eager" not in kwargs


@pytest.mark.parametrize(("gpus", "bundle"), [(0, {"CPU": 1}), (1, {"CPU": 1, "GPU": 1}), (4, {"CPU": 1, "GPU": 1})])
def test_each_worker_of_an_engine_reserves_one_device(model: str, gpus: int, bundle: dict[str, int]) -> None:
    reserved = engine_config(model, ResourcesConfig(engine_gpus=gpus)).placement_group_config["bundle_per_worker"]
    assert {device: count for device, count in reserved.items() if count} == bundle


def test_cpu_memory_and_cores_go_to_the_engine_by_its_environment(model: str) -> None:
    environment = engine_config(model, ResourcesConfig(kv_cache_gib=7, engine_cores="0-5")).runtime_env["env_vars"]
    expected = {"VLLM_CPU_KVCACHE_SPACE": "7", "VLLM_CPU_OMP_THREADS_BIND": "0-5"}
    assert environment == {**expected, **engine_mark()}


def test_many_engines_on_a_cpu_are_not_bound_to_the_same_cores(model: str) -> None:
    assert (
        engine_config(model, ResourcesConfig(engines=2)).runtime_env["env_vars"]["VLLM_CPU_OMP_THREADS_BIND"] == "auto"
    )


def test_one_bad_row_does_not_end_the_stream(model: str) -> None:
    assert engine_config(model, ResourcesConfig()).should_continue_on_error is True


def test_eight_blocks_fill_an_engine_and_none_waits_in_line(model: str) -> None:
    config = engine_config(model, ResourcesConfig(engine_rows=64))
    assert (config.batch_size, config.max_concurrent_batches, config.max_tasks_in_flight_per_actor) == (8, 8, 8)
    assert config.engine_kwargs["max_num_seqs"] == 64


def test_an_engine_takes_adapters_only_where_there_is_one(model: str) -> None:
    assert "enable_lora" not in engine_config(model, ResourcesConfig()).engine_kwargs
    (Path(model) / "adapter_config.json").write_text('{"r": 65}')
    with_adapter = engine_config(model, ResourcesConfig(), adapter=model).engine_kwargs
    assert (with_adapter["enable_lora"], with_adapter["max_lora_rank"]) == (True, 128)


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"n_positions": 4096}, 1024),
        ({"max_position_embeddings": 512, "rope_scaling": {"factor": 4.0}}, 1024),
        ({}, 1024),
    ],
)
def test_an_engine_is_not_asked_for_more_than_a_model_has_places_for(
    model: str, settings: dict[str, Any], longest: int
) -> None:
    (Path(model) / "config.json").write_text(json.dumps(settings))
    assert engine_config(model, ResourcesConfig(max_model_len=1024)).engine_kwargs["max_model_len"] == longest


def test_an_encoder_decoder_is_refused_before_an_engine_starts(model: str) -> None:
    (Path(model) / "config.json").write_text('{"is_encoder_decoder": true}')
    with pytest.raises(ModelError, match=r"which vLLM does not serve\. Set `teacher\.kind: transformers`"):
        check_served(model)


def test_an_adapter_of_too_high_a_rank_is_refused_before_an_engine_starts(model: str) -> None:
    (Path(model) / "adapter_config.json").write_text('{"r": 600}')
    with pytest.raises(ModelError, match="is of rank 600, and vLLM takes 512 at most"):
        check_served(model, adapter=model)


def test_an_adapter_is_a_folder_that_peft_wrote(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no adapter_config\.json"):
        checked_adapter(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text("{}")
    assert checked_adapter(str(tmp_path)) == str(tmp_path)


def test_engine_arguments_of_the_user_win(model: str) -> None:
    assert engine_config(model, ResourcesConfig(engine_kwargs={"max_num_seqs": 7})).engine_kwargs["max_num_seqs"] == 7


@pytest.mark.parametrize(("tokens", "reason"), [(4, "stop"), (5, "length")])
def test_a_completion_as_long_as_allowed_was_cut(tokens: int, reason: str) -> None:
    row = {
        **ASKED,
        "generated_text": "text",
        "num_input_tokens": 9,
        "num_generated_tokens": tokens,
        "time_taken_llm": 0.5,
    }
    sample = normalise(row)
    assert sample["seconds"] == 0.5
    assert (sample["completion"], sample["completion_tokens"], sample["finish_reason"]) == ("text", tokens, reason)


def test_a_row_that_failed_at_the_engine_keeps_its_place_and_its_error() -> None:
    sample = normalise({**ASKED, "__inference_error__": "ValueError: too long", "generated_text": None})
    assert sample["id"] == "x"
    assert sample["completion"] is None
    assert (sample["teacher_error"], sample["finish_reason"]) == ("ValueError: too long", "error")
