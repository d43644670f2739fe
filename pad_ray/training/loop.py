"""The training loop of one worker: DeepSpeed inside Ray Train, short on purpose.

A training goes on exactly where its last state was kept: the order of examples, the cut of every step, the rate and
the seed of dropout are functions of the step, so the step is all that has to be remembered beside the engine's state.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.errors import PadRayError, StageError
from pad_ray.models import local_folder
from pad_ray.storage import Storage
from pad_ray.training.batches import count_steps, epoch_ends, step_examples
from pad_ray.training.checkpoints import Checkpoints
from pad_ray.training.cpu import pack_multiple, prepare
from pad_ray.training.distillation import FrozenTeacher
from pad_ray.training.engine import build_engine
from pad_ray.training.objective import Objective
from pad_ray.training.precision import Precision, settled_precision
from pad_ray.training.result import write_student
from pad_ray.training.schedule import learning_rate
from pad_ray.training.settings import LoraConfig, TrainingConfig
from pad_ray.training.students import load_student, with_saved_adapter
from pad_ray.training.tokens import TokenizedExample

FINISHED = "finished.json"  # written last: what there is to say of a training that reached its end


@dataclass(frozen=True)
class Job:
    """What every worker is told.

    Attributes:
        model: a local folder or a hub name.
        lora: the adapter to train, or None.
        training: what defines the weights.
        resources: how it is executed.
        examples: object reference to the tokenised examples, and `names` to their ids.
        validation: object reference to those held back.
        frozen: folder of the first student, of a self-distillation.
        place: folder of this training.
        tally: actor handle for progress and metrics.
    """

    model: str
    lora: LoraConfig | None
    training: TrainingConfig
    resources: ResourcesConfig
    examples: Any
    names: Any
    validation: Any
    frozen: Storage | None
    place: Storage
    tally: Any

    @property
    def home(self) -> Storage:
        """Where the weights of the student are written."""
        return self.place / "weights"


@dataclass
class Progress:
    """Where a training stands; what a state carries beside the engine's own.

    Attributes:
        precision: of its arithmetic.
        step: the step that comes next, from 0.
        tokens: tokens seen.
        seconds: time at work on the steps done.
        best: lowest validation loss so far, and `best_epoch` where it was.
        waited: epochs since then.
        stopped: why the training ended before its last step; empty where it did not.
    """

    precision: Precision
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float | None = None
    best: float | None = None
    best_epoch: int = 0
    waited: int = 0
    stopped: str = ""
    validation: list[float] = field(default_factory=list)


def train_worker(config: dict[str, Any]) -> None:
    """Trains; every rank runs this function (`train_loop_per_worker`).

    What is wrong for good (a loss that is no number, a state of another model) is told to the tally and ends all
    workers quietly: raised, it would be tried again as a worker's death is.

    Args:
        config: `job`, a `Job`.
    """
    import ray

    job: Job = config["job"]
    try:
        _train(job)
    except PadRayError as error:
        ray.get(job.tally.fail.remote(error))


def _train(job: Job) -> None:
    import ray.train
    import torch.distributed as dist

    if not job.resources.train_gpus:
        prepare(job.resources.threads, ray.train.get_context().get_local_world_size())
    checkpoints = Checkpoints(job.resources)
    precision = settled_precision(job.training.precision, checkpoints.precision, job.resources.train_gpus)
    job = replace(job, training=job.training.model_copy(update={"precision": precision}))
    examples, validation = ray.get(job.examples), ray.get(job.validation)
    steps = count_steps(len(examples), job.training.batch_size, job.training.epochs)
    engine = build_engine(job.model, job.lora, job.training, job.resources, universal=checkpoints.converts)
    progress = Progress(**{"precision": precision, **checkpoints.load(engine)})
    first = dist.get_rank() == 0
    multiple = 1 if job.resources.train_gpus else pack_multiple(precision)
    frozen = _frozen(job, engine.device) if job.frozen else None
    objective = Objective(engine.module.config, job.resources.micro_batch_tokens, multiple, frozen)
    if first:
        job.tally.add.remote({"starts": 1})
        job.tally.put.remote({"steps": progress.step, "tokens": progress.tokens})
    while progress.step < steps and not progress.stopped:
        begun = time.monotonic()
        facts = train_step(engine, objective, examples, progress.step, steps, job.training)
        _check_loss(facts["loss"], progress.step, steps, job, len(examples))
        epoch = epoch_ends(progress.step, len(examples), job.training.batch_size)
        progress.step += 1
        progress.loss = facts["loss"]
        progress.tokens += int(facts["tokens"])
        progress.seconds += time.monotonic() - begun
        if validation and (epoch or progress.step == steps):
            facts["validation_loss"] = _validate(engine, objective, validation, job, progress, epoch or 0)
        if first:
            _tell(job.tally, progress, facts)
        if progress.step < steps and not progress.stopped:
            checkpoints.save_if_due(engine, asdict(progress))
    if not validation:
        write_student(engine, job.model, job.home)
    if first:
        job.place.write_text(FINISHED, json.dumps(asdict(progress)))
    checkpoints.finish()


def _frozen(job: Job, device: Any) -> FrozenTeacher:
    """The first student, on this worker's device."""
    assert job.frozen
    assert job.training.self_distillation
    folder, on_cpu = local_folder(job.frozen), not job.resources.train_gpus
    base = load_student(job.model if job.lora else folder, None, job.training, on_cpu)
    model = with_saved_adapter(base, folder) if job.lora else base
    return FrozenTeacher(model.to(device), job.training.self_distillation)


def train_step(
    engine: Any,
    objective: Objective,
    examples: Sequence[TokenizedExample],
    step: int,
    steps: int,
    training: TrainingConfig,
) -> dict[str, float]:
    """One optimiser step over one global batch.

    Every micro-batch's loss is divided by the sum of the weights of all targets of the step, over all workers, so that
    the gradient does not depend on how the step was cut.

    Returns:
        `loss` (nats per unit of weight), `tokens` (of the whole step), `learning_rate`, `grad_norm` (before clipping,
        where it is known).
    """
    import torch
    import torch.distributed as dist

    world, rank = dist.get_world_size(), dist.get_rank()
    torch.manual_seed(hash((training.seed, step, rank)))  # dropout
    chosen = [examples[n] for n in step_examples(step, len(examples), training.batch_size, training.seed)]
    weight = sum(example.weight for example in chosen) or 1.0
    rate = learning_rate(step, steps, training)
    for group in engine.optimizer.param_groups:
        group["lr"] = rate
    micro = objective.cut(chosen, world)[rank]
    total = torch.zeros((), dtype=torch.float32, device=engine.device)
    for n, positions in enumerate(micro):
        batch = objective.batch([chosen[p] for p in positions] or chosen[:1])
        loss = objective.loss(engine, engine.module, batch) / weight
        # A worker that has nothing left takes part all the same: under ZeRO 3 a forward pass is a collective.
        loss = loss if positions else loss * 0.0
        engine.set_gradient_accumulation_boundary(n + 1 == len(micro))
        engine.backward(loss * world)  # DeepSpeed averages over workers; the sum is wanted
        engine.step()
        total += loss.detach()
    dist.all_reduce(total)
    return {"loss": float(total), "tokens": sum(map(len, chosen)), "learning_rate": rate, **_norm_of(engine)}


def _norm_of(engine: Any) -> dict[str, float]:
    norm = engine.get_global_grad_norm()  # not every optimiser of DeepSpeed says it
    return {} if norm is None else {"grad_norm": float(norm)}


def _check_loss(loss: float, step: int, steps: int, job: Job, count: int) -> None:
    import ray

    if math.isfinite(loss):
        return
    names = ray.get(job.names)
    batch = [names[n] for n in step_examples(step, count, job.training.batch_size, job.training.seed)]
    named = ", ".join(batch[:4]) + (", …" if len(batch) > 4 else "")
    raise StageError(
        f"the loss is {loss} at step {step + 1} of {steps}, on the batch of {named}; the last good state is kept",
        "Lower training.learning_rate, or look at these examples",
    )


def _validate(
    engine: Any, objective: Objective, examples: Sequence[TokenizedExample], job: Job, progress: Progress, epoch: int
) -> float:
    """The loss on what was held back; the best so far is written home, and patience is counted."""
    import torch.distributed as dist

    total = objective.validation_loss(engine, engine.module, examples, dist.get_world_size(), dist.get_rank())
    dist.all_reduce(total)
    loss = float(total) / (sum(example.weight for example in examples) or 1.0)
    progress.validation.append(loss)
    if progress.best is None or loss < progress.best:
        progress.best, progress.best_epoch, progress.waited = loss, epoch, 0
        write_student(engine, job.model, job.home)
    else:
        progress.waited += 1
        if job.training.early_stopping and progress.waited >= job.training.early_stopping:
            progress.stopped = f"no better validation loss for {progress.waited} epochs"
    return loss


def _tell(tally: Any, progress: Progress, facts: dict[str, float]) -> None:
    import psutil
    import torch

    memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else psutil.Process().memory_info().rss
    tally.put.remote({"steps": progress.step, "loss": facts["loss"], "tokens": progress.tokens})
    rate = progress.tokens / progress.seconds if progress.seconds else 0.0
    record = {"step": progress.step, **facts, "tokens_per_second": rate, "memory_gib": memory / 2**30}
    tally.log.remote({name: round(value, 8) for name, value in record.items()})
