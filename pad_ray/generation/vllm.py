"""Completions from vLLM under Ray Data's own LLM processor: it streams, autoscales and restarts dead engines.

Each request is one row with its own sampling parameters; Ray Data keeps only the first output of a request, so k
samples are k rows, and prefix caching makes their shared prompt cheap.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

from pad_ray.arithmetic import multiplies_bf16
from pad_ray.config import ResourcesConfig
from pad_ray.errors import ModelError
from pad_ray.generation.completion import answered, failed
from pad_ray.generation.engines import adapter_rank, engine_rank
from pad_ray.models import context_length, model_settings
from pad_ray.records import Row
from pad_ray.release import engine_mark

_BLOCKS_AT_ONCE = 8
_LONGEST_ERROR = 500

# What passes through the engine. Not `model`: the engine would take it for the name of a LoRA adapter.
REQUEST_COLUMNS = ("id", "rid", "attempt", "problem_id", "k", "prompt", "gold", "sampling")


def complete(requests: Any, model: str, resources: ResourcesConfig, adapter: str | None = None) -> Any:
    """Runs requests through vLLM engines.

    Args:
        requests: a `ray.data.Dataset` with the columns `REQUEST_COLUMNS`.
        model: a local folder or a hub name.
        resources: engines, devices, memory.
        adapter: folder of a LoRA adapter to put on the model.

    Returns:
        A lazy `ray.data.Dataset`, unordered, whose rows `normalise` understands. A row that failed at the engine is
        among them, with its error.
    """
    from ray.data.llm import build_processor

    config = engine_config(model, resources, adapter)
    processor = build_processor(config, preprocess=partial(_ask, adapter=adapter), postprocess=_answer)
    # Ray Data starts dead engines again for ever; a prompt that kills each of them must end in an error.
    processor.get_stage_by_name("vLLMEngineStage").map_batches_kwargs["max_restarts"] = resources.engine_restarts
    return processor(requests.select_columns(list(REQUEST_COLUMNS)))


def engine_config(model: str, resources: ResourcesConfig, adapter: str | None = None) -> Any:
    """The processor's configuration (`vLLMEngineProcessorConfig`) for a CPU or for GPUs."""
    from ray.data.llm import vLLMEngineProcessorConfig

    lora = {"enable_lora": True, "max_lora_rank": engine_rank(adapter_rank(adapter))} if adapter else {}
    return vLLMEngineProcessorConfig(
        model_source=model,
        engine_kwargs={**lora, **engine_arguments(resources, longest_of(model, resources))},
        batch_size=resources.block_rows,
        max_concurrent_batches=_BLOCKS_AT_ONCE,
        # None waits in line at the engine: a kill loses what is in it, and no more.
        max_tasks_in_flight_per_actor=_BLOCKS_AT_ONCE,
        concurrency=resources.engines,
        # One dead row must not end a batch of thousands (ray#59194); it comes back with its error.
        should_continue_on_error=True,
        log_engine_metrics=False,
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        placement_group_config={"bundle_per_worker": _bundle(resources)},
        runtime_env={"env_vars": engine_environment(resources)},
    )


def _bundle(resources: ResourcesConfig) -> dict[str, float]:
    bundle = {"CPU": resources.engine_cpus}
    return {**bundle, "GPU": 1} if resources.engine_gpus else bundle


def longest_of(model: str, resources: ResourcesConfig) -> int:
    """vLLM refuses to start with more tokens than a model has places for, unless its positions are scaled."""
    settings = model_settings(model)
    scaled = (settings.get("rope_scaling") or settings.get("rope_parameters") or {}).get("factor")
    length = None if scaled else context_length(settings)
    return min(resources.max_model_len, length or resources.max_model_len)


def engine_arguments(resources: ResourcesConfig, longest: int | None = None) -> dict[str, Any]:
    """vLLM's engine arguments for a CPU or for GPUs.

    Args:
        longest: prompt and completion together, in tokens, where a model has fewer places than the setting.
    """
    longest = longest or resources.max_model_len
    dtype = "bfloat16" if resources.engine_gpus or multiplies_bf16() else "float32"
    common = {"dtype": dtype, "max_model_len": longest, "disable_log_stats": True}
    if resources.engine_gpus:
        return {**common, "tensor_parallel_size": resources.engine_gpus, **resources.engine_kwargs}
    # A seeded request kills vLLM's CPU engine as soon as its prefill is split over two steps ("CPU Generator does not
    # use offset", seen in 0.29.0 and 0.32.0), so prefill stays whole.
    whole = {"enable_chunked_prefill": False, "max_num_batched_tokens": max(4096, longest)}
    # The CPU backend's blocks of 128 tokens leave most of a worked example out of the prefix cache.
    small = {"enforce_eager": True, "max_num_seqs": resources.engine_rows, "block_size": 32}
    return {**common, **small, **whole, **resources.engine_kwargs}


def check_served(model: str, adapter: str | None = None, mend: str = "Set `teacher.kind: transformers`") -> None:
    """Refuses at once what would end the engine when it starts.

    Args:
        model: a local folder or a hub name.
        adapter: folder of a LoRA adapter.
        mend: how to ask for another engine.

    Raises:
        ModelError: an encoder-decoder, or an adapter of too high a rank.
    """
    if model_settings(model).get("is_encoder_decoder"):
        raise ModelError(f"model {model} is an encoder-decoder, which vLLM does not serve", mend)
    if adapter and not engine_rank(rank := adapter_rank(adapter)):
        raise ModelError(f"adapter {adapter} is of rank {rank}, and vLLM takes 512 at most", mend)


def checked_adapter(folder: str) -> str:
    """The path of a LoRA adapter's folder.

    Raises:
        ModelError: there is none.
    """
    path = str(Path(folder).expanduser().resolve())
    adapter_rank(path)
    return path


def engine_environment(resources: ResourcesConfig) -> dict[str, str]:
    """Environment variables that a CPU engine reads."""
    if resources.engine_gpus:
        return engine_mark()
    cores = os.cpu_count() or 1
    # vLLM's own choice leaves a core to its front end, which is half of a small laptop.
    bound = resources.engine_cores or (f"0-{cores - 1}" if cores <= 4 and resources.engines == 1 else "auto")
    memory = {"VLLM_CPU_KVCACHE_SPACE": str(resources.kv_cache_gib)}
    return {**engine_mark(), **memory, "VLLM_CPU_OMP_THREADS_BIND": bound}


def _ask(row: Row, adapter: str | None = None) -> Row:
    # In batches an adapter is named row by row; the engine's own setting takes only cloud addresses.
    asked = {"prompt": row["prompt"], "sampling_params": json.loads(row["sampling"])}
    return {**asked, "model": adapter} if adapter else asked


def _answer(row: Row) -> Row:
    """A row that succeeded; one that failed comes back whole, with `__inference_error__`, past this function."""
    return {
        **{key: row[key] for key in REQUEST_COLUMNS if key != "prompt"},
        "generated_text": row["generated_text"],
        "num_input_tokens": row["num_input_tokens"],
        "num_generated_tokens": row["num_generated_tokens"],
        "time_taken_llm": row["time_taken_llm"],
    }


def normalise(row: Row) -> Row:
    """A row of the record `completion`, from one that succeeded or failed at the engine."""
    if error := row.get("__inference_error__"):
        return failed(row, " ".join(str(error).split())[:_LONGEST_ERROR])
    length = int(row["num_generated_tokens"] or 0)
    return answered(
        row,
        row["generated_text"],
        seconds=float(row["time_taken_llm"] or 0.0),
        prompt_tokens=int(row["num_input_tokens"] or 0),
        completion_tokens=length,
        finish_reason="length" if length >= json.loads(row["sampling"])["max_tokens"] else "stop",
    )
