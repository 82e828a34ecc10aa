"""A folder on this machine or far away, by any URL that fsspec knows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import ConfigError, ModelError, missing_extra


class Folder:
    """Files below a URL. What is read is whole, and what is written is there whole or not at all.

    Args:
        url: A path, or a URL such as ``s3://bucket/models`` or ``memory://tests``.

    Raises:
        ConfigError: If no such kind of URL is known, or its package is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
            from fsspec.implementations.local import LocalFileSystem
        except ImportError as error:
            raise missing_extra("fsspec", "mlops") from error
        try:
            self._fs, self._root = url_to_fs(url)
        except ImportError as error:
            raise ConfigError(
                f"For '{url}' a package is missing",
                got=str(error),
                fix="install it: s3fs for s3://, gcsfs for gs://, adlfs for az://",
            ) from error
        except ValueError as error:
            raise ConfigError(
                "This is no place for a registry",
                expected="a folder, or a URL that fsspec knows",
                got=f"{url}: {error}",
            ) from error
        self.url = str(self._fs.unstrip_protocol(self._root))
        self._local = isinstance(self._fs, LocalFileSystem)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None if it is not there.

        Raises:
            ModelError: If it cannot be read for another reason.
        """
        with self._telling("read", name):
            try:
                return bytes(self._fs.cat_file(self._path(name)))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that no reader ever sees half of it.

        Raises:
            ModelError: If it cannot be written.
        """
        path = self._path(name)
        with self._telling("write", name):
            if self._local:
                _replace(Path(path), content)
            else:  # an object store puts whole objects
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(path, content)

    def append(self, name: str, line: str) -> None:
        """Add a line to a file.

        Raises:
            ModelError: If it cannot be written.
        """
        path = self._path(name)
        with self._telling("write", name):
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            with self._fs.open(path, "ab") as file:
                file.write(line.encode() + b"\n")

    def folders(self, name: str) -> list[str]:
        """Return the names of the folders in a folder, sorted; none if it is not there.

        Raises:
            ModelError: If it cannot be read.
        """
        with self._telling("read", name):
            try:
                entries = self._fs.ls(self._path(name), detail=True, refresh=True)
            except (FileNotFoundError, NotADirectoryError):
                return []
        paths = (str(e["name"]).rstrip("/") for e in entries if e["type"] == "directory")
        return sorted(path.rpartition("/")[2] for path in paths)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def _telling(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(
                f"The registry cannot {verb} '{name}'",
                got=f"{self.url}: {error}",
                fix="see that it can be reached and that you may do so",
            ) from error


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    part = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)  # others read the registry; mkstemp lets only us
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
