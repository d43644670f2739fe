"""bf16 against fp32 on this machine's CPU, in training and in the engine, and which of them a run would take.

    python -m tests.bench.arithmetic [--examples N] [--prompts N]

SmolLM2-135M. Training: one timed step of the same examples of GSM8K, in pad-ray's loop with one
worker of all cores. Engine: vLLM as a run starts it, the same prompts, 32 new tokens each. A process of its own for
each figure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

from pad_ray.arithmetic import multiplies_bf16
from pad_ray.config import ResourcesConfig
from pad_ray.models import embedded_model
from tests.bench.training import TRAINING, WARM, ours, rows

_NEW = 32  # tokens for each prompt


def training(precision: str, count: int) -> float:
    """Tokens per second of pad-ray's training loop, one batch a step."""
    found = ours(1, count, WARM + 1, TRAINING.model_copy(update={"precision": precision, "batch_size": count}))
    return found["tokens"] / found["seconds"]


def engine(precision: str, count: int) -> float:
    """New tokens per second of vLLM."""
    from pad_ray.generation.vllm import engine_arguments, engine_environment

    resources = ResourcesConfig(kv_cache_gib=2, max_model_len=512)
    os.environ.update(engine_environment(resources))
    from vllm import LLM, SamplingParams

    dtype = {"bf16": "bfloat16", "fp32": "float32"}[precision]
    model = LLM(model=str(embedded_model()), **(engine_arguments(resources) | {"dtype": dtype}))
    prompts = [row["prompt"] for row in rows(count)]
    ask = SamplingParams(max_tokens=_NEW, temperature=0, ignore_eos=True)
    begun = time.perf_counter()
    model.generate(prompts, ask, use_tqdm=False)
    return _NEW * count / (time.perf_counter() - begun)


def _in_own_process(what: str, precision: str, count: int) -> float:
    command = [sys.executable, "-m", "tests.bench.arithmetic", "--one", what, precision, str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["rate"])


def main() -> None:
    """All four figures, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=8, help="of a training step")
    parser.add_argument("--prompts", type=int, default=32, help="that the engine is given at once")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        what, precision, count = given.one
        rate = {"training": training, "engine": engine}[what](precision, int(count))
        print(json.dumps({"rate": rate}), flush=True)
        return
    print(
        f"a run would take {'bf16' if multiplies_bf16() else 'fp32'} here\n\n{'':<10}{'bf16':>8}{'fp32':>8}  fp32/bf16"
    )
    for what, count in (("training", given.examples), ("engine", given.prompts)):
        bf16, fp32 = (_in_own_process(what, precision, count) for precision in ("bf16", "fp32"))
        print(f"{what:<10}{bf16:>8.1f}{fp32:>8.1f}{fp32 / bf16:>11.2f}   tokens/s", flush=True)


if __name__ == "__main__":
    main()
