"""Files of a run, on a local disk, a shared file system or object storage; the one module that knows the difference."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from pad_ray.errors import InputError, PadRayError

_OBJECT_STORES = frozenset({"s3", "gs", "gcs", "abfs", "abfss"})  # they have no folders, only names with slashes
_SECRET = re.compile(r"@|secret|password|token|(access|account)_key", re.IGNORECASE)


@dataclass(frozen=True)
class Storage:
    """A folder on some file system.

    Attributes:
        filesystem: a `pyarrow.fs.FileSystem`.
        path: the folder, as that file system spells it.
        scheme: empty for a local disk, else `s3` and the like.
        address: the folder as people spell it, its options left out; empty where that is the path.
        options: what follows the question mark, such as `endpoint_override=http://127.0.0.1:9000`.
    """

    filesystem: Any
    path: str
    scheme: str = ""
    address: str = ""
    options: str = ""

    @classmethod
    def open(cls, uri: str) -> Storage:
        """A local path or a URI such as `s3://bucket/runs`.

        Another server than Amazon's is named by `?endpoint_override=http://host:port`, or by AWS_ENDPOINT_URL.
        Credentials come from the environment alone: what is in a URI is written into run.yaml.

        Raises:
            InputError: the URI names no file system that pyarrow knows, or holds credentials.
        """
        from pyarrow import ArrowInvalid, fs

        if "://" not in uri:
            if "\0" in uri:
                raise InputError("no path holds a zero byte", "Give a folder or an s3:// address")
            return cls(fs.LocalFileSystem(), str(Path(uri).expanduser().resolve()))
        try:
            parts = urlsplit(uri)
            _refuse_credentials(parts)
            filesystem, path = fs.FileSystem.from_uri(_with_endpoint(parts))
        except (ArrowInvalid, ValueError, OSError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{uri} is no place to keep runs: {reason}", "Give a folder or an s3:// address") from None
        address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        scheme = "" if isinstance(filesystem, fs.LocalFileSystem) else parts.scheme
        return cls(filesystem, path.rstrip("/"), scheme, address, parts.query)

    def __truediv__(self, name: str) -> Storage:
        address = self.address and f"{self.address}/{quote(name)}"
        return replace(self, path=posixpath.join(self.path, name), address=address)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return posixpath.basename(self.path)

    @property
    def parent(self) -> Storage:
        """The folder that it lies in."""
        return replace(self, path=posixpath.dirname(self.path), address=posixpath.dirname(self.address))

    @property
    def uri(self) -> str:
        """The folder as people and other programs spell it; `Storage.open` takes it again."""
        return f"{self.address or self.path}{'?' if self.options else ''}{self.options}"

    def make(self) -> None:
        """Makes the folder. Object storage has none, so there it sees that the bucket is there.

        Raises:
            InputError: it cannot be made or written to, or there is no such bucket.
        """
        from pyarrow import fs

        mend = "Choose another `runs` folder"
        try:
            if self.scheme not in _OBJECT_STORES:
                self.filesystem.create_dir(self.path, recursive=True)
                return
            mend += ", or set the credentials for it in the environment"
            bucket = self.filesystem.get_file_info(self.path.partition("/")[0])
        except OSError as error:
            raise InputError(f"cannot write to {self.uri}: {_reason(error)}", mend) from None
        if bucket.type == fs.FileType.NotFound:
            raise InputError(f"cannot write to {self.uri}: there is no bucket {bucket.path}", mend)

    def clear(self) -> None:
        """Empties the folder, made if need be."""
        self.make()
        try:
            self.filesystem.delete_dir_contents(self.path, missing_dir_ok=True)
        except OSError as error:
            raise _write_error(self.uri, error) from None

    def size(self) -> int:
        """Bytes of all files in the folder and below."""
        from pyarrow import fs

        selector = fs.FileSelector(self.path, allow_not_found=True, recursive=True)
        return sum(info.size or 0 for info in self.filesystem.get_file_info(selector))

    def names(self) -> list[str]:
        """Names of the files directly in the folder; none if there is no folder."""
        from pyarrow import fs

        return [info.base_name for info in self._entries() if info.type == fs.FileType.File]

    def folders(self) -> list[str]:
        """Names of the folders directly in the folder, sorted."""
        from pyarrow import fs

        return sorted(info.base_name for info in self._entries() if info.type == fs.FileType.Directory)

    def _entries(self) -> Any:
        from pyarrow import fs

        try:
            return self.filesystem.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        except OSError as error:
            raise InputError(f"cannot read {self.uri}: {_reason(error)}") from None

    def read_text(self, name: str) -> str | None:
        """A file's text, or None if there is no such file.

        Raises:
            InputError: it cannot be read, or is no UTF-8.
        """
        try:
            with self.filesystem.open_input_stream(posixpath.join(self.path, name)) as stream:
                return bytes(stream.read()).decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise InputError(f"{posixpath.join(self.path, name)} is no UTF-8: {error.reason}") from None
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

    def remove_folder(self, name: str) -> None:
        """Removes a folder with all that is in it, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_dir(posixpath.join(self.path, name))

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
    def parquet_writer(self, name: str, schema: Any) -> Iterator[Any]:
        """A `pyarrow.parquet.ParquetWriter` of one file, which appears, whole, at the end of the body."""
        from pyarrow import parquet

        with self._whole(name) as stream, parquet.ParquetWriter(stream, schema) as writer:
            yield writer

    @contextmanager
    def _whole(self, name: str) -> Iterator[Any]:
        """A stream to a file that appears when the stream is closed: an object store does so, a disk by a rename."""
        if not self.scheme:
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

    def upload(self, folder: str) -> None:
        """Copies all files of a local folder into this one.

        Raises:
            PadRayError: the disk is full, or the place cannot be written to.
        """
        from pyarrow import fs

        self.copy_from(Storage(fs.LocalFileSystem(), folder))

    def copy_from(self, other: Storage, last: str = "") -> None:
        """Copies all files of another folder into this one.

        Args:
            last: a file directly in it that appears when all others are there.

        Raises:
            PadRayError: the disk is full, or a place cannot be read or written to.
        """
        self.make()
        if not last:
            self._copy(other, "")
            return
        for name in other.folders():
            (self / name).copy_from(other / name)
        for name in other.names():
            if name != last:
                self._copy(other, name)
        self.write_text(last, other.read_text(last) or "")

    def _copy(self, other: Storage, name: str) -> None:
        from pyarrow import fs

        places = [posixpath.join(storage.path, name) if name else storage.path for storage in (other, self)]
        try:
            fs.copy_files(*places, source_filesystem=other.filesystem, destination_filesystem=self.filesystem)
        except OSError as error:
            raise _write_error(self.uri, error) from None

    def parquet(self, schema: Any, names: Sequence[str] | None = None) -> Any | None:
        """Parquet files of the folder, all or those named, as a `pyarrow.dataset.Dataset`; None if there is none."""
        from pyarrow import dataset

        known = sorted(self.names() if names is None else names)
        files = [posixpath.join(self.path, name) for name in known if name.endswith(".parquet")]
        if not files:
            return None
        return dataset.dataset(files, schema=schema, filesystem=self.filesystem, format="parquet")


def _refuse_credentials(parts: SplitResult) -> None:
    """Keeps secrets out of settings, which are written down. Azure's part before the @ is a container, no user."""
    users = parts.scheme not in ("abfs", "abfss", "hdfs", "viewfs")
    if parts.password is not None or (users and parts.username is not None) or _SECRET.search(parts.query):
        raise InputError(
            f"the address of a {parts.scheme}:// folder holds credentials, and addresses are written into run.yaml",
            "Set them in the environment instead: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for s3",
        )


def _with_endpoint(parts: SplitResult) -> str:
    """The URI with the environment's server in it, so that the file system takes it along to other machines."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if parts.scheme != "s3" or not endpoint or "endpoint_override=" in parts.query:
        return parts.geturl()
    return parts._replace(query="&".join(filter(None, [parts.query, f"endpoint_override={quote(endpoint)}"]))).geturl()


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else " ".join(str(error).split())


def _write_error(target: str, error: OSError) -> PadRayError:
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        return InputError(f"the disk is full: {target}", "Free some space and run the same command again")
    # AWS's newer clients send a body of unknown length, with its checksum at the end; many other stores refuse that.
    refused = "HTTP status 411" in str(error)
    mend = "Set AWS_REQUEST_CHECKSUM_CALCULATION=when_required for this store" if refused else ""
    return InputError(f"cannot write {target}: {_reason(error)}", mend)
