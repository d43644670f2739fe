"""DeepSpeed's engine around a student: its settings, and the state that a training goes on from.

A state that was written by another number of workers is read through DeepSpeed's universal checkpoints
(arXiv 2406.18820); ZeRO 0 keeps the whole state in one file, which any number reads.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.errors import InputError, ModelError
from pad_ray.records import content_hash
from pad_ray.training.settings import LoraConfig, TrainingConfig
from pad_ray.training.students import load_student

_TAG = "state"
_META = "state.json"


def deepspeed_config(training: TrainingConfig, resources: ResourcesConfig, universal: bool = False) -> dict[str, Any]:
    """DeepSpeed's settings; micro-batches and accumulation are handled by the loop, so it is told one of each.

    Args:
        universal: the state that will be loaded is a universal checkpoint.
    """
    zero: dict[str, Any] = {"stage": resources.zero}
    if resources.offload_optimizer:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": resources.train_gpus}
    config: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": training.max_grad_norm,
        "bf16": {"enabled": training.precision == "bf16"},
        "zero_optimization": zero,
        "optimizer": {
            "type": "AdamW",
            "params": {
                "lr": training.learning_rate,
                "weight_decay": training.weight_decay,
                # On CPUs PyTorch's own, which needs no compiler, in one pass over the weights.
                **({} if resources.train_gpus else {"torch_adam": True, "fused": True}),
            },
        },
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": resources.train_gpus,
        "steps_per_print": 10**9,
        "checkpoint": {"load_universal": universal},
    }
    if training.precision == "bf16" and resources.zero:
        # Many micro-batches add up to one step: in bf16 the small ones would be rounded away.
        config["data_types"] = {"grad_accum_dtype": "fp32"}
    return config


def build_engine(
    model: str,
    lora: LoraConfig | None,
    training: TrainingConfig,
    resources: ResourcesConfig,
    universal: bool = False,
) -> Any:
    """The student in a DeepSpeed engine, in training mode. Every worker calls it.

    Raises:
        ConfigError: a LoRA target that the model has not.
    """
    if not resources.train_gpus:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed

    if not resources.train_gpus:
        # Compiled at initialize() for inference only; a worker killed meanwhile leaves a lock that hangs later runs.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    student = load_student(model, lora, training, on_cpu=not resources.train_gpus)
    if resources.gradient_checkpointing:
        student.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if lora:
            student.enable_input_require_grads()
    learnt = [parameter for parameter in student.parameters() if parameter.requires_grad]
    config = deepspeed_config(training, resources, universal)
    engine, *_ = deepspeed.initialize(model=student, model_parameters=learnt, config=config)
    engine.train()
    return engine


def save_state(engine: Any, folder: str, facts: dict[str, Any]) -> None:
    """Writes weights, optimiser and `facts` into `folder`. Every worker calls it, each with a folder of its own.

    Args:
        facts: JSON-like: the step that comes next, and whatever else the loop goes on from.
    """
    import torch.distributed as dist

    # Ranks that share a node may share no folder: each makes the one that DeepSpeed expects.
    Path(folder, _TAG).mkdir(parents=True, exist_ok=True)
    engine.save_checkpoint(folder, tag=_TAG)
    if dist.get_rank() == 0:
        meta = {
            "workers": dist.get_world_size(),
            "zero": engine.zero_optimization_stage(),
            "student": _shape_of(engine),
            "facts": facts,
        }
        Path(folder, _META).write_text(json.dumps(meta))


class SavedState:
    """A state in a folder on this machine.

    Args:
        folder: what `save_state` wrote, of all workers together.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.meta: dict[str, Any] = json.loads(Path(folder, _META).read_text())

    def needs_conversion(self, resources: ResourcesConfig, workers: int) -> bool:
        """Whether it was written by another number of workers, in parts that each held a share.

        Raises:
            InputError: it was written under another ZeRO stage and cannot be read under this one.
        """
        stage = self.meta["zero"]
        if stage != resources.zero and (stage == 0 or resources.zero == 0 or 3 in (stage, resources.zero)):
            raise InputError(
                f"the training stands at a state of ZeRO {stage}, which ZeRO {resources.zero} cannot go on from",
                f"Set resources.zero_stage={stage} until it is done",
            )
        return bool(stage > 0) and (workers != self.meta["workers"] or stage != resources.zero)

    def load(self, engine: Any, converted: str | None = None) -> dict[str, Any]:
        """Puts the state into the engine and returns its facts. Every worker calls it.

        Args:
            converted: folder of the universal checkpoint made of it, if one was needed.

        Raises:
            ModelError: it is the state of another model.
        """
        if self.meta["student"] != _shape_of(engine):
            raise ModelError(
                f"the training state in {self.folder} is of another model",
                "Give the run another name, or remove its folder training/",
            )
        engine.load_checkpoint(converted or self.folder, tag=_TAG)
        facts: dict[str, Any] = self.meta["facts"]
        return facts


@contextmanager
def universal_checkpoint(state: SavedState, node: str, first_on_node: bool) -> Iterator[str]:
    """The state as a universal checkpoint in a folder that the workers of this node share, while the body runs.

    Args:
        state: the same for all workers.
        node: a name that just the workers of one node of one training have in common.
        first_on_node: one worker of a node converts, the others wait for it.
    """
    import torch.distributed as dist

    place = Path(tempfile.gettempdir()) / f"pad-ray-universal-{content_hash(state.folder, node)}"
    if first_on_node:
        shutil.rmtree(place, ignore_errors=True)  # what a worker left that died here
        _convert(Path(state.folder, _TAG), place / _TAG)
    dist.barrier()
    yield str(place)
    dist.barrier()  # not where the body failed: the others may never come, and its error has to be heard
    if first_on_node:
        shutil.rmtree(place, ignore_errors=True)


def _convert(source: Path, target: Path) -> None:
    from deepspeed.checkpoint.ds_to_universal import main

    target.mkdir(parents=True, exist_ok=True)
    main(
        SimpleNamespace(
            input_folder=str(source),
            output_folder=str(target),
            num_extract_workers=1,
            num_merge_workers=1,
            keep_temp_folder=False,
            strict=True,
            inject_missing_state=True,
        )
    )


def _shape_of(engine: Any) -> str:
    """A hash of the names and shapes of what learns."""
    shapes = [
        (name, list(getattr(parameter, "ds_shape", parameter.shape)))
        for name, parameter in engine.module.named_parameters()
        if parameter.requires_grad
    ]
    return content_hash(shapes)
