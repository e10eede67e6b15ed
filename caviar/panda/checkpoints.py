"""The files of a Panda: its card, its data and its checkpoints, each written whole or not at all.

Everything is plain arrays and JSON; reading them runs no code. A checkpoint is one .npz file: the arrays of a
training's state and, as JSON text, what the Panda remembers. Its checksums tell a torn one from a whole one.
"""

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import StorageError
from caviar.model.dataset import Dataset
from caviar.model.state import State, decode, encode

CARD = "panda.json"
DATA = "data.npz"
DIARY = "diary.json"
ARRAYS = ("train_x", "train_y", "val_x", "val_y", "test_x", "test_y")
FACTS = ("name", "task", "classes", "target_mean", "target_scale", "source")


def write_whole(path: Path, content: bytes) -> None:
    """Put content into a file so that, whatever happens, it holds the old or the new, and all of it.

    Raises:
        StorageError: the folder cannot be written.
    """
    temporary = path.with_name(path.name + ".part")
    make_folder(path.parent)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); make room, or permit writing there") from None


def make_folder(folder: Path) -> None:
    """Make a folder where it is not there; raises StorageError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made ({error.strerror}); choose another folder") from None


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write what a Panda was started with."""
    write_whole(folder / CARD, json.dumps(card, indent=1).encode())


def read_card(folder: Path) -> dict[str, Any]:
    """What the Panda of a folder was started with.

    Raises:
        StorageError: the folder holds no Panda, or cannot be read from here.
    """
    try:
        return dict(json.loads((folder / CARD).read_bytes()))
    except (OSError, ValueError):
        raise StorageError(
            f"{folder} holds no Panda (no {CARD} that can be read from this machine); name the folder that one wrote, "
            "on storage that every node shares"
        ) from None


def write_data(folder: Path, dataset: Dataset) -> None:
    """Write a data set beside the Panda that trains on it, so that it can wake up wherever the folder is."""
    facts = {name: getattr(dataset, name) for name in FACTS}
    arrays = {name: getattr(dataset, name) for name in ARRAYS}
    write_whole(folder / DATA, _packed({**arrays, "facts": encode(facts)}))


def read_data(folder: Path) -> Dataset:
    """The data set that `write_data` wrote.

    Raises:
        StorageError: the file is gone or torn.
    """
    arrays = _unpacked(folder / DATA)
    facts = decode(arrays.pop("facts"))
    return Dataset(**{**facts, "classes": tuple(facts["classes"]), **arrays})


def write_diary(folder: Path, diary: Sequence[Mapping[str, Any]]) -> None:
    """Write the diary beside the checkpoints that hold it too, for people, and should the last checkpoint be torn."""
    write_whole(folder / DIARY, json.dumps(list(diary), indent=1).encode())


def read_diary(folder: Path) -> list[dict[str, Any]]:
    """The diary as last written; [] where it cannot be read."""
    try:
        return list(json.loads((folder / DIARY).read_bytes()))
    except (OSError, ValueError):
        return []


class Checkpoints:
    """The checkpoints in a folder, numbered as they are written.

    Args:
        folder: the Panda's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkpoints"

    def numbers(self) -> list[int]:
        """The numbers of those that are there, newest first."""
        return sorted((int(path.stem) for path in self.folder.glob("*.npz")), reverse=True)

    def write(self, number: int, state: State, memory: Mapping[str, Any]) -> None:
        """Write one: a training's state, and plain data beside it."""
        write_whole(self._path(number), _packed({**state, "memory": encode(memory)}))

    def read(self, number: int) -> tuple[State, dict[str, Any]]:
        """The state and the plain data of one.

        Raises:
            StorageError: it is gone or torn.
        """
        arrays = _unpacked(self._path(number))
        return arrays, decode(arrays.pop("memory"))

    def keep(self, numbers: set[int]) -> None:
        """Delete all others."""
        for number in set(self.numbers()) - numbers:
            self._path(number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.npz"


def _packed(arrays: State) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpacked(path: Path) -> State:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}  # reads all of it, checksums included
    except FileNotFoundError:
        raise StorageError(f"{path} is gone") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise StorageError(f"{path} is torn ({str(error).splitlines()[0]})") from None
