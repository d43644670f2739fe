"""States kept on the way, through Ray Train: every worker saves its share and reports it, the newest two are kept.

A state is kept every few minutes, on notice that a node will be taken away (a spot machine, say), and when there is
room for more workers, with which Ray Train will begin anew.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.training.engine import SavedState, save_state, universal_checkpoint
from pad_ray.training.precision import Precision

KEEP = 2
_LOOK_SECONDS = 2.0  # between two looks at the cluster: clouds give notice half a minute ahead, or two


class Checkpoints:
    """A worker's side of keeping states and going on from them.

    Raises:
        InputError: the state at hand cannot be read under these resources.
    """

    def __init__(self, resources: ResourcesConfig) -> None:
        import ray.train

        self._context = ray.train.get_context()
        self._open = ExitStack()
        self._every = resources.checkpoint_minutes * 60
        self._last = self._looked = time.monotonic()
        self._leaving: set[str] = set()
        self._device = "GPU" if resources.train_gpus else "CPU"
        first = self._context.get_world_rank() == 0  # who looks for all
        self._grows = first and self._context.get_world_size() < resources.train_workers
        self._room = self._devices() if self._grows else 0.0
        found = ray.train.get_checkpoint()
        self._state = SavedState(self._open.enter_context(found.as_directory())) if found else None
        # Whether the state at hand has to be read through a universal checkpoint.
        self.converts = bool(self._state and self._state.needs_conversion(resources, self._context.get_world_size()))

    @property
    def precision(self) -> Precision | None:
        """The arithmetic of the training whose state is at hand."""
        return self._state.meta["facts"].get("precision", "bf16") if self._state else None

    def load(self, engine: Any) -> dict[str, Any]:
        """Puts the state at hand into the engine and returns what else it says; nothing where there is none.

        Raises:
            ModelError: it is the state of another model.
        """
        with self._open:
            if not self._state:
                return {}
            converted = None
            if self.converts:
                first = self._context.get_local_rank() == 0
                converted = self._open.enter_context(universal_checkpoint(self._state, self._node(), first))
            facts = self._state.load(engine, converted)
        self._last = time.monotonic()
        return facts

    def _node(self) -> str:
        """Ray Train counts workers by address, so several nodes of one machine are one for it."""
        import ray

        return f"{ray.get_runtime_context().get_job_id()}/{self._context.get_node_rank()}"

    def save_if_due(self, engine: Any, facts: dict[str, Any]) -> None:
        """Keeps a state if the last one is old enough, or what the cluster is about to do would cost the steps since.

        Every worker calls it at the same steps; the first worker's clock counts.
        """
        import torch
        import torch.distributed as dist

        now = time.monotonic()
        old, look = now - self._last >= self._every, now - self._looked >= _LOOK_SECONDS
        due = torch.tensor([int(old or (look and self._grew())), int(look)], device=engine.device)
        dist.broadcast(due, src=0)
        old, look = map(bool, due.tolist())
        noticed = look and self._notice()
        if old or noticed:
            self._save(engine, facts, at_once=noticed)

    def _notice(self) -> bool:
        """Whether another node is to be taken away than those that were known. All workers ask together."""
        import ray.train

        notice = ray.train.get_preemption_info()
        self._looked = time.monotonic()
        known, self._leaving = self._leaving, set(notice.preempted_node_ids) if notice else set()
        return not self._leaving <= known

    def _grew(self) -> bool:
        """Whether there is more for workers in the cluster than there was, and more workers are wanted."""
        if not self._grows:
            return False
        before, self._room = self._room, self._devices()
        return self._room > before

    def _devices(self) -> float:
        import ray

        return float(ray.cluster_resources().get(self._device, 0))

    def _save(self, engine: Any, facts: dict[str, Any], at_once: bool) -> None:
        """Keeps a state; its upload goes on while the training does (ray#48801), unless it has to be there first."""
        import ray.train
        from ray.train import Checkpoint, CheckpointUploadMode

        folder = tempfile.mkdtemp(prefix="pad-ray-state-")
        save_state(engine, folder, facts)
        ray.train.report(
            {"step": facts["step"]},
            checkpoint=Checkpoint.from_directory(folder),
            checkpoint_upload_mode=CheckpointUploadMode.SYNC if at_once else CheckpointUploadMode.ASYNC,
            delete_local_checkpoint_after_upload=True,
        )
        self._last = time.monotonic()

    def finish(self) -> None:
        """All workers meet here at the end, with nothing more to keep."""
        import ray.train

        ray.train.report({})
