"""Where the files of a Panda are: a folder that all nodes share, or a URI that fsspec knows (s3://, gs://, ...).

Either way a file is written whole or not at all: in a folder beside the old one and then put in its place, at a
URI in the one request by which object stores replace an object.
"""

import contextlib
import os
from pathlib import Path
from typing import Any, Protocol

from caviar.errors import InputError, StorageError
from caviar.study.storage import is_uri


class Place(Protocol):
    """Named files; every error is a StorageError, of `read` too where there is no such file."""

    def read(self, name: str) -> bytes:
        """What a file holds."""

    def write(self, name: str, content: bytes) -> None:
        """Put content into a file: whatever happens, it holds the old or the new, and all of it."""

    def names(self, under: str) -> list[str]:
        """The names of the files in a folder of the place."""

    def remove(self, name: str) -> None:
        """Delete a file; one that is gone already is fine."""


def place_at(where: str | Path) -> Place:
    """The place at a folder or URI; raises InputError for a URI of an unknown kind."""
    return Store(str(where)) if is_uri(where) else Folder(Path(where))


class Folder:
    """A folder on a disk."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def __str__(self) -> str:
        return str(self.path)

    def read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise StorageError(f"{self.path / name} cannot be read ({error.strerror})") from None

    def write(self, name: str, content: bytes) -> None:
        path = self.path / name
        temporary = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written ({error.strerror}); make room, permit writing, or choose another folder"
            ) from None

    def names(self, under: str) -> list[str]:
        folder = self.path / under
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)


class Store:
    """A URI of an object store, or of anything else that fsspec knows."""

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(self.uri, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InputError(f"{uri} cannot be used: {error}; see `pip install 'caviar[storage]'`") from None

    def __str__(self) -> str:
        return self.uri

    def read(self, name: str) -> bytes:
        return bytes(self._tried("read", lambda: self._files.cat_file(f"{self._root}/{name}")))

    def write(self, name: str, content: bytes) -> None:
        path = f"{self._root}/{name}"

        def put() -> None:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)  # does nothing where there are no folders
            self._files.pipe_file(path, content)

        self._tried("written", put)

    def names(self, under: str) -> list[str]:
        try:
            return [name.rpartition("/")[2] for name in self._files.ls(f"{self._root}/{under}", detail=False)]
        except FileNotFoundError:
            return []

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(f"{self._root}/{name}")

    def _tried(self, what: str, action: Any) -> Any:
        try:
            return action()
        except Exception as error:  # each kind of store has its own
            raise StorageError(f"{self.uri} cannot be {what} ({error}); check its name and your access to it") from None
