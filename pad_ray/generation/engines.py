"""Which engine answers for a model that is loaded here: vLLM where it knows the architecture, else transformers.

What vLLM knows is read from the text of its own registry: importing it takes seconds and memory that the process which
only plans a run does not need, and a machine that samples nowhere but on a cluster may not have it at all.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pad_ray.errors import ModelError
from pad_ray.models import model_settings

Engine = Literal["vllm", "transformers"]

ADAPTER_FILE = "adapter_config.json"  # as peft calls it
_ADAPTER_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # vllm.config.lora.MaxLoRARanks
_GENERATES = frozenset(("_TEXT_GENERATION_MODELS", "_TRANSFORMERS_SUPPORTED_MODELS"))
_PACKAGE = "vllm.model_executor.models."


def engine_for(model: str, adapters: bool = False) -> Engine:
    """The engine for a resolved model.

    vLLM has no encoder-decoders of text since its second engine, and takes adapters on some of its architectures only.

    Args:
        adapters: whether a LoRA adapter will be put on it.
    """
    settings = model_settings(model)
    names = [found for name in settings.get("architectures") or [] if (found := _served(name))]
    if settings.get("is_encoder_decoder") or not names or (adapters and not any(found.adapters for found in names)):
        return "transformers"
    return "vllm"


def adapter_rank(folder: str) -> int:
    """The largest rank in an adapter, from what peft wrote about it.

    Raises:
        ModelError: the folder holds no adapter.
    """
    path = Path(folder) / ADAPTER_FILE
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelError(f"adapter folder {folder} has no {ADAPTER_FILE}", "Give a folder that peft wrote") from None
    ranks = (settings.get("rank_pattern") or {}).values()
    return max(int(settings.get("r") or 1), *map(int, ranks), 1)


def engine_rank(rank: int) -> int | None:
    """The smallest rank that vLLM can be told to make room for and that holds `rank`; None where there is none."""
    return next((size for size in _ADAPTER_RANKS if size >= rank), None)


@dataclass(frozen=True)
class _Served:
    adapters: bool


@lru_cache
def _served(architecture: str) -> _Served | None:
    """What vLLM can do with an architecture; None where it has none of that name, or is not installed."""
    folder = _models_folder()
    place = _registry(folder).get(architecture) if folder else None
    if not folder or not place:
        return None
    return _Served(_inherits(folder, *place, "SupportsLoRA"))


def _models_folder() -> Path | None:
    found = find_spec("vllm")
    return Path(found.origin).parent / "model_executor" / "models" if found and found.origin else None


@lru_cache
def _registry(folder: Path) -> dict[str, tuple[str, str]]:
    """Architecture → module and class, of the models that write text."""
    found: dict[str, tuple[str, str]] = {}
    for node in _parsed(folder / "registry.py"):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and _GENERATES & {*_names(node.targets)}:
            pairs = zip(node.value.keys, node.value.values, strict=True)
            found |= {str(key.value): ast.literal_eval(value) for key, value in pairs if isinstance(key, ast.Constant)}
    return found


def _inherits(folder: Path, module: str, name: str, base: str) -> bool:
    """Whether a class of vLLM's, or one that it is derived from, names `base` as a base."""
    nodes = _module(folder, module)
    bases = next((_names(node.bases) for node in nodes if isinstance(node, ast.ClassDef) and node.name == name), [])
    if base in bases:
        return True
    known = {
        alias.asname or alias.name: (node.module.removeprefix(_PACKAGE), alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and (node.level == 1 or node.module.startswith(_PACKAGE))
        for alias in node.names
    }
    known |= {node.name: (module, node.name) for node in nodes if isinstance(node, ast.ClassDef)}
    return any(_inherits(folder, *known[parent], base) for parent in bases if parent in known)


def _module(folder: Path, name: str) -> list[ast.stmt]:
    place = folder.joinpath(*name.split("."))
    return _parsed(place.with_suffix(".py")) or _parsed(place / "__init__.py")


def _names(nodes: list[ast.expr]) -> list[str]:
    return [node.id for node in nodes if isinstance(node, ast.Name)]


@lru_cache
def _parsed(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
