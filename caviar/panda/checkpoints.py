"""The files of a Panda: its settings, its data, its diary and its checkpoints, each written whole or not at all.

Everything is NumPy arrays and JSON, and reading it runs no code. A checkpoint is one .npz file: the arrays of the
training and, as JSON, the state of the Panda. Its checksums show whether it is damaged.
"""

import io
import json
import math
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from caviar._checks import check_integer, check_seconds, check_seed
from caviar.data.dataset import Dataset
from caviar.data.source import Source
from caviar.errors import StorageError
from caviar.files import FileStore
from caviar.model.arrays import Array
from caviar.model.config import check_config
from caviar.model.state import TrainingState, decode, encode
from caviar.panda.serialization import FORMAT, check_format, diary_from_json, diary_to_json
from caviar.panda.state import DiaryEntry
from caviar.records.trial import Config

CARD, DATA, DIARY, FOLDER = "panda.json", "data.npz", "diary.json", "checkpoints"
ARRAYS = ("train_x", "train_y", "val_x", "val_y", "test_x", "test_y")
STATE = "panda"  # the array of a checkpoint that holds the JSON
README = b"""A Panda of Caviar keeps its files here.

panda.json   what it was started with
data.npz     the data that it trains on
checkpoints  NumPy arrays and JSON, numbered in order; loaded without pickle
diary.json   every intervention, by hand or by rule
"""


@dataclass(frozen=True)
class PandaSettings:
    """What a Panda is started with.

    Args:
        config: its hyperparameters to begin with; the rest take their defaults.
        seed: of its initial weights, shuffles and dropout, >= 0.
        horizon: the epochs over which a cosine schedule falls, >= 1.
        checkpoint_epochs: how many epochs apart checkpoints are that can be rewound to, >= 1.
        checkpoint_seconds: the longest time without a checkpoint, > 0.
        rewindable_epochs: how many of the latest of these are kept; epoch 0 and the best one always are.

    Raises:
        InputError: one of them is out of range.

    >>> PandaSettings(horizon=0)
    Traceback (most recent call last):
    caviar.errors.InputError: horizon must be an integer >= 1, got 0
    """

    config: Config = field(default_factory=dict)
    seed: int = 0
    horizon: int = 100
    checkpoint_epochs: int = 1
    checkpoint_seconds: float = 60.0
    rewindable_epochs: int = 50

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", check_config(self.config))
        check_seed(self.seed)
        for name in ("horizon", "checkpoint_epochs", "rewindable_epochs"):
            check_integer(name, getattr(self, name))
        object.__setattr__(
            self, "checkpoint_seconds", check_seconds("checkpoint_seconds", self.checkpoint_seconds) or math.inf
        )


def write_readme(store: FileStore) -> None:
    """Write what the files of a Panda are; raises StorageError if its folder cannot be written."""
    store.write("README.txt", README)


def write_settings(store: FileStore, settings: PandaSettings, dataset: Dataset) -> None:
    """Write what a Panda was started with, and which data it trains on."""
    data = {"name": dataset.name, "fingerprint": dataset.fingerprint(), "source": dataset.source.to_plain()}
    store.write(CARD, json.dumps({"format": FORMAT, "data": data, **asdict(settings)}, indent=1).encode())


def read_settings(store: FileStore) -> PandaSettings:
    """Return what the Panda of a folder was started with.

    Raises:
        StorageError: the folder holds no Panda, or it cannot be read from here.
    """
    try:
        plain = json.loads(store.read(CARD))
        check_format(plain)
        return PandaSettings(**{name: value for name, value in plain.items() if name not in ("format", "data")})
    except (AttributeError, TypeError, ValueError, StorageError) as error:
        raise StorageError(
            f"there is no Panda in {store} that can be read from this machine ({CARD}: {error}); name the folder of "
            "one, on storage that every node shares"
        ) from None


def holds_panda(store: FileStore) -> bool:
    """Return whether a Panda was begun in a store."""
    return CARD in store.sizes()


def write_data(store: FileStore, dataset: Dataset) -> None:
    """Write a data set beside the Panda that trains on it, so that the Panda can wake wherever its folder is."""
    facts = {
        "name": dataset.name,
        "task": dataset.task,
        "classes": dataset.classes,
        "target_mean": dataset.target_mean,
        "target_scale": dataset.target_scale,
        "source": dataset.source.to_plain(),
    }
    store.write(DATA, _pack({**{name: getattr(dataset, name) for name in ARRAYS}, "facts": encode(facts)}))


def read_data(store: FileStore) -> Dataset:
    """Return the data set that `write_data` wrote.

    Raises:
        StorageError: the file is missing or damaged.
    """
    arrays = _unpack(store, DATA)
    facts = decode(arrays.pop("facts"))
    facts |= {"classes": tuple(facts["classes"]), "source": Source.from_plain(facts["source"])}
    return Dataset(**{**facts, **arrays})


def write_diary(store: FileStore, diary: Sequence[DiaryEntry]) -> None:
    """Write the diary beside the checkpoints, which hold it too, for people and in case the last one is damaged."""
    store.write(DIARY, diary_to_json(diary))


def read_diary(store: FileStore) -> tuple[DiaryEntry, ...]:
    """Return the diary as last written; () where it cannot be read."""
    try:
        return diary_from_json(store.read(DIARY))
    except StorageError:
        return ()


class Checkpoints:
    """The checkpoints in a store, numbered in the order in which they are written.

    Args:
        store: the Panda's.
    """

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def numbers(self) -> list[int]:
        """Return the numbers of the checkpoints, newest first."""
        stems = [name.removesuffix(".npz") for name in self._store.sizes(FOLDER)]
        return sorted((int(stem) for stem in stems if stem.isdigit()), reverse=True)

    def write(self, number: int, training: TrainingState, state: bytes) -> None:
        """Write a checkpoint: the arrays of a training, and the JSON of a Panda's state."""
        self._store.write(_name(number), _pack({**training, STATE: np.frombuffer(state, np.uint8)}))

    def read(self, number: int) -> tuple[TrainingState, bytes]:
        """Return the arrays and the JSON of a checkpoint.

        Raises:
            StorageError: the file is missing or damaged.
        """
        arrays = _unpack(self._store, _name(number))
        if STATE not in arrays:
            raise StorageError(f"{self._store}/{_name(number)} is not a checkpoint of a Panda")
        return arrays, arrays.pop(STATE).tobytes()

    def keep_only(self, numbers: Collection[int]) -> None:
        """Delete all other checkpoints."""
        for number in self.numbers():
            if number not in numbers:
                self._store.remove(_name(number))


def _name(number: int) -> str:
    return f"{FOLDER}/{number:08d}.npz"


def _pack(arrays: TrainingState) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpack(store: FileStore, name: str) -> dict[str, Array]:
    content = io.BytesIO(store.read(name))
    try:
        with np.load(content, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}  # reads all of it, checksums included
    except (ValueError, EOFError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise StorageError(f"{store}/{name} is damaged ({str(error).splitlines()[0]})") from None
