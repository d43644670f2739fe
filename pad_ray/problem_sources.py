"""Rows of problems from where people keep them: JSON Lines, Parquet files, data sets on the Hugging Face hub."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from pad_ray.errors import ConfigError, DataError
from pad_ray.jsonl import Row, read_rows

__all__ = ["data_folder", "found", "hub_name", "is_hub_name", "parquet_rows", "source_rows"]

_FILE_SUFFIXES = (".json", ".jsonl", ".ndjson", ".parquet")
_HUB_NAME = re.compile(r"(?P<repo>[\w-][\w.-]*/(?P<name>[\w-][\w.-]*))(?::(?P<config>[\w.-]+))?", re.ASCII)
# The hub keeps every public data set as Parquet too, in a branch of this name: <config>/<split>/<number>.parquet.
_CONVERTED = "refs/convert/parquet"
_IN_CONVERTED = re.compile(r"(?:(?P<config>[^/]+)/)?(?:partial-)?(?P<split>[^/]+)/\d+\.parquet")
# As `datasets` uploads them: data/train-00000-of-00001.parquet, main/train-00000-of-00001.parquet, train.parquet.
_AS_UPLOADED = re.compile(r"(?:(?P<config>[^/]+)/)?(?P<split>\w+(?:\.\w+)*?)(?:-\d+-of-\d+)?(?:-[0-9a-f]+)?\.parquet")


def data_folder(folder: str | Path | None = None) -> Path | None:
    """The folder given, or else the one that `PAD_RAY_DATA` names; None without either."""
    given = folder or os.environ.get("PAD_RAY_DATA")
    return Path(given).expanduser() if given else None


def found(source: str | Path, folder: str | Path | None = None) -> Path:
    """A file as it is given or, where there is none, under the data folder."""
    folder = data_folder(folder)
    try:
        given = Path(source).expanduser()
    except RuntimeError:  # the home of nobody
        given = Path(source)
    return folder / given if folder and not _exists(given) else given


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for a path
        return False


def hub_name(source: str | Path, folder: str | Path | None = None) -> str | None:
    """`gsm8k` for `openai/gsm8k:main`; None for what can only be a file: it exists, or has the suffix of one."""
    match = _HUB_NAME.fullmatch(str(source))
    if match is None or Path(source).suffix in _FILE_SUFFIXES or _exists(found(source, folder)):
        return None
    return match["name"]


def is_hub_name(source: str | Path, folder: str | Path | None = None) -> bool:
    """Whether a source is a data set on the hub, `org/name` or `org/name:config`."""
    return hub_name(source, folder) is not None


def source_rows(
    source: str | Path, split: str = "train", folder: str | Path | None = None
) -> Generator[Row, None, None]:
    """Rows of a source, told apart by its name.

    Args:
        source: a file or folder, there or under the data folder: `.parquet`, a folder of such files, and anything
            else as JSON Lines; or a data set on the hub.
        split: of a data set on the hub.
        folder: the data folder; by default the one that `PAD_RAY_DATA` names.

    Raises:
        DataError: it cannot be found, reached or read, or has no rows.
        ConfigError: the data set has no such configuration or split.
    """
    if is_hub_name(source, folder):
        return parquet_rows(_hub_files(str(source), split), f"{source} ({split})")
    path = found(source, folder)
    if path.is_dir():
        return parquet_rows(_files_in(path))
    return parquet_rows([path]) if path.suffix == ".parquet" else read_rows(path)


def _files_in(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DataError(f"{folder}: the folder cannot be read: it holds no Parquet files", "Give the path of a file.")
    return files


def parquet_rows(paths: Sequence[Path], name: str | None = None) -> Generator[Row, None, None]:
    """Rows of Parquet files, read batch by batch.

    Args:
        paths: the files, in order.
        name: what errors call them, in place of the path of each; rows are then counted through.

    Raises:
        DataError: no such file, one that is no Parquet, no rows at all.
    """
    number = 0
    for path in paths:
        number = number if name else 0
        for fields in _fields(path, name or str(path)):
            number += 1
            yield Row(f"{name or path}, row {number}", fields)
    if not number:
        raise DataError(f"{name or paths[0]}: the file has no rows", "Give a file with one problem a row.")


def _fields(path: Path, name: str) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                yield from batch.to_pylist()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file", "Check the path.") from None
    except UnicodeDecodeError:
        raise DataError(f"{name}: a text that is not UTF-8", "Write the file's texts as UTF-8.") from None
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{name}: no Parquet file that can be read ({reason})", "Write the file again.") from None


def _hub_files(name: str, split: str) -> list[Path]:
    """The Parquet files of a data set's split, fetched into the hub's cache or found there."""
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    match = _HUB_NAME.fullmatch(name)
    assert match is not None
    repo, config = match["repo"], match["config"]
    try:
        revision, files = _listed(repo)
        chosen = _chosen(files, name, config, split)
        folder = snapshot_download(repo, repo_type="dataset", revision=revision, allow_patterns=chosen)
        return [Path(folder, file) for file in chosen]
    except HFValidationError:
        raise DataError(f"`{name}` is neither a file nor a name that the hub allows", _MEND) from None
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403, 404):
            raise DataError(
                f"`{name}` is no file, and no data set on the hub that your token can read", _MEND
            ) from None
        reason = f"the hub answers {error.response.status_code}"
    except (httpx2.HTTPError, OSError):  # what huggingface_hub's connection raises, and its offline mode
        reason = "the hub cannot be reached"
    kept = _kept(repo, config, split)
    if not kept:
        raise DataError(f"`{name}` is no file, and {reason} for it", _MEND)
    return kept


_MEND = "Give the path of a file, or a data set as `org/name` or `org/name:config`"


def _listed(repo: str) -> tuple[str, list[str]]:
    """A revision that has Parquet files, and all files of it. Asks once: a hub that is away is known at once."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    revision = _CONVERTED
    try:
        info = HfApi().dataset_info(repo, revision=revision, timeout=30)
    except RevisionNotFoundError:  # a private data set, or one that was uploaded a moment ago
        revision = "main"
        info = HfApi().dataset_info(repo, revision=revision, timeout=30)
    return revision, [file.rfilename for file in info.siblings or ()]


def _chosen(files: Sequence[str], name: str, config: str | None, split: str) -> list[str]:
    """The files of a configuration's split, in order."""
    table: dict[str, dict[str, list[str]]] = {}
    for file in sorted(files):
        if place := _IN_CONVERTED.fullmatch(file) or _AS_UPLOADED.fullmatch(file):
            of = place["config"] or "default"
            table.setdefault("default" if of == "data" else of, {}).setdefault(place["split"], []).append(file)
    if not table:
        raise DataError(f"data set `{name}`: it has no Parquet files", "Download it and give the path of a file")
    config = config or ("default" if "default" in table else next(iter(table)) if len(table) == 1 else None)
    if config not in table:
        asked = f"no configuration `{config}`" if config else "several configurations"
        raise ConfigError(
            f"data set `{name}` has {asked}: there are {', '.join(table)}",
            f"Name one: `{name.partition(':')[0]}:{next(iter(table))}`",
        )
    if split not in table[config]:
        raise ConfigError(f"data set `{name}` has no split `{split}`: there are {', '.join(table[config])}")
    return table[config][split]


def _kept(repo: str, config: str | None, split: str) -> list[Path]:
    """The files in the hub's cache from an earlier run; none where only some of them are there."""
    from huggingface_hub import snapshot_download

    wanted = [f"{place}*{split}*.parquet" for place in (f"{config or '*'}/", "data/")] + [f"{split}*.parquet"]
    for revision in (_CONVERTED, "main"):
        try:
            folder = Path(
                snapshot_download(
                    repo, repo_type="dataset", revision=revision, allow_patterns=wanted, local_files_only=True
                )
            )
            files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")]
            return [folder / file for file in _chosen(files, repo, config, split)]
        except (OSError, DataError, ConfigError):
            continue
    return []
