"""The training loop of one worker: DeepSpeed inside Ray Train, short on purpose."""

from __future__ import annotations

import math
import os
import tempfile
from typing import Any

from pad_ray.config import ResourcesConfig, TrainingConfig
from pad_ray.errors import StageError
from pad_ray.training.batches import PackedBatch, count_steps, pack, split_step, step_examples
from pad_ray.training.tokens import TokenizedExample


def train_worker(config: dict[str, Any]) -> None:
    """Trains; every rank runs this function (`train_loop_per_worker`).

    Args:
        config: `model` (folder or hub name), `examples` (object reference to tokenised examples), `training` and
            `resources` (settings as plain mappings), `tally` (actor handle).
    """
    import ray
    import ray.train
    import torch

    training = TrainingConfig.model_validate(config["training"])
    resources = ResourcesConfig.model_validate(config["resources"])
    if resources.threads:
        torch.set_num_threads(resources.threads)
    torch.manual_seed(training.seed)
    examples: list[TokenizedExample] = ray.get(config["examples"])
    engine = _engine(config["model"], training, resources)
    steps = count_steps(len(examples), training.batch_size, training.epochs)
    rank = ray.train.get_context().get_world_rank()
    for step in range(steps):
        facts = train_step(engine, examples, step, steps, training, resources)
        if rank == 0:
            config["tally"].put.remote({"steps": step + 1, "loss": facts["loss"]})
            config["tally"].add.remote({"tokens": facts["tokens"]})
            config["tally"].log.remote({"step": step + 1, **facts})
        last = step + 1 == steps
        if last or step % 10 == 9:
            _report({"step": step + 1, **facts}, engine, config["model"], rank, save=last)


def train_step(
    engine: Any,
    examples: list[TokenizedExample],
    step: int,
    steps: int,
    training: TrainingConfig,
    resources: ResourcesConfig,
) -> dict[str, float]:
    """One optimiser step over one global batch.

    Every micro-batch's loss is divided by the number of target tokens of the whole step, over all workers, so that the
    gradient does not depend on how the step was cut.

    Returns:
        `loss` (nats per target token), `tokens` (of the whole step), `learning_rate`.

    Raises:
        StageError: the loss is not a number.
    """
    import torch
    import torch.distributed as dist

    world, rank = dist.get_world_size(), dist.get_rank()
    chosen = [examples[n] for n in step_examples(step, len(examples), training.batch_size, training.seed)]
    targets = sum(len(example.target) for example in chosen)
    rate = learning_rate(step, steps, training)
    for group in engine.optimizer.param_groups:
        group["lr"] = rate
    micro = split_step([len(example) for example in chosen], world, resources.micro_batch_tokens)[rank]
    total = torch.zeros((), dtype=torch.float32, device=engine.device)
    for n, positions in enumerate(micro):
        loss = packed_loss(engine, pack([chosen[p] for p in positions])) / targets
        engine.set_gradient_accumulation_boundary(n + 1 == len(micro))
        engine.backward(loss * world)  # DeepSpeed averages over workers; the sum is wanted
        engine.step()
        total += loss.detach()
    dist.all_reduce(total)
    if not math.isfinite(float(total)):
        raise StageError(f"the loss is {float(total)} at step {step + 1} of {steps}", "Lower training.learning_rate")
    return {"loss": float(total), "tokens": sum(map(len, chosen)), "learning_rate": rate}


def packed_loss(model: Any, batch: PackedBatch) -> Any:
    """Summed cross-entropy over the targets of a packed batch; logits are computed at the targets only."""
    import torch

    device = next(model.parameters()).device
    if batch.labels.numel() == 0:
        return sum(parameter.sum() * 0.0 for parameter in model.parameters())
    logits = model(
        input_ids=batch.input_ids.to(device),
        position_ids=batch.position_ids.to(device),
        logits_to_keep=batch.predict.to(device),
        use_cache=False,
    ).logits[0]
    return torch.nn.functional.cross_entropy(logits.float(), batch.labels.to(device), reduction="sum")


def learning_rate(step: int, steps: int, training: TrainingConfig) -> float:
    """The rate of a step (from 0): linear warm-up, then the schedule."""
    warmup = math.ceil(training.warmup * steps)
    if step < warmup:
        return training.learning_rate * (step + 1) / warmup
    left = 1 - (step - warmup) / max(1, steps - warmup)
    share = {"linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * left), "constant": 1.0}[training.schedule]
    return training.learning_rate * share


def deepspeed_config(training: TrainingConfig, resources: ResourcesConfig) -> dict[str, Any]:
    """DeepSpeed's settings; micro-batches and accumulation are handled by the loop, so it is told one of each."""
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": training.max_grad_norm,
        "bf16": {"enabled": training.precision == "bf16"},
        "zero_optimization": {"stage": resources.zero_stage},
        "optimizer": {
            "type": "AdamW",
            "params": {
                "lr": training.learning_rate,
                "weight_decay": training.weight_decay,
                "torch_adam": not resources.train_gpus,
            },
        },
        "zero_allow_untested_optimizer": True,
        "steps_per_print": 10**9,
    }


def _engine(model: str, training: TrainingConfig, resources: ResourcesConfig) -> Any:
    if not resources.train_gpus:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed
    import torch
    from transformers import AutoModelForCausalLM

    if not resources.train_gpus:
        # Compiled at initialize() for inference only; a worker killed meanwhile leaves a lock that hangs later runs.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    dtype = torch.bfloat16 if training.precision == "bf16" else torch.float32
    student = AutoModelForCausalLM.from_pretrained(model, dtype=dtype)
    engine, *_ = deepspeed.initialize(
        model=student, model_parameters=student.parameters(), config=deepspeed_config(training, resources)
    )
    engine.train()
    return engine


def _report(metrics: dict[str, float], engine: Any, model: str, rank: int, save: bool) -> None:
    """Reports from every rank (it is a barrier); the last report carries the checkpoint."""
    import ray.train

    if not save:
        ray.train.report(metrics)
        return
    with tempfile.TemporaryDirectory() as folder:
        state = engine._zero3_consolidated_16bit_state_dict() if engine.zero_optimization_stage() == 3 else None
        checkpoint = None
        if rank == 0:
            from transformers import AutoTokenizer

            engine.module.save_pretrained(folder, state_dict=state)
            AutoTokenizer.from_pretrained(model).save_pretrained(folder)
            checkpoint = ray.train.Checkpoint.from_directory(folder)
        ray.train.report(metrics, checkpoint=checkpoint)
