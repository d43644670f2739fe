"""What a training leaves: a folder in Hugging Face layout, or an adapter in peft's."""

from __future__ import annotations

import tempfile
from typing import Any

from pad_ray.storage import Storage


def write_student(engine: Any, model: str, home: Storage) -> None:
    """Writes the engine's weights and the tokenizer into `home`. Every worker calls it; the first one writes.

    Args:
        engine: DeepSpeed's engine; under ZeRO 3 its weights are gathered first, on all workers.
        model: where the tokenizer comes from.
        home: emptied, then filled.
    """
    import torch.distributed as dist

    state = engine._zero3_consolidated_16bit_state_dict() if engine.zero_optimization_stage() == 3 else None
    if dist.get_rank() == 0:
        from transformers import AutoTokenizer

        with tempfile.TemporaryDirectory() as folder:
            engine.module.save_pretrained(folder, state_dict=state)
            AutoTokenizer.from_pretrained(model).save_pretrained(folder)
            home.clear()
            home.upload(folder)
    dist.barrier()
