"""Completions from vLLM under Ray Data's own LLM processor: it streams, autoscales and restarts dead engines.

Each request is one row with its own sampling parameters; Ray Data keeps only the first output of a request, so k
samples are k rows, and prefix caching makes their shared prompt cheap.
"""

from __future__ import annotations

import json
import os
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.records import Row

# What passes through the engine. Not `model`: the engine would take it for the name of a LoRA adapter.
REQUEST_COLUMNS = ("id", "rid", "attempt", "problem_id", "k", "prompt", "gold", "sampling")


def complete(requests: Any, model: str, resources: ResourcesConfig) -> Any:
    """Runs requests through vLLM engines.

    Args:
        requests: a `ray.data.Dataset` with the columns `REQUEST_COLUMNS`.
        model: a local folder or a hub name.
        resources: engines, devices, memory.

    Returns:
        A lazy `ray.data.Dataset`, unordered, whose rows `normalise` understands. A row that failed at the engine is
        among them, with its error.
    """
    from ray.data.llm import build_processor

    processor = build_processor(engine_config(model, resources), preprocess=_ask, postprocess=_answer)
    return processor(requests)


def engine_config(model: str, resources: ResourcesConfig) -> Any:
    """The processor's configuration (`vLLMEngineProcessorConfig`) for a CPU or for GPUs."""
    from ray.data.llm import vLLMEngineProcessorConfig

    return vLLMEngineProcessorConfig(
        model_source=model,
        engine_kwargs=_engine_kwargs(resources),
        batch_size=resources.engine_batch,
        concurrency=resources.engines,
        # One dead row must not end a batch of thousands (ray#59194); it comes back with its error.
        should_continue_on_error=True,
        log_engine_metrics=False,
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        placement_group_config={"bundle_per_worker": _bundle(resources)},
        runtime_env={"env_vars": _environment(resources)},
    )


def _bundle(resources: ResourcesConfig) -> dict[str, float]:
    bundle = {"CPU": resources.engine_cpus}
    return {**bundle, "GPU": 1} if resources.engine_gpus else bundle


def _engine_kwargs(resources: ResourcesConfig) -> dict[str, Any]:
    common = {"dtype": "bfloat16", "max_model_len": resources.max_model_len, "disable_log_stats": True}
    if resources.engine_gpus:
        return {**common, "tensor_parallel_size": int(resources.engine_gpus), **resources.engine_kwargs}
    # A seeded request kills vLLM's CPU engine as soon as its prefill is split over two steps ("CPU Generator does not
    # use offset", seen in 0.29.0 and 0.32.0), so prefill stays whole.
    whole = {"enable_chunked_prefill": False, "max_num_batched_tokens": max(4096, resources.max_model_len)}
    # The CPU backend's blocks of 128 tokens leave most of a worked example out of the prefix cache.
    return {**common, "enforce_eager": True, "max_num_seqs": 128, "block_size": 32, **whole, **resources.engine_kwargs}


def _environment(resources: ResourcesConfig) -> dict[str, str]:
    if resources.engine_gpus:
        return {}
    cores = os.cpu_count() or 1
    # vLLM's own choice leaves a core to its front end, which is half of a small laptop.
    bound = resources.engine_cores or (f"0-{cores - 1}" if cores <= 4 and resources.engines == 1 else "auto")
    return {"VLLM_CPU_KVCACHE_SPACE": str(resources.kv_cache_gib), "VLLM_CPU_OMP_THREADS_BIND": bound}


def _ask(row: Row) -> Row:
    return {"prompt": row["prompt"], "sampling_params": json.loads(row["sampling"])}


def _answer(row: Row) -> Row:
    """A row that succeeded; one that failed comes back whole, with `__inference_error__`, past this function."""
    return {
        **{key: row[key] for key in REQUEST_COLUMNS if key != "prompt"},
        "generated_text": row["generated_text"],
        "num_input_tokens": row["num_input_tokens"],
        "num_generated_tokens": row["num_generated_tokens"],
    }


def normalise(row: Row) -> Row:
    """The fixed columns of a sample, from a row that succeeded or failed at the engine."""
    failed = row.get("__inference_error__") or None
    limit = json.loads(row["sampling"])["max_tokens"]
    length = int(row.get("num_generated_tokens") or 0)
    return {
        **{key: row[key] for key in ("id", "rid", "attempt", "problem_id", "k", "gold")},
        "completion": None if failed else row["generated_text"],
        "prompt_tokens": int(row.get("num_input_tokens") or 0),
        "completion_tokens": length,
        "finish_reason": "error" if failed else ("length" if length >= limit else "stop"),
        "teacher_error": failed,
    }
