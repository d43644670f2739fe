"""Training speed beside a bare PyTorch loop, and beside TRL's SFTTrainer where that is installed.

    python -m tests.bench.training [--examples N] [--steps N] [--rounds N]        (about twenty minutes)

SmolLM2-135M, full fine-tuning in bf16 (fp32 where this CPU multiplies bf16 slowly), GSM8K's annotated programs in
batches of 16, the same examples in the same order in each arm: pad-ray with one worker of two threads, pad-ray with
two workers of one thread, a bare loop (bf16 autocast over float32 weights, batches padded to their longest, logits at
targets only, AdamW), and SFTTrainer with its own defaults for the same batch. Each arm runs in processes of its own;
two steps warm up, the others are timed. The arms take turns, and the median of the rounds counts. Tokens are those of
the examples, never padding.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pad_ray.arithmetic import multiplies_bf16
from pad_ray.config import ResourcesConfig
from pad_ray.models import embedded_model
from pad_ray.programs.annotations import program_of
from pad_ray.recipes import recipe_named
from pad_ray.training.batches import step_examples
from pad_ray.training.cpu import environment
from pad_ray.training.precision import Precision, settled_precision
from pad_ray.training.settings import TrainingConfig
from pad_ray.training.tokens import TokenizedExample, tokenize

PRECISION: Precision = "bf16" if multiplies_bf16() else "fp32"
TRAINING = TrainingConfig(learning_rate=4e-4, batch_size=16, precision=PRECISION)
WARM = 2
ARMS = ("bare", "ours: 1 × 2 threads", "ours: 2 × 1 thread", "trl")


def rows(count: int) -> list[dict[str, Any]]:
    """Example rows of the first problems whose notes make a program."""
    data = Path(os.environ.get("PAD_RAY_DATA", Path(__file__).parents[2] / "../shared/data"))
    recipe, found = recipe_named("pad"), []
    with (data / "gsm8k/train.jsonl").open() as file:
        for line in file:
            problem = json.loads(line)
            if program := program_of(problem["rationale"]):
                target = recipe.target(program)
                found.append({"id": problem["id"], "prompt": recipe.prompt(problem["question"]), "target": target})
            if len(found) == count:
                break
    return found


def examples(count: int) -> list[TokenizedExample]:
    """The same, as ids."""
    from transformers import AutoTokenizer

    return tokenize(rows(count), AutoTokenizer.from_pretrained(embedded_model()), TRAINING.max_tokens)


def measured(seconds: float, tokens: int) -> dict[str, float]:
    """An arm's measure; memory is the peak of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"tokens": tokens, "seconds": seconds, "memory_gib": peak}


def ours(workers: int, count: int, steps: int, training: TrainingConfig = TRAINING) -> dict[str, float]:
    """pad-ray's loop in `workers` processes, as Ray Train would run it."""
    from tests.training.tiny import in_processes

    found = in_processes(workers, _ours, workers, count, steps, training)
    return {**found[0], "memory_gib": sum(one["memory_gib"] for one in found)}


def _ours(workers: int, count: int, steps: int, training: TrainingConfig) -> dict[str, float]:

    from pad_ray.training.cpu import pack_multiple, prepare
    from pad_ray.training.engine import build_engine
    from pad_ray.training.loop import train_step
    from pad_ray.training.objective import Objective

    prepare(None, workers)
    multiple = pack_multiple(settled_precision(training.precision, None, on_gpu=False))
    resources = ResourcesConfig(train_workers=workers)
    engine = build_engine(str(embedded_model()), None, training, resources)
    objective = Objective(engine.module.config, resources.micro_batch_tokens, multiple)
    lessons, tokens, begun = examples(count), 0, 0.0
    for step in range(steps):
        if step == WARM:
            tokens, begun = 0, time.perf_counter()
        tokens += int(train_step(engine, objective, lessons, step, steps, training)["tokens"])
    return measured(time.perf_counter() - begun, tokens)


def bare(count: int, steps: int) -> dict[str, float]:
    """What one would write by hand."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(2)
    model = AutoModelForCausalLM.from_pretrained(embedded_model(), dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=TRAINING.learning_rate)
    lessons, tokens, begun = examples(count), 0, 0.0
    model.train()
    for step in range(steps):
        if step == WARM:
            tokens, begun = 0, time.perf_counter()
        chosen = [lessons[n] for n in step_examples(step, count, TRAINING.batch_size, TRAINING.seed)]
        longest = max(map(len, chosen))
        ids = torch.tensor([[*one.prompt, *one.target, *[0] * (longest - len(one))] for one in chosen])
        seen = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in chosen])
        learnt = torch.zeros_like(seen, dtype=torch.bool)
        for row, one in enumerate(chosen):
            learnt[row, len(one.prompt) - 1 : len(one) - 1] = True
        with torch.autocast("cpu", torch.bfloat16, enabled=PRECISION == "bf16"):
            hidden = model.model(input_ids=ids, attention_mask=seen).last_hidden_state
            logits = model.lm_head(hidden[learnt])
        loss = torch.nn.functional.cross_entropy(logits.float(), ids.roll(-1, 1)[learnt])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), TRAINING.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        tokens += sum(map(len, chosen))
    return measured(time.perf_counter() - begun, tokens)


def trl(count: int, steps: int) -> dict[str, float]:
    """SFTTrainer on prompt and completion, in bf16."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(2)
    begun: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **unused: Any) -> None:
            if state.global_step == WARM:
                begun.append(time.perf_counter())

    made = rows(count)
    order = [n for step in range(steps) for n in step_examples(step, count, TRAINING.batch_size, TRAINING.seed)]
    pairs = [{"prompt": made[n]["prompt"], "completion": made[n]["target"]} for n in order]
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=TRAINING.batch_size,
            learning_rate=TRAINING.learning_rate,
            bf16=PRECISION == "bf16",
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            gradient_checkpointing=False,
            completion_only_loss=True,
            dataloader_num_workers=0,
        )
        trainer = SFTTrainer(
            str(embedded_model()), args=settings, train_dataset=Dataset.from_list(pairs), callbacks=[Clock()]
        )
        trainer.train()
    lessons = examples(count)
    tokens = sum(len(lessons[n]) for n in order[WARM * TRAINING.batch_size :])
    return measured(time.perf_counter() - begun[0], tokens)


def run(arm: str, count: int, steps: int) -> dict[str, float]:
    """One arm in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        result = Path(name, "result.json")
        command = [sys.executable, "-m", "tests.bench.training", "--arm", arm, str(result)]
        command += ["--examples", str(count), "--steps", str(steps)]
        told = environment() if arm.startswith("ours") else {}
        place = Path(__file__).parents[2]
        subprocess.run(command, cwd=place, env={**os.environ, **told}, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, float] = json.loads(result.read_text())
        return found


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arm", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.arm:
        arm, result = args.arm
        makers = {
            "bare": lambda: bare(args.examples, args.steps),
            "trl": lambda: trl(args.examples, args.steps),
            ARMS[1]: lambda: ours(1, args.examples, args.steps),
            ARMS[2]: lambda: ours(2, args.examples, args.steps),
        }
        Path(result).write_text(json.dumps(makers[arm]()))
        return 0
    arms = [arm for arm in ARMS if arm != "trl" or find_spec("trl")]
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for _ in range(args.rounds):
        for arm in arms:
            found[arm].append(run(arm, args.examples, args.steps))
    rates = {arm: [one["tokens"] / one["seconds"] for one in runs] for arm, runs in found.items()}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {args.rounds} rounds of {args.steps} steps\n")
    print("| arm | tokens/s | of the bare loop | peak memory, GiB |\n|---|---:|---:|---:|")
    for arm, runs in found.items():
        ratios = [rate / base for rate, base in zip(rates[arm], rates["bare"], strict=True)]
        memory = statistics.median(one["memory_gib"] for one in runs)
        print(
            f"| {arm} | {statistics.median(rates[arm]):.0f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} – {max(ratios):.2f}) | {memory:.1f} |"
        )
    two = statistics.median(b / a for a, b in zip(rates[ARMS[1]], rates[ARMS[2]], strict=True))
    print(f"\ntwo workers : one worker of two threads = {two:.2f}")
    if "trl" not in arms:
        print("trl is not installed: its arm was not run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
