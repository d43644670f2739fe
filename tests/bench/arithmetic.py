"""bf16 against fp32 on this machine's CPU, in training and in the engine, and which of them a run would take.

    python -m tests.bench.arithmetic [--examples N] [--prompts N]        (some five minutes; slow CPUs longer)

SmolLM2-135M. Training: one warm step and one timed step of the same examples of GSM8K, in pad-ray's loop with one
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
from tests.bench.training import TRAINING, examples, rows

_NEW = 32  # tokens for each prompt


def training(precision: str, count: int) -> float:
    """Tokens per second of pad-ray's training loop."""
    from tests.training.tiny import in_processes

    return float(in_processes(1, _training, precision, count)[0])


def _training(precision: str, count: int) -> float:
    from pad_ray.training.cpu import MULTIPLE, prepare
    from pad_ray.training.engine import build_engine
    from pad_ray.training.loop import train_step
    from pad_ray.training.objective import Objective

    prepare(None, 1)
    settings = TRAINING.model_copy(update={"precision": precision, "batch_size": count})
    engine = build_engine(str(embedded_model()), None, settings, resources := ResourcesConfig(train_workers=1))
    objective = Objective(engine.module.config, resources.micro_batch_tokens, MULTIPLE)
    lessons = examples(count)
    for step in range(2):
        begun = time.perf_counter()
        tokens = train_step(engine, objective, lessons, step, 2, settings)["tokens"]
    return tokens / (time.perf_counter() - begun)


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
        slow, fast = (_in_own_process(what, precision, count) for precision in ("bf16", "fp32"))
        print(f"{what:<10}{slow:>8.1f}{fast:>8.1f}{fast / slow:>11.2f}   tokens/s", flush=True)


if __name__ == "__main__":
    main()
