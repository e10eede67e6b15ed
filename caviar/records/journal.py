"""The journal: the single source of truth about a study.

It is a text file with one event per line. A line counts once it is on disk. Only one driver at a time may write.
Reading needs no lock and runs no code.
"""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from caviar._checks import check_path
from caviar.errors import InputError, StorageError
from caviar.files import flush_to_disk, is_uri, reading, write_atomically, writing
from caviar.records.event_lines import damaged, decode, encode
from caviar.records.events import Event, TrialEnded
from caviar.records.lock import driver_lock
from caviar.records.mirror import MIRROR, PUSH_SECONDS, Mirror, mirror_uri
from caviar.records.replay import StudyState, replay
from caviar.records.trial import Result

NAME = "journal.jsonl"
_BEGINNING = b'{"event":"study",'  # of the first line
logger = logging.getLogger("caviar")


class Journal:
    """The journal of one study, open for the one driver that may write it.

    Args:
        folder: the study's folder; created if missing.
        push_seconds: the minimum time between two copies to its mirror, if it has one.
        durable: whether to wait until what is written is on disk.

    Raises:
        StorageError: another driver writes it, or the folder cannot be written.
    """

    def __init__(self, folder: Path, push_seconds: float = PUSH_SECONDS, *, durable: bool = True) -> None:
        self.path = folder / NAME
        self._flush = flush_to_disk if durable else _flush
        check_writable(folder)
        with writing(self.path):
            folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.enter_context(driver_lock(folder))
            with writing(self.path):
                self._file = stack.enter_context(self.path.open("ab"))
            self.lines = _drop_torn_line(self.path)  # when it was opened
            self._size = self.path.stat().st_size
            uri = mirror_uri(folder)
            self._mirror = Mirror(uri, self.path, push_seconds) if uri else None
            if self._mirror:
                self._mirror.claim()
            self._resources = stack.pop_all()  # they stay open as long as the driver runs

    def append(self, events: Iterable[Event], *, mirror_now: bool = False) -> None:
        """Write events, and return when they are on disk; `mirror_now` brings a mirror up to date at once."""
        content = encode_lines(events).encode()
        if content:
            with writing(self.path):
                self._file.write(content)
                self._flush(self._file)
            self._size += len(content)
            self.check()
            if self._mirror:
                self._mirror.push(now=mirror_now)

    def check(self) -> None:
        """Raise StorageError if what was written is not in the file: somebody has removed, moved or replaced it."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_size >= self._size:
                return
        raise StorageError(
            f"{self.path} was removed, moved or replaced while the study ran; put it back and continue with "
            f"`caviar resume {self.path.parent}`, else what the study has trained is lost"
        )

    def close(self) -> None:
        """Bring the mirror up to date and release the lock."""
        try:
            if self._mirror:
                self.check()
                self._mirror.release()
        finally:
            with writing(self.path):  # closing retries what could not be written
                self._resources.close()


def _flush(file: IO[bytes]) -> None:
    file.flush()


def read(folder: Path) -> Iterator[Event]:
    """Read the events of the journal in a study's folder, oldest first; a torn last line is left out.

    Raises:
        InputError: there is no journal in the folder, or its first line is torn.
        StorageError: the journal cannot be read, a line does not hold an event, or a newer Caviar wrote it.
    """
    path = folder / NAME
    with reading(path):
        if not path.exists() or not path.stat().st_size:
            raise InputError(f"no study in {folder} ({NAME} is missing or empty); pass the folder that a study wrote")
    with reading(path), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                if number == 1:
                    raise InputError(f"line 1 of {path} is torn, so no study has begun in {folder}; run it once more")
                return
            try:
                yield decode(line)
            except StorageError as error:
                raise StorageError(f"line {number} of {path}: {error}") from None
            except ValueError as error:
                raise damaged(number, path, error) from None


def read_state(folder: Path) -> StudyState:
    """Return the state of the study in a folder; raise what `read` does, and StorageError for an event out of place."""
    return replay(read(folder), folder / NAME)


def read_results(folder: Path) -> dict[int, Result]:
    """Return the results of the trials that have ended, with their curves, by number; the last one of a trial counts.

    Raises what `read` does.
    """
    return {event.result.trial: event.result for event in read(folder) if isinstance(event, TrialEnded)}


def encode_lines(events: Iterable[Event]) -> str:
    """Return events as the lines of a journal."""
    return "".join(encode(event) + "\n" for event in events)


def local_folder(where: str | Path, folder: Path | None = None) -> Path:
    """Return a study's folder on this disk; for a URI it is brought up to date first, and mirrored there from then on.

    Args:
        where: a folder or a URI.
        folder: where to put the copy of a URI; default: `runs/NAME`, after the last part of the URI.

    Raises:
        InputError: it is no path, or a URI that names no place, such as "s3://".
        StorageError: the URI cannot be reached, or does not hold what the folder holds.
    """
    where = check_path("a study's folder", where)
    if not is_uri(where):
        return Path(where)
    uri = where.rstrip("/")
    folder = folder or Path("runs") / uri.rpartition("/")[2]
    path, mirrored = folder / NAME, mirror_uri(folder)
    if mirrored not in ("", uri) or (not mirrored and path.exists()):
        raise StorageError(f"{folder} holds another study than {uri}; move it away or work in another folder")
    remote = Mirror(uri, path).content()
    with reading(path):
        local = path.read_bytes() if path.exists() else b""
    local = local[: local.rfind(b"\n") + 1]  # without a torn last line
    if not (local.startswith(remote) or remote.startswith(local)):
        raise StorageError(f"{folder} and {uri} have diverged; move {folder} away to continue from {uri}")
    write_atomically(folder / MIRROR, uri.encode())  # first, since a journal without it looks like another study's
    if len(remote) > len(local):
        write_atomically(path, remote)
    return folder


def holds_study(folder: Path) -> bool:
    """Return whether a study was begun in a folder; one whose driver died while it wrote the first line was not."""
    path = folder / NAME
    try:
        if path.is_fifo():  # which would be waited for
            return True
        with path.open("rb") as file:
            start = file.read(len(_BEGINNING))
            return bool(start) and not (_BEGINNING.startswith(start) and not file.readline().endswith(b"\n"))
    except PermissionError:  # something is there
        return True
    except OSError:
        return False


def check_writable(folder: Path) -> None:
    """Raise StorageError if a folder can be neither written nor created."""
    existing = folder
    with writing(folder):
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
    if not existing.is_dir():
        raise StorageError(f"{existing} is a file, so {folder} cannot hold a study; choose another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        remedy = "copy the study to another folder" if holds_study(folder) else "choose another folder for the study"
        raise StorageError(f"no permission to write in {existing}; {remedy}")


def _drop_torn_line(path: Path) -> int:
    """Cut off a last line that a dying driver left unfinished; return the number of complete lines."""
    count = size = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                os.truncate(path, size)
                logger.warning("%s: dropped a torn last line of %d bytes", path, len(line))
                break
            count, size = count + 1, size + len(line)
    return count
