"""Files of a run, on a local disk, a shared file system or object storage; the one module that knows the difference."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.errors import InputError, PadRayError


@dataclass(frozen=True)
class Storage:
    """A folder on some file system.

    Attributes:
        filesystem: a `pyarrow.fs.FileSystem`.
        path: the folder, as that file system spells it.
        scheme: empty for a local disk, else `s3` and the like.
    """

    filesystem: Any
    path: str
    scheme: str = ""

    @classmethod
    def open(cls, uri: str) -> Storage:
        """A local path or a URI such as `s3://bucket/runs`.

        Raises:
            InputError: the URI names no file system that pyarrow knows.
        """
        from pyarrow import ArrowInvalid, fs

        if "://" not in uri:
            return cls(fs.LocalFileSystem(), str(Path(uri).expanduser().resolve()))
        try:
            filesystem, path = fs.FileSystem.from_uri(uri)
        except (ArrowInvalid, OSError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{uri} is no place to keep runs: {reason}", "Give a folder or an s3:// address") from None
        return cls(filesystem, path, uri.partition("://")[0])

    def __truediv__(self, name: str) -> Storage:
        return Storage(self.filesystem, posixpath.join(self.path, name), self.scheme)

    @property
    def uri(self) -> str:
        """The folder as people and other programs spell it."""
        return f"{self.scheme}://{self.path}" if self.scheme else self.path

    def make(self) -> None:
        """Makes the folder.

        Raises:
            InputError: it cannot be made or written to.
        """
        try:
            self.filesystem.create_dir(self.path, recursive=True)
        except OSError as error:
            raise InputError(f"cannot write to {self.uri}: {_reason(error)}", "Choose another `runs` folder") from None

    def clear(self) -> None:
        """Empties the folder, made if need be."""
        self.make()
        self.filesystem.delete_dir_contents(self.path, missing_dir_ok=True)

    def names(self) -> list[str]:
        """Names of the files directly in the folder; none if there is no folder."""
        from pyarrow import fs

        infos = self.filesystem.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        return [info.base_name for info in infos if info.type == fs.FileType.File]

    def read_text(self, name: str) -> str | None:
        """A file's text, or None if there is no such file."""
        try:
            with self.filesystem.open_input_stream(posixpath.join(self.path, name)) as stream:
                return bytes(stream.read()).decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"cannot read {posixpath.join(self.path, name)}: {_reason(error)}") from None

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        from pyarrow import fs

        found = self.filesystem.get_file_info(posixpath.join(self.path, name))
        return bool(found.type == fs.FileType.File)

    def remove(self, name: str) -> None:
        """Deletes a file, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(posixpath.join(self.path, name))

    def folders(self) -> list[str]:
        """Names of the folders directly in the folder, sorted."""
        from pyarrow import fs

        infos = self.filesystem.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        return sorted(info.base_name for info in infos if info.type == fs.FileType.Directory)

    def write_text(self, name: str, text: str) -> None:
        """Writes a file so that a reader sees all of it or nothing."""
        with self._whole(name) as stream:
            stream.write(text.encode())

    def write_parquet(self, name: str, rows: Any) -> None:
        """Writes a `pyarrow.Table` as one Parquet file, so that a reader sees all of it or nothing."""
        from pyarrow import parquet

        with self._whole(name) as stream:
            parquet.write_table(rows, stream)

    @contextmanager
    def _whole(self, name: str) -> Iterator[Any]:
        """A stream to a file that appears when the stream is closed: an object store does so, a disk by a rename."""
        self.make()
        target = posixpath.join(self.path, name)
        scratch = target if self.scheme else f"{target}.part{os.getpid()}"
        try:
            with self.filesystem.open_output_stream(scratch) as stream:
                yield stream
            if scratch != target:
                self.filesystem.move(scratch, target)
        except OSError as error:
            raise _write_error(target, error) from None

    def parquet(self, schema: Any) -> Any | None:
        """All Parquet files of the folder as a `pyarrow.dataset.Dataset`, or None if there is none."""
        from pyarrow import dataset

        files = [posixpath.join(self.path, name) for name in sorted(self.names()) if name.endswith(".parquet")]
        if not files:
            return None
        return dataset.dataset(files, schema=schema, filesystem=self.filesystem, format="parquet")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else " ".join(str(error).split())


def _write_error(target: str, error: OSError) -> PadRayError:
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        return InputError(f"the disk is full: {target}", "Free some space and run the same command again")
    return InputError(f"cannot write {target}: {_reason(error)}")
