"""Starts a training on Ray Train v2 and brings its checkpoint home."""

from __future__ import annotations

import json
from typing import Any

from pad_ray.config import ResourcesConfig, TrainingConfig
from pad_ray.errors import InputError, PadRayError, StageError
from pad_ray.progress import Meter, shown
from pad_ray.run_folder import Stage
from pad_ray.tally import tally_actor
from pad_ray.training.batches import count_steps
from pad_ray.training.loop import train_worker
from pad_ray.training.tokens import tokenize


def train(
    examples: Stage,
    student: Stage,
    work: str,
    *,
    model: str,
    training: TrainingConfig,
    resources: ResourcesConfig,
) -> dict[str, Any]:
    """Fine-tunes `model` on the rows of `examples` and writes a Hugging Face checkpoint into `student`'s folder.

    Args:
        examples: a done stage of example rows.
        student: the stage to write.
        work: folder or URI for Ray Train's own files. The run's name in it is the stage's id: Ray Train takes a name
            for an identity, and would return a finished run of the same name without training.
        model: a local folder or a hub name.
        training: what defines the weights.
        resources: how it is executed.

    Returns:
        Facts for the done mark: examples, problems, steps, tokens, final loss. The loss curve is `metrics.jsonl`.

    Raises:
        InputError: there are no examples, or one is too long.
        StageError: training failed.
    """
    import ray
    from transformers import AutoTokenizer

    rows = [row for row in examples.read_rows() if row["split"] == "train" and row["used"]]
    if not rows:
        raise InputError("no program held, so there is nothing to train on", "Look at the verdicts in samples/")
    tokens = tokenize(rows, AutoTokenizer.from_pretrained(model), training.max_tokens)
    steps = count_steps(len(tokens), training.batch_size, training.epochs)
    tally = tally_actor()
    loop_config = {
        "model": model,
        "examples": ray.put(tokens),
        "training": training.model_dump(),
        "resources": resources.model_dump(),
        "tally": tally,
    }
    trainer = _trainer(loop_config, resources, name=student.id, work=work)
    with shown(Meter("train", steps, unit="steps"), lambda: ray.get(tally.read.remote())):
        result = _fit(trainer)
    _bring_home(result, student)
    records = ray.get(tally.logged.remote())
    student.storage.write_text("metrics.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    counts = ray.get(tally.read.remote())
    return {"examples": len(rows), "problems": len({row["problem_id"] for row in rows}), "steps": steps, **counts}


def _trainer(loop_config: dict[str, Any], resources: ResourcesConfig, name: str, work: str) -> Any:
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    gpus = resources.train_gpus
    return TorchTrainer(
        train_worker,
        train_loop_config=loop_config,
        torch_config=TorchConfig(backend="nccl" if gpus else "gloo"),
        scaling_config=ScalingConfig(
            num_workers=resources.train_workers,
            use_gpu=gpus,
            resources_per_worker={"CPU": 1, "GPU": 1} if gpus else {"CPU": 1},
        ),
        run_config=RunConfig(name=name, storage_path=work),
    )


def _fit(trainer: Any) -> Any:
    from ray.train import TrainingFailedError

    try:
        return trainer.fit()
    except TrainingFailedError as error:
        cause = _root(error)
        if isinstance(cause, PadRayError):
            raise cause from None
        raise StageError(f"training failed: {cause}") from error


def _root(error: BaseException) -> BaseException:
    failures = getattr(error, "worker_failures", None)
    if failures:
        inner: BaseException = next(iter(failures.values()))
        return getattr(inner, "cause", None) or inner
    return error


def _bring_home(result: Any, student: Stage) -> None:
    from pyarrow import fs

    checkpoint = result.checkpoint
    fs.copy_files(
        checkpoint.path,
        student.storage.path,
        source_filesystem=checkpoint.filesystem,
        destination_filesystem=student.storage.filesystem,
    )
