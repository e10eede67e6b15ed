"""The networks that a study keeps, in its folder and at its mirror.

models/000017.npz    the network of trial 17
models/data.json     what all of them take and give
"""

import re
from collections.abc import Mapping
from pathlib import Path

from caviar.errors import StorageError
from caviar.files import FileStore, open_store, reading, write_atomically
from caviar.model.trained.files import from_json, networks_from_bytes, to_json
from caviar.model.trained.network import TrainedNetwork
from caviar.model.trained.schema import Schema
from caviar.records.mirror import MODELS, mirror_uri
from caviar.records.settings import Settings
from caviar.records.trial import Result, State
from caviar.records.trial_files import best_trials

_SCHEMA = "data.json"


class ModelFiles:
    """The models of the study in a folder; what is only at its mirror is fetched when it is read.

    >>> import tempfile
    >>> ModelFiles(Path(tempfile.mkdtemp())).numbers()
    set()
    """

    def __init__(self, study: Path) -> None:
        self._folder = study / MODELS
        uri = mirror_uri(study)
        self._mirror: FileStore | None = open_store(uri) if uri else None

    def numbers(self) -> set[int]:
        """Return the numbers of the trials whose networks are here or at the mirror."""
        return {int(name[:-4]) for name in self._names() if re.fullmatch(r"[0-9]{6,18}\.npz", name)}

    def write(self, number: int, content: bytes) -> None:
        """Write the network of a trial, whole or not at all."""
        write_atomically(self._folder / _name(number), content)

    def read(self, number: int) -> TrainedNetwork | None:
        """Return the network of a trial; None if it was not kept."""
        content = self._read(_name(number))
        return None if content is None else networks_from_bytes(content, self._folder / _name(number))[0]

    def write_schema(self, schema: Schema) -> None:
        """Write what the networks take and give, if it is not there yet."""
        if not (self._folder / _SCHEMA).exists():
            write_atomically(self._folder / _SCHEMA, to_json(schema.to_plain()))

    def read_schema(self) -> Schema | None:
        """Return what the networks take and give; None if none was kept."""
        content, path = self._read(_SCHEMA), self._folder / _SCHEMA
        try:
            return None if content is None else Schema.from_plain(from_json(content, path))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise StorageError(f"{path} is damaged ({error}); remove it and run the study once more") from None

    def keep(self, numbers: set[int]) -> None:
        """Remove the networks of all other trials, here and at the mirror."""
        for number in self.numbers() - numbers:
            (self._folder / _name(number)).unlink(missing_ok=True)
            if self._mirror:
                self._mirror.remove(f"{MODELS}/{_name(number)}")

    def _names(self) -> set[str]:
        here = {path.name for path in self._folder.glob("[!.]*")}
        return here | set(self._mirror.sizes(MODELS) if self._mirror else ())

    def _read(self, name: str) -> bytes | None:
        path = self._folder / name
        if not path.exists():
            if self._mirror is None or name not in self._mirror.sizes(MODELS):
                return None
            write_atomically(path, self._mirror.read(f"{MODELS}/{name}"))
        with reading(path):
            return path.read_bytes()


def _name(number: int) -> str:
    return f"{number:06d}.npz"


def files_of(results: Mapping[int, Result], settings: Settings) -> list[str]:
    """Return the paths in a study's folder of what it keeps of its models."""
    names = [_SCHEMA, *map(_name, sorted(trials_to_keep(results, settings)))]
    return [f"{MODELS}/{name}" for name in names]


def trials_to_keep(results: Mapping[int, Result], settings: Settings) -> set[int]:
    """Return the trials whose networks a study keeps: confirmed, confirming, or among the best that it is to keep."""
    confirming = [result for result in results.values() if result.confirms is not None]
    replicates = {result.trial for result in confirming if result.state is State.FINISHED}
    confirmed = {result.confirms for result in confirming if result.confirms is not None}
    return confirmed | replicates | best_trials(results, settings.objective, settings.keep or 0)
