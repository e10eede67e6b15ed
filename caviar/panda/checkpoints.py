"""The files of a Panda: its settings, its data, its diary and its checkpoints, each written whole or not at all.

Everything is NumPy arrays and JSON. A checkpoint is one .npz file, whose checksums reveal damage.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from caviar._checks import check_integer_fields, check_seconds
from caviar._typed import typed
from caviar.data.dataset import Dataset
from caviar.data.preparation.preparation import Preparation
from caviar.data.source import Source
from caviar.errors import InputError, StorageError
from caviar.files import FileStore
from caviar.model.arrays import Array
from caviar.model.config import check_config
from caviar.model.state import TrainingState, decode, encode, from_npz, to_npz
from caviar.model.trained.model import Model
from caviar.model.trained.network import Origin, TrainedNetwork
from caviar.model.trained.schema import Schema
from caviar.model.training import Training
from caviar.panda.plain import FORMAT, INVALID, checked, from_plain, state_from_json
from caviar.panda.rules import Rule
from caviar.panda.state import DiaryEntry, PandaState
from caviar.records.trial import Config

_SETTINGS, _DATA, _DIARY = "panda.json", "data.npz", "diary.json"
_FOLDER, _CHECKPOINT = "checkpoints", "checkpoints/{:08d}.npz"
_ARRAYS = ("train_x", "train_y", "val_x", "val_y", "test_x", "test_y")
_WEIGHTS = ("train_weights", "val_weights", "test_weights")  # of the rows, where there are any
_FACTS = ("name", "task", "classes", "target_mean", "target_scale", "target")
_STATE = "panda"  # the array in a checkpoint that holds the JSON
_README = b"""The files of a Panda, written by Caviar.

panda.json   the settings it was started with
data.npz     the data it trains on
checkpoints  NumPy arrays and JSON, numbered in order; loaded without pickle
diary.json   every intervention, by hand or by rule
"""


@dataclass(frozen=True)
class PandaSettings:
    """The settings that a Panda is started with; see `Panda`."""

    config: Config = field(default_factory=dict)
    seed: int = 0
    horizon: int = 100
    checkpoint_epochs: int = 1
    checkpoint_seconds: float = 60.0
    rewindable_epochs: int = 50  # how many of the latest checkpoints are kept, besides epoch 0 and the best one

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", check_config(self.config))
        check_integer_fields(self, "seed", minimum=0)
        check_integer_fields(self, "horizon", "checkpoint_epochs", "rewindable_epochs")
        seconds = check_seconds("checkpoint_seconds", self.checkpoint_seconds)
        object.__setattr__(self, "checkpoint_seconds", math.inf if seconds is None else seconds)


class PandaFiles:
    """The files of a Panda in a store; checkpoints are numbered in the order in which they are written."""

    def __init__(self, store: FileStore) -> None:
        self.store = store

    def __str__(self) -> str:
        return str(self.store)

    @property
    def exist(self) -> bool:
        """True if a Panda was started here."""
        return _SETTINGS in self.store.sizes()

    def write_readme(self) -> None:
        """Write README.txt, which describes the files; raise StorageError if the folder cannot be written."""
        self.store.write("README.txt", _README)

    def write_settings(self, settings: PandaSettings, dataset: Dataset) -> None:
        """Write the Panda's settings, and which data it trains on."""
        data = {"name": dataset.name, "fingerprint": dataset.fingerprint(), "source": dataset.source.to_plain()}
        plain = {"format": FORMAT, "data": data, **asdict(settings)}
        self.store.write(_SETTINGS, json.dumps(plain, indent=1).encode())

    def read_settings(self) -> PandaSettings:
        """Return the Panda's settings; raise StorageError if there are none that can be read."""
        try:
            plain = checked(json.loads(self.store.read(_SETTINGS)))
            return PandaSettings(**{name: value for name, value in plain.items() if name != "data"})
        except (*INVALID, StorageError) as error:
            reason = f"there is no Panda in {self} that can be read from this machine ({_SETTINGS}: {error})"
            raise StorageError(f"{reason}; pass the folder of one, on storage that all nodes share") from None

    def write_data(self, dataset: Dataset) -> None:
        """Write the data that the Panda trains on, so that it can wake wherever its folder is available."""
        facts = {name: getattr(dataset, name) for name in _FACTS} | {"source": dataset.source.to_plain()}
        if dataset.preparation is not None:
            facts["preparation"] = dataset.preparation.to_plain()
        arrays = {name: getattr(dataset, name) for name in (*_ARRAYS, *_WEIGHTS)}
        present = {name: array for name, array in arrays.items() if array is not None}
        self._write(_DATA, {**present, "facts": encode(facts)})

    def read_data(self) -> Dataset:
        """Return the data; raise StorageError if the file is missing or damaged."""
        arrays = self._read(_DATA)
        try:
            facts = decode(arrays.pop("facts"))
            facts |= {"classes": tuple(facts["classes"]), "source": Source.from_plain(facts["source"])}
            if "preparation" in facts:
                facts["preparation"] = Preparation.from_plain(facts["preparation"])
            dataset = typed(Dataset, {**facts, **arrays})
            Schema.of(dataset)  # raises ValueError unless its parts fit together
            return dataset
        except INVALID as error:
            raise StorageError(f"{self}/{_DATA} is damaged ({_reason(error)}); restore it from a backup") from None

    def write_diary(self, diary: Sequence[DiaryEntry]) -> None:
        """Write the diary, which checkpoints contain too, for people to read and in case the last one is damaged."""
        self.store.write(_DIARY, json.dumps(list(map(asdict, diary)), indent=1).encode())

    def read_diary(self) -> tuple[DiaryEntry, ...]:
        """Return the diary as last written; () if it cannot be read."""
        try:
            return tuple(from_plain(DiaryEntry, entry) for entry in json.loads(self.store.read(_DIARY)))
        except (*INVALID, StorageError):
            return ()

    def checkpoints(self) -> list[int]:
        """Return the numbers of the checkpoints, newest first."""
        stems = [name.removesuffix(".npz") for name in self.store.sizes(_FOLDER)]
        return sorted((int(stem) for stem in stems if re.fullmatch(r"[0-9]{8,18}", stem)), reverse=True)

    def write_checkpoint(self, number: int, training: TrainingState, state: bytes) -> None:
        """Write a checkpoint: the arrays of a training, and the JSON of a Panda's state."""
        self._write(_CHECKPOINT.format(number), {**training, _STATE: np.frombuffer(state, np.uint8)})

    def read_checkpoint(self, number: int) -> tuple[TrainingState, bytes]:
        """Return the arrays and the JSON of a checkpoint; raise StorageError if the file is missing or damaged."""
        arrays = self._read(_CHECKPOINT.format(number))
        if _STATE not in arrays:
            raise StorageError(f"checkpoint {number} in {self} does not hold a Panda")
        return arrays, arrays.pop(_STATE).tobytes()

    def remove_checkpoint(self, number: int) -> None:
        """Delete a checkpoint, if it exists."""
        self.store.remove(_CHECKPOINT.format(number))

    def _write(self, name: str, arrays: Mapping[str, Array]) -> None:
        self.store.write(name, to_npz(arrays))

    def _read(self, name: str) -> dict[str, Array]:
        content = self.store.read(name)
        try:
            return from_npz(content)
        except ValueError as error:
            raise StorageError(f"{self}/{name} is damaged ({error})") from None


def training_from(arrays: TrainingState, dataset: Dataset) -> Training:
    """Return the training in a checkpoint; raise StorageError if it is not valid, InputError if it had other data."""
    try:
        return Training.restore(arrays, dataset)
    except InputError:
        raise
    except INVALID as error:
        raise StorageError(f"the training in a checkpoint is not valid ({_reason(error)})") from None


class LastCheckpoint(NamedTuple):
    """What the last checkpoint that can be read holds."""

    training: Training
    state: PandaState
    dropped_rules: tuple[str, ...]  # the names of those that it no longer follows
    damaged: tuple[str, ...]  # why later checkpoints cannot be read


def read_last(files: PandaFiles, dataset: Dataset, own_rules: Sequence[Rule] = ()) -> LastCheckpoint:
    """Return what the last checkpoint that can be read holds; raise StorageError if there is none."""
    damaged: list[str] = []
    for number in files.checkpoints():
        try:
            arrays, text = files.read_checkpoint(number)
            state, dropped_rules = state_from_json(text, own_rules)
            return LastCheckpoint(training_from(arrays, dataset), state, dropped_rules, tuple(damaged))
        except StorageError as error:
            damaged.append(str(error))
    reason = damaged[0] if damaged else "there is none"
    raise StorageError(f"no checkpoint in {files} can be read ({reason}); restore one from a backup")


def last_model(files: PandaFiles) -> Model:
    """Return the network of a Panda's last readable checkpoint as a model; raise InputError if it has diverged."""
    dataset, seed = files.read_data(), files.read_settings().seed
    training, state, _, _ = read_last(files, dataset)
    if not training.alive[0]:
        raise InputError(f"the Panda in {files} has diverged; rewind it to an earlier epoch first")
    metrics = state.lineage[-1].metrics if state.lineage else {}
    origin = Origin(training.configs[0], training.epochs_done, seed, metrics)
    return Model(Schema.of(dataset), (TrainedNetwork.of(training, 0, origin),))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
