"""A study's folder mirrored at a URI, for clusters whose disks go with them: s3://, gs://, any that fsspec knows.

An object store cannot append, so the journal goes there in parts, each written once: a part that is there
already was written by another driver, and refuses this one. The folder on disk stays the one that is
worked in; a small file in it names its mirror.
"""

import json
import os
import socket
import time
import warnings
from pathlib import Path
from typing import Any

from caviar.errors import InputError, StorageError
from caviar.files import is_uri

MIRROR = "mirror.txt"
BEAT = "driver.json"  # who drives the study, and when it was last seen
TABLES = ("results.csv", "history.csv", "waves.csv", "confirmation.csv")
PUSH_SECONDS = 15.0
DEAD_SECONDS = 60.0  # a driver that was not seen for so long is dead


def local_folder(place: str | Path, journal: str, folder: Path | None = None) -> Path:
    """The folder of a study at a place: for a URI one on this disk, brought up to date, that mirrors itself there.

    Args:
        place: a folder, or a URI.
        journal: the name of the journal's file.
        folder: where on this disk; `runs/NAME`, after the end of the URI, if left out.

    Raises:
        InputError: a URI of an unknown kind, or of one whose package is not installed.
        StorageError: the place cannot be reached, or does not hold what the folder holds.
    """
    if not is_uri(place):
        return Path(place)
    uri = str(place).rstrip("/")
    folder = folder or Path("runs") / uri.rpartition("/")[2]
    known = folder / MIRROR
    if (known.exists() and known.read_text() != uri) or (not known.exists() and (folder / journal).exists()):
        raise StorageError(f"{folder} holds another study than {uri}; move it away, or work in another folder")
    remote = Mirror(uri, folder / journal).content()
    local = (folder / journal).read_bytes() if (folder / journal).exists() else b""
    if not (local.startswith(remote) or remote.startswith(local)):
        raise StorageError(f"{folder} and {uri} have gone different ways; move {folder} away to go on from {uri}")
    folder.mkdir(parents=True, exist_ok=True)
    if len(remote) > len(local):
        (folder / journal).write_bytes(remote)
    known.write_text(uri)
    return folder


def mirror_of(folder: Path, journal: str) -> "Mirror | None":
    """The mirror of a study's folder, if it has one."""
    known = folder / MIRROR
    return Mirror(known.read_text(), folder / journal) if known.exists() else None


class Mirror:
    """The copy of a study's folder at a URI.

    Args:
        uri: where.
        journal: the journal's file in the folder.

    Raises:
        InputError: fsspec does not know such URIs, or is not installed.
        StorageError: the place cannot be reached.
    """

    def __init__(self, uri: str, journal: Path) -> None:
        try:
            import fsspec

            files, self._root = fsspec.core.url_to_fs(uri, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InputError(f"{uri} cannot be used: {error}; see `pip install 'caviar[storage]'`") from None
        self.uri, self._journal, self._files = uri, journal, files
        self._pushed = 0.0
        self._me = {"driver": f"{socket.gethostname()}:{os.getpid()}", "begun": time.time()}
        found = self._list()
        self._names = [entry["name"] for entry in found]
        parts = sorted((entry["name"], entry["size"]) for entry in found if entry["name"].endswith(".jsonl"))
        self._parts = [name for name, _ in parts]
        self._there = sum(size for _, size in parts)

    def content(self) -> bytes:
        """The journal as far as it is there."""
        return b"".join(self._files.cat_file(part) for part in self._parts)

    def claim(self) -> None:
        """Begin to drive the study from here.

        Raises:
            StorageError: another driver was seen a moment ago.
        """
        names = [name.rpartition("/")[2] for name in self._names]
        beat = json.loads(self._files.cat_file(f"{self._root}/{BEAT}")) if BEAT in names else None
        if beat and time.time() - beat["seen"] < DEAD_SECONDS:
            raise StorageError(
                f"{beat['driver']} is driving the study at {self.uri}; wait for it, stop it, or choose another place "
                f"(if it is dead, it is forgotten after {DEAD_SECONDS:g} s)"
            )
        try:
            self._beat(seen=time.time())
        except Exception as error:  # each kind of store has its own
            raise StorageError(f"{self.uri} cannot be written: {error}; check its name and your access to it") from None

    def push(self, now: bool = False) -> None:
        """Copy what the journal has gained, if that was not done a moment ago; a place out of reach is tried later.

        Raises:
            StorageError: another driver has written there.
        """
        if not now and time.monotonic() - self._pushed < PUSH_SECONDS:
            return
        self._pushed = time.monotonic()
        with self._journal.open("rb") as file:
            file.seek(self._there)
            gained = file.read()
        part = f"{self._root}/journal-{len(self._parts):06d}.jsonl"
        try:
            if gained:
                self._files.pipe_file(part, gained, mode="create")
                self._parts.append(part)
                self._there += len(gained)
            self._beat(seen=time.time())
        except FileExistsError:
            raise StorageError(f"another driver has written {part}; leave the study at {self.uri} to one") from None
        except OSError as error:
            warnings.warn(f"{self.uri} is out of reach, to be tried again: {error}", stacklevel=2)

    def release(self) -> None:
        """The driver ends: everything to the mirror, the tables too."""
        self.push(now=True)
        try:
            for name in TABLES:
                if (self._journal.parent / name).exists():
                    self._files.put_file(str(self._journal.parent / name), f"{self._root}/{name}")
            self._beat(seen=0.0)
        except OSError as error:
            warnings.warn(
                f"{self.uri} is out of reach; go on with the study once to complete it: {error}", stacklevel=2
            )

    def _beat(self, seen: float) -> None:
        self._files.pipe_file(f"{self._root}/{BEAT}", json.dumps({**self._me, "seen": seen}).encode())

    def _list(self) -> list[dict[str, Any]]:
        try:
            return list(self._files.ls(self._root, detail=True))
        except FileNotFoundError:
            return []
        except Exception as error:  # each kind of store has its own
            raise StorageError(f"{self.uri} cannot be reached: {error}; check its name and your access to it") from None
