"""Starts a vLLM engine as a run would, lets the embedded model write a few tokens, and says so as JSON."""

from __future__ import annotations

import json
import os


def main() -> None:
    """Runs in a process of its own, which ends with the engine."""
    from pad_ray.config import ResourcesConfig
    from pad_ray.doctor.machine import gpus
    from pad_ray.generation.vllm import engine_arguments, engine_environment
    from pad_ray.models import resolve_model

    resources = ResourcesConfig(engine_gpus=1 if gpus() else 0, kv_cache_gib=1, max_model_len=256)
    os.environ.update(engine_environment(resources))
    from vllm import LLM, SamplingParams

    engine = LLM(model=resolve_model("embedded"), **engine_arguments(resources))
    [output] = engine.generate(["Two and two is"], SamplingParams(max_tokens=8, temperature=0), use_tqdm=False)
    tokens = len(output.outputs[0].token_ids)
    device = "a GPU" if resources.engine_gpus else "the CPU"
    print(json.dumps({"says": f"an engine started on {device} and wrote {tokens} tokens"}), flush=True)


if __name__ == "__main__":
    main()
