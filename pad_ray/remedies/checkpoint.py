"""The files of a checkpoint: tensors by name, whatever the number of files that hold them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pad_ray.errors import InputError, ModelError

_KEPT = (".json", ".jinja", ".model", ".txt")  # settings, tokenizer, chat template
_OF_A_TRAINING = ("done.json", "training_args.json")


@dataclass(frozen=True)
class Tensors:
    """Tensors of a checkpoint that is open; each is read when it is asked for.

    Attributes:
        files: file name to the names of its tensors.
    """

    files: dict[str, list[str]]
    _open: dict[str, Any] = field(repr=False)

    @property
    def names(self) -> dict[str, str]:
        """Tensor name to file name."""
        return {name: file for file, names in self.files.items() for name in names}

    def read(self, name: str) -> Any:
        """A tensor by its name."""
        return self._open[self.names[name]].get_tensor(name)


@contextmanager
def open_tensors(folder: str) -> Iterator[Tensors]:
    """The tensors of a folder or a model on the hub.

    Raises:
        ModelError: it has no safetensors files.
    """
    from safetensors import safe_open

    paths = sorted(local(folder).glob("*.safetensors"))
    if not paths:
        raise ModelError(f"model {folder} has no *.safetensors files", "Save it again with save_pretrained")
    with ExitStack() as stack:
        opened = {path.name: stack.enter_context(safe_open(path, "pt")) for path in paths}
        yield Tensors({name: list(file.keys()) for name, file in opened.items()}, opened)


def local(folder: str) -> Path:
    """Where a resolved model lies; one on the hub is fetched into its cache."""
    if Path(folder).is_dir():
        return Path(folder)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(folder))


def write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    """Writes one file of weights, as transformers and peft read it."""
    from safetensors.torch import save_file

    save_file(tensors, path, metadata={"format": "pt"})


def copy_settings(source: Path, target: Path) -> None:
    """Copies all that is no weight and no note of a training: settings, tokenizer, how a student is asked."""
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix in _KEPT and path.name not in _OF_A_TRAINING:
            shutil.copyfile(path, target / path.name)


def empty_folder(path: str) -> Path:
    """A folder to write a checkpoint into, made if need be.

    Raises:
        InputError: it holds something, or cannot be made.
    """
    target = Path(path)
    try:
        target.mkdir(parents=True, exist_ok=True)
        filled = any(target.iterdir())
    except OSError as error:
        raise InputError(f"cannot write to {target}: {error.strerror}", "Name another folder") from None
    if filled:
        raise InputError(f"{target} is not empty", "Name another folder, or empty it")
    return target
