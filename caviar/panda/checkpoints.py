"""The files of a Panda: its card, its data and its checkpoints, each written whole or not at all.

Everything is plain arrays and JSON; reading them runs no code. A checkpoint is one .npz file: the arrays of a
training's state and, as JSON text, what the Panda remembers. Its checksums tell a torn one from a whole one.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset
from caviar.errors import StorageError
from caviar.files import FileStore
from caviar.model.state import State, decode, encode

CARD = "panda.json"
DATA = "data.npz"
DIARY = "diary.json"
ARRAYS = ("train_x", "train_y", "val_x", "val_y", "test_x", "test_y")
FACTS = ("name", "task", "classes", "target_mean", "target_scale", "source")


def write_card(place: FileStore, card: Mapping[str, Any]) -> None:
    """Write what a Panda was started with."""
    place.write(CARD, json.dumps(card, indent=1).encode())


def read_card(place: FileStore) -> dict[str, Any]:
    """What the Panda of a folder was started with.

    Raises:
        StorageError: the folder holds no Panda, or cannot be read from here.
    """
    try:
        return dict(json.loads(place.read(CARD)))
    except (StorageError, ValueError):
        raise StorageError(
            f"{place} holds no Panda (no {CARD} that can be read from this machine); name the folder that one wrote, "
            "on storage that every node shares"
        ) from None


def holds_panda(place: FileStore) -> bool:
    """Whether a Panda was begun at a place."""
    return CARD in place.sizes()


def write_data(place: FileStore, dataset: Dataset) -> None:
    """Write a data set beside the Panda that trains on it, so that it can wake up wherever the folder is."""
    facts = {name: getattr(dataset, name) for name in FACTS}
    arrays = {name: getattr(dataset, name) for name in ARRAYS}
    place.write(DATA, _packed({**arrays, "facts": encode(facts)}))


def read_data(place: FileStore) -> Dataset:
    """The data set that `write_data` wrote.

    Raises:
        StorageError: the file is gone or torn.
    """
    arrays = _unpacked(place, DATA)
    facts = decode(arrays.pop("facts"))
    return Dataset(**{**facts, "classes": tuple(facts["classes"]), **arrays})


def write_diary(place: FileStore, diary: Sequence[Mapping[str, Any]]) -> None:
    """Write the diary beside the checkpoints that hold it too, for people, and should the last checkpoint be torn."""
    place.write(DIARY, json.dumps(list(diary), indent=1).encode())


def read_diary(place: FileStore) -> list[dict[str, Any]]:
    """The diary as last written; [] where it cannot be read."""
    try:
        return list(json.loads(place.read(DIARY)))
    except (StorageError, ValueError):
        return []


class Checkpoints:
    """The checkpoints at a place, numbered as they are written.

    Args:
        place: the Panda's.
    """

    def __init__(self, place: FileStore) -> None:
        self._place = place

    def numbers(self) -> list[int]:
        """The numbers of those that are there, newest first."""
        names = [name.removesuffix(".npz") for name in self._place.sizes("checkpoints") if name.endswith(".npz")]
        return sorted(map(int, names), reverse=True)

    def write(self, number: int, state: State, memory: Mapping[str, Any]) -> None:
        """Write one: a training's state, and plain data beside it."""
        self._place.write(_name(number), _packed({**state, "memory": encode(memory)}))

    def read(self, number: int) -> tuple[State, dict[str, Any]]:
        """The state and the plain data of one.

        Raises:
            StorageError: it is gone or torn.
        """
        arrays = _unpacked(self._place, _name(number))
        return arrays, decode(arrays.pop("memory"))

    def keep(self, numbers: set[int]) -> None:
        """Delete all others."""
        for number in set(self.numbers()) - numbers:
            self._place.remove(_name(number))


def _name(number: int) -> str:
    return f"checkpoints/{number:08d}.npz"


def _packed(arrays: State) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpacked(place: FileStore, name: str) -> State:
    content = io.BytesIO(place.read(name))
    try:
        with np.load(content, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}  # reads all of it, checksums included
    except (ValueError, EOFError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise StorageError(f"{place}/{name} is torn ({str(error).splitlines()[0]})") from None
