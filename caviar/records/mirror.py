"""A copy of a study's folder at a URI (s3://, gs:// or any that fsspec knows), for clusters whose disks are temporary.

An object store cannot append, so the journal is copied in parts, each written once: if a part already exists, another
driver wrote it, and this one stops. The study runs in the folder on disk; a small file there names the URI.
"""

import itertools
import json
import logging
import math
import re
import time
from pathlib import Path

from caviar.errors import StorageError
from caviar.files import is_uri, open_store, reading, write_atomically
from caviar.records.lock import Driver
from caviar.records.plain import number, text
from caviar.records.trial import TABLES

MIRROR = "mirror.txt"
HEARTBEAT = "driver.json"  # who drives the study, and when it was last seen; in the folder, that of its last driver
MODELS = "models"  # the folder of the models that the study keeps
PUSH_SECONDS = 15.0
_LONGEST_URI = 2048
DEAD_SECONDS = 60.0  # a driver that has not been seen for this long counts as dead
logger = logging.getLogger("caviar")


def mirror_uri(folder: Path) -> str:
    """Return the URI of the mirror of the study in a folder; "" if it has none."""
    path = folder / MIRROR
    with reading(path):
        if not path.exists():
            return ""
        uri = path.read_bytes().decode(errors="replace").strip()
    if not (is_uri(uri) and len(uri) < _LONGEST_URI and uri.isprintable()):
        raise StorageError(f"{path} must hold the URI of the study's mirror, got {uri!r:.60}; write that, or remove it")
    return uri


class Mirror:
    """The copy of a study's folder at a URI; `journal` is the file on this disk."""

    def __init__(self, uri: str, journal: Path, push_seconds: float = PUSH_SECONDS) -> None:
        self._store, self._journal, self._push_seconds = open_store(uri), journal, push_seconds
        self._pushed = -math.inf
        self._sizes = self._store.sizes()
        self._parts = sorted(name for name in self._sizes if re.fullmatch(r"journal-\d{6}\.jsonl", name))
        if self._parts != [_part(number) for number in range(len(self._parts))]:
            missing = next(_part(n) for n in itertools.count() if _part(n) not in self._parts)
            raise StorageError(f"{self._store} lacks {missing}, a part of its journal; restore it from a copy")
        self._bytes = sum(self._sizes[name] for name in self._parts)
        self._models = set(self._store.sizes(MODELS))

    def content(self) -> bytes:
        """Return the part of the journal that has been copied."""
        return b"".join(self._store.read(part) for part in self._parts)

    def claim(self) -> None:
        """Announce that this process drives the study; raise StorageError if another one does or has continued it."""
        if HEARTBEAT in self._sizes:
            other, seen = self._last_beat()
            apart = abs(time.time() - seen)  # a clock that was ahead is no sign of life
            if apart < DEAD_SECONDS and other != self._last_driver_here():
                raise StorageError(
                    f"{other} is driving the study at {self._store}; wait for it, stop it or choose another "
                    f"place (a dead driver is forgotten after {DEAD_SECONDS:g} s)"
                )
        with reading(self._journal):
            here = self._journal.read_bytes()
        if not here.startswith(self.content()):
            raise StorageError(
                f"{self._store} holds more of the study than {self._journal.parent}, or another one; continue from "
                f"{self._store}"
            )
        if not self._parts:
            self._reserve()
        write_atomically(self._journal.with_name(HEARTBEAT), self._beat(time.time()))

    def _reserve(self) -> None:
        """Create the first part, empty, so that of two studies that begin at once only one does."""
        try:
            self._store.create(part := _part(0), b"")
        except FileExistsError:
            raise StorageError(
                f"another study begins at {self._store}; choose another place (if no driver is there, remove {part})"
            ) from None
        self._parts.append(part)

    def _last_beat(self) -> tuple[str, float]:
        """The driver that was there, and when it was last seen."""
        try:
            return _parse(self._store.read(HEARTBEAT))
        except (ValueError, TypeError, LookupError, RecursionError):
            raise StorageError(
                f"{HEARTBEAT} at {self._store} is damaged; remove it if no driver runs the study"
            ) from None

    def _last_driver_here(self) -> str:
        """The driver that claimed the study in this folder before: it has died, since this one holds the lock."""
        try:
            return _parse(self._journal.with_name(HEARTBEAT).read_bytes())[0]
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return ""

    def push(self, *, now: bool = False) -> None:
        """Copy new lines of the journal, `now` or if the last copy is old; retry later if the URI cannot be reached.

        Raise StorageError if another driver has written there.
        """
        if not now and time.monotonic() - self._pushed < self._push_seconds:
            return
        self._pushed = time.monotonic()
        with self._journal.open("rb") as file:
            file.seek(self._bytes)
            gained = file.read()
        gained = gained[: gained.rfind(b"\n") + 1]  # a line torn by a full disk may be cut off later
        part = _part(len(self._parts))
        try:
            self._push_models()
            if gained:
                self._store.create(part, gained)
                self._parts.append(part)
                self._bytes += len(gained)
            self._beat(time.time())
        except FileExistsError:  # ours if the store wrote it but its answer was lost
            written = self._store.read(part)
            if not gained.startswith(written):
                raise StorageError(
                    f"another driver has written {part} at {self._store}; let only one driver run the study"
                ) from None
            self._parts.append(part)
            self._bytes += len(written)
        except StorageError as error:
            logger.warning("%s; will retry", error)

    def _push_models(self) -> None:
        """Copy new models, before the events of their trials; their names say which they are, so none changes."""
        for path in sorted(self._journal.parent.glob(f"{MODELS}/[!.]*")):
            if path.name not in self._models:
                self._store.write(f"{MODELS}/{path.name}", path.read_bytes())
                self._models.add(path.name)

    def release(self) -> None:
        """Copy everything, including the tables, and announce that the driver ends."""
        self.push(now=True)
        try:
            for table in (self._journal.with_name(f"{name}.csv") for name in TABLES):
                if table.exists():
                    self._store.write(table.name, table.read_bytes())
            self._beat(seen=0.0)
        except StorageError as error:
            logger.warning("%s; run the study once more to complete its copy", error)

    def _beat(self, seen: float) -> bytes:
        """Say who drives the study and when it was seen, and return what was written."""
        heartbeat = json.dumps({"driver": str(Driver.here()), "seen": seen}).encode()
        self._store.write(HEARTBEAT, heartbeat)
        return heartbeat


def _parse(heartbeat: bytes) -> tuple[str, float]:
    """Return the driver that a heartbeat names, and when it was seen."""
    plain = json.loads(heartbeat)
    return text(plain["driver"]), number(plain["seen"])


def _part(number: int) -> str:
    return f"journal-{number:06d}.jsonl"
