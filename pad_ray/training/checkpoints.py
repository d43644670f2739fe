"""States kept on the way, through Ray Train: every worker saves its share and reports it, the newest two are kept."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.training.engine import SavedState, save_state, universal_checkpoint

KEEP = 2


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
        self._last = time.monotonic()
        found = ray.train.get_checkpoint()
        self._state = SavedState(self._open.enter_context(found.as_directory())) if found else None
        # Whether the state at hand has to be read through a universal checkpoint.
        self.converts = bool(self._state and self._state.needs_conversion(resources, self._context.get_world_size()))

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
                converted = self._open.enter_context(universal_checkpoint(self._state, first))
            facts = self._state.load(engine, converted)
        self._last = time.monotonic()
        return facts

    def save_if_due(self, engine: Any, facts: dict[str, Any]) -> None:
        """Keeps a state if the last one is old enough; its upload goes on while the training does (ray#48801).

        Every worker calls it at the same steps; the first worker's clock counts.
        """
        import ray.train
        import torch
        import torch.distributed as dist
        from ray.train import Checkpoint, CheckpointUploadMode

        due = torch.tensor(int(time.monotonic() - self._last >= self._every), device=engine.device)
        dist.broadcast(due, src=0)
        if not int(due):
            return
        folder = tempfile.mkdtemp(prefix="pad-ray-state-")
        save_state(engine, folder, facts)
        ray.train.report(
            {"step": facts["step"]},
            checkpoint=Checkpoint.from_directory(folder),
            checkpoint_upload_mode=CheckpointUploadMode.ASYNC,
            delete_local_checkpoint_after_upload=True,
        )
        self._last = time.monotonic()

    def finish(self) -> None:
        """All workers meet here at the end, with nothing more to keep."""
        import ray.train

        ray.train.report({})
