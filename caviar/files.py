"""Reads, writes, lists and removes files in a folder or at a URI; each is written whole or not at all.

In a folder, a file is written next to the old one and then moved into its place. Nothing here depends on what the files
contain.
"""

import contextlib
import errno
import itertools
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

from caviar._checks import check_path
from caviar._remote_files import RemoteStore
from caviar._secrets import hide_secrets
from caviar.errors import InputError, StorageError

_CLOSE_SECONDS = 1.0  # how long to wait for programs that have a file open


class FileStore(Protocol):
    """Named files in one place; errors are StorageErrors, even for a file that does not exist.

    >>> import tempfile
    >>> store = open_store(tempfile.mkdtemp())
    >>> store.write("notes/a.txt", b"hello")
    >>> store.read("notes/a.txt"), store.sizes("notes")
    (b'hello', {'a.txt': 5})
    """

    def read(self, name: str) -> bytes:
        """Return the content of a file."""

    def write(self, name: str, content: bytes) -> None:
        """Replace the content of a file; whatever happens, it holds all of the old content or all of the new."""

    def create(self, name: str, content: bytes) -> None:
        """Write a new file; raise FileExistsError if it already exists."""

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the size in bytes of each file in a folder of the store, by name; {} if the folder does not exist."""

    def remove(self, name: str) -> None:
        """Delete a file, if it exists."""


def open_store(where: str | Path) -> FileStore:
    """Open the store in a folder, which is created by the first write, or at a URI such as "s3://bucket/run".

    Raises InputError for a URI with a password, and for several in one, whose names may be those of files elsewhere.
    """
    uri = check_path("folder", where)
    if not is_uri(uri):
        return LocalStore(Path(uri))
    if (shown := hide_secrets(uri)) != uri:
        variable = f"FSSPEC_{uri.partition(':')[0].upper()}_PASSWORD"
        raise InputError(
            f"{shown} has a password or token, which a study would keep; try {variable} in the environment"
        )
    if "::" in uri:
        raise InputError(f"a study's place must be one URI, got {uri!r}; try the one after the last '::'")
    return RemoteStore(uri)


def is_uri(where: str | Path) -> bool:
    """Return whether a place is a URI rather than a folder.

    >>> is_uri("s3://bucket/run"), is_uri("runs/first")
    (True, False)
    """
    return "://" in str(where)


class LocalStore:
    """Files in a folder on disk; `str` gives its absolute path."""

    def __init__(self, path: Path) -> None:
        with writing(path):
            self.path = path.resolve()

    def __str__(self) -> str:
        return str(self.path)

    def read(self, name: str) -> bytes:
        with reading(path := self.path / name):
            return path.read_bytes()

    def write(self, name: str, content: bytes) -> None:
        write_atomically(self.path / name, content)

    def create(self, name: str, content: bytes) -> None:
        with writing(path := self.path / name):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, "xb", content)

    def sizes(self, folder: str = "") -> dict[str, int]:
        sizes: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for file in (self.path / folder).iterdir():
                with contextlib.suppress(FileNotFoundError):  # removed by another process in the meantime
                    if file.is_file():
                        sizes[file.name] = file.stat().st_size
        return sizes

    def remove(self, name: str) -> None:
        with writing(path := self.path / name):
            _once_closed(lambda: path.unlink(missing_ok=True))
        with contextlib.suppress(OSError):  # of a folder that is not empty; a URI has no empty ones
            for folder in itertools.takewhile(lambda folder: folder != self.path, path.parents):
                folder.rmdir()


def unfinished_path(path: Path) -> Path:
    """Return another name beside a file, under which one process writes it before it is whole."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: whatever happens, it holds the old content or the new."""
    unfinished = unfinished_path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(unfinished, "wb", content)
        try:
            _once_closed(lambda: os.replace(unfinished, path))
        finally:
            unfinished.unlink(missing_ok=True)


def _once_closed(change: Callable[[], None]) -> None:
    """Replace or remove a file; on Windows, first wait a moment until nobody has it open."""
    deadline = time.monotonic() + _CLOSE_SECONDS
    while True:
        try:
            return change()
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _write(path: Path, mode: str, content: bytes) -> None:
    file = path.open(mode)
    try:
        with file:
            file.write(content)
            flush_to_disk(file)
    except BaseException:  # leave no half of it
        path.unlink(missing_ok=True)
        raise


def flush_to_disk(file: IO[bytes]) -> None:
    """Flush an open file, and wait until its content is on the disk.

    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     flush_to_disk(file)
    """
    file.flush()
    if sys.platform == "darwin":
        import fcntl  # Windows has none

        with contextlib.suppress(OSError):  # some network mounts refuse it
            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)  # fsync stops at the drive's own cache there
            return
    getattr(os, "fdatasync", os.fsync)(file.fileno())  # only Linux has fdatasync


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a StorageError."""
    try:
        yield
    except OSError as error:
        raise _storage_error("read", path, error, "check its permissions") from error


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a StorageError, except a FileExistsError for this path."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileExistsError) and error.filename == os.fspath(path):
            raise
        if not path.is_absolute():
            check_current_folder()
        remedy = "free some space or " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        if isinstance(error, PermissionError):  # on Windows also for a file that is open
            remedy = "fix its permissions, close it in other programs or "
        remedy += "choose another folder; what is already on disk is kept"
        raise _storage_error("write", path, error, remedy) from error


def _storage_error(what: str, path: Path, error: OSError, remedy: str) -> StorageError:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        remedy = "raise the limit of open files, which `ulimit -n` shows"
    return StorageError(f"cannot {what} {path} ({error.strerror or error}); {remedy}")


def check_current_folder() -> None:
    """Raise StorageError if the folder that relative paths start from has been deleted.

    >>> check_current_folder()
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise StorageError("the current folder has been deleted; go to another one") from None
