"""A LoRA adapter by a factor: less of what was learnt, more of what was there (arXiv 2106.09685, section 4.1).

An adapter adds alpha / rank × B A to a layer's weights. Every B is written by the factor, so that whatever loads an
adapter loads this one; alpha and rank stay what the training had.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pad_ray.errors import ConfigError, ModelError
from pad_ray.remedies.checkpoint import copy_settings, open_tensors, write_tensors

_GROWS = ".lora_B."  # the half that begins at zero


def scale_adapter(source: str, target: Path, factor: float) -> None:
    """Writes an adapter by a factor, with all that lies beside it but its card.

    Args:
        source: folder of an adapter that peft wrote.
        target: an existing folder; may be the source.
        factor: 0 is the base alone, 1 the adapter as it is.

    Raises:
        ConfigError: a factor below 0.
        ModelError: the folder holds no LoRA adapter.
    """
    if not factor >= 0:
        raise ConfigError(f"an adapter by {factor:g} is none", "Give 0 or more")
    with open_tensors(source) as tensors:
        scaled = {
            file: {name: _scaled(name, tensors.read(name), factor).contiguous() for name in names}
            for file, names in tensors.files.items()
        }
    if not any(_GROWS in name for names in scaled.values() for name in names):
        raise ModelError(f"{source} holds no LoRA adapter", "Give a folder that peft wrote")
    for file, written in scaled.items():
        write_tensors(target / file, written)
    if Path(source) != target:
        copy_settings(Path(source), target)


def _scaled(name: str, tensor: Any, factor: float) -> Any:
    # A copy in any case: what was read may be a view of the file that is written over.
    return (tensor.float() * factor).to(tensor.dtype) if _GROWS in name else tensor.clone()
