"""The engine's configuration for CPUs and GPUs, and rows as they come back from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.errors import ModelError
from pad_ray.generation.vllm import REQUEST_COLUMNS, checked_adapter, engine_config, normalise

ASKED = {
    **dict.fromkeys(REQUEST_COLUMNS, "x"),
    "attempt": 0,
    "k": 1,
    "sampling": json.dumps({"max_tokens": 5, "temperature": 0.0}),
}


def _config(**settings: Any) -> Any:
    return engine_config("org/model", ResourcesConfig(**settings))


def test_a_cpu_engine_prefills_whole_so_that_seeded_requests_do_not_kill_it() -> None:
    kwargs = _config(max_model_len=6000).engine_kwargs
    assert kwargs["enable_chunked_prefill"] is False
    assert kwargs["max_num_batched_tokens"] >= 6000


def test_a_gpu_engine_is_left_to_its_own_scheduling() -> None:
    kwargs = _config(engine_gpus=2).engine_kwargs
    assert kwargs["tensor_parallel_size"] == 2
    assert "enable_chunked_prefill" not in kwargs
    assert "enforce_eager" not in kwargs


@pytest.mark.parametrize(("gpus", "bundle"), [(0, {"CPU": 1}), (1, {"CPU": 1, "GPU": 1}), (4, {"CPU": 1, "GPU": 1})])
def test_each_worker_of_an_engine_reserves_one_device(gpus: int, bundle: dict[str, int]) -> None:
    reserved = _config(engine_gpus=gpus).placement_group_config["bundle_per_worker"]
    assert {device: count for device, count in reserved.items() if count} == bundle


def test_cpu_memory_and_cores_go_to_the_engine_by_its_environment() -> None:
    environment = _config(kv_cache_gib=7, engine_cores="0-5").runtime_env["env_vars"]
    assert environment == {"VLLM_CPU_KVCACHE_SPACE": "7", "VLLM_CPU_OMP_THREADS_BIND": "0-5"}


def test_many_engines_on_a_cpu_are_not_bound_to_the_same_cores() -> None:
    assert _config(engines=2).runtime_env["env_vars"]["VLLM_CPU_OMP_THREADS_BIND"] == "auto"


def test_one_bad_row_does_not_end_the_stream() -> None:
    assert _config().should_continue_on_error is True


def test_eight_blocks_fill_an_engine_and_none_waits_in_line() -> None:
    config = _config(engine_rows=64)
    assert (config.batch_size, config.max_concurrent_batches, config.max_tasks_in_flight_per_actor) == (8, 8, 8)
    assert config.engine_kwargs["max_num_seqs"] == 64


def test_an_engine_takes_adapters_only_where_there_is_one() -> None:
    assert "enable_lora" not in _config().engine_kwargs
    with_adapter = engine_config("org/model", ResourcesConfig(engine_adapter_rank=8), lora=True).engine_kwargs
    assert (with_adapter["enable_lora"], with_adapter["max_lora_rank"]) == (True, 8)


def test_an_adapter_is_a_folder_that_peft_wrote(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no adapter_config\.json"):
        checked_adapter(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text("{}")
    assert checked_adapter(str(tmp_path)) == str(tmp_path)


def test_engine_arguments_of_the_user_win() -> None:
    assert _config(engine_kwargs={"max_num_seqs": 7}).engine_kwargs["max_num_seqs"] == 7


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
