"""The journal: what is on disk, and the only truth about a study.

A text file of JSON lines: first the study's settings, then every wave as it starts and every trial as it ends.
A line counts when it has reached the disk. Only one driver at a time may write: the lock is the operating
system's, so a driver that dies leaves none behind. Reading runs no code, and needs no lock.
"""

import contextlib
import fcntl
import json
import os
import socket
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from caviar.errors import InputError, StorageError
from caviar.records.mirror import local_folder, mirror_of

NAME = "journal.jsonl"
DRIVER = "driver.txt"  # host:process of the driver, of use while it holds the lock
Record = Mapping[str, Any]


class Journal:
    """The journal of one study, opened for writing by the one driver that may.

    Args:
        folder: the study's folder; made where it is not there.

    Raises:
        StorageError: another driver writes it, or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        check_writable(folder)
        with writing(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "ab")  # noqa: SIM115 - open as long as the driver lives
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise StorageError(
                f"another driver is running the study in {folder}; wait for it, stop it, or choose another folder"
            ) from None
        (folder / DRIVER).write_text(f"{socket.gethostname()}:{os.getpid()}")
        _drop_torn_line(self.path)
        self._mirror = mirror_of(folder, NAME)
        if self._mirror:
            try:
                self._mirror.claim()
            except StorageError:
                self._file.close()
                raise

    @property
    def empty(self) -> bool:
        """Whether nothing has been written yet."""
        return self.path.stat().st_size == 0

    def append(self, records: Iterable[Record], now: bool = False) -> None:
        """Write records, and return when they are on disk.

        Args:
            records: any that JSON can hold.
            now: True has a mirror brought up to date at once: the wave before has ended.
        """
        lines = encoded(records)
        if lines:
            with writing(self.path):
                self._file.write(lines.encode())
                self._file.flush()
                os.fdatasync(self._file.fileno())
            if self._mirror:
                self._mirror.push(now)

    def close(self) -> None:
        """Give the journal free."""
        try:
            if self._mirror:
                self._mirror.release()
        finally:
            with writing(self.path):  # closing tries once more what could not be written
                self._file.close()


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The records of a study's journal, oldest first; a last line that is torn is left out.

    Raises:
        InputError: there is no journal in the folder.
        StorageError: a line before the last is no record.
    """
    path = folder / NAME
    if not holds_study(folder):
        raise InputError(f"{folder} holds no study (no {NAME} with anything in it); give the folder that a study wrote")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
            except ValueError:
                raise StorageError(f"line {number} of {path} is no record; restore the file from a copy") from None
            yield record


def encoded(records: Iterable[Record]) -> str:
    """Records as the lines of a journal."""
    return "".join(json.dumps(record, separators=(",", ":"), default=_plain) + "\n" for record in records)


def folder_of(place: str | Path, folder: Path | None = None) -> Path:
    """The folder on this disk of a study at a place, a folder or a URI; see `storage.local_folder`."""
    return local_folder(place, NAME, folder)


def holds_study(folder: Path) -> bool:
    """Whether a study was begun in a folder."""
    path = folder / NAME
    return path.is_file() and path.stat().st_size > 0


def driver(folder: Path) -> str | None:
    """host:process of the driver that runs the study in a folder; None where none does."""
    with (folder / NAME).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return (folder / DRIVER).read_text()
    return None


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise a StorageError where a file cannot be written: the disk is full, the folder forbidden, the share gone."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}); make room or choose another folder; what is in it is kept"
        ) from error


def check_writable(folder: Path) -> None:
    """Raise StorageError where a folder can neither be written nor made."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise StorageError(f"{there} is a file, so {folder} cannot be a study's folder; choose another one")
    if not os.access(there, os.W_OK | os.X_OK):
        raise StorageError(f"no permission to write in {there}; choose another folder for the study")


def _drop_torn_line(path: Path) -> None:
    """Cut off a last line that a dying driver left unfinished, and say so."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
        warnings.warn(f"{path}: dropped a torn last line of {len(content) - whole} bytes", stacklevel=3)


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's; any other option that JSON does not know as its repr."""
    return value.item() if hasattr(value, "item") else repr(value)
