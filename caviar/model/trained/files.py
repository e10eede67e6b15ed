"""Networks and models as files: NumPy arrays and JSON in one .npz file, exact to the last bit.

`text` holds the JSON: the format, how each network was trained and, in a file that `save` wrote, what the model takes
and gives. `0.weight1` is the weight of the second layer of the first network. Nothing is ever unpickled.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caviar._checks import check_path
from caviar._typed import typed
from caviar.errors import InputError, StorageError
from caviar.files import write_atomically
from caviar.model.arrays import Array
from caviar.model.state import from_npz, to_npz
from caviar.model.trained.model import Model
from caviar.model.trained.network import Origin, TrainedNetwork

FORMAT = 1
_INVALID = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)


def networks_to_bytes(networks: Sequence[TrainedNetwork], model: Mapping[str, Any] | None = None) -> bytes:
    """Return networks as the content of a file; `model` holds the rest of a model, if they are a whole one."""
    arrays: dict[str, Array] = {}
    for number, network in enumerate(networks):
        for layer, (weight, shift) in enumerate(network.layers):
            arrays |= {f"{number}.weight{layer}": weight, f"{number}.shift{layer}": shift}
    text = to_json({"networks": [_to_plain(network) for network in networks], "model": model})
    return to_npz({"text": np.frombuffer(text, np.uint8), **arrays})


def networks_from_bytes(content: bytes, where: object) -> tuple[TrainedNetwork, ...]:
    """Return the networks of a file that `where` names in errors; raise StorageError if it is damaged or newer."""
    return _read(content, where)[0]


def save(model: Model, path: str | Path) -> Path:
    """Write a model to a file, whole or not at all; return its path."""
    file = Path(check_path("path", path))
    if file.is_dir():
        raise InputError(f"path must be a file, got the folder {file}; try {file / 'model.npz'}")
    write_atomically(file, networks_to_bytes(model.networks, model.facts()))
    return file


def load(path: str | Path) -> Model:
    """Return the model in a file; raise InputError if there is none, StorageError if it is damaged or newer."""
    try:
        content = Path(check_path("path", path)).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}); pass a file that model.save(path) wrote") from None
    networks, facts = _read(content, path)
    if facts is None:
        raise InputError(f"{path} holds only the weights of a trial; try caviar.Outcome.read(folder).model()")
    try:
        return Model.of(facts, networks)
    except _INVALID as error:
        raise _damaged(path, error) from None


def to_json(values: Mapping[str, Any]) -> bytes:
    """Return plain data with the number of the format as JSON; labels that JSON does not know become text."""
    return json.dumps({"format": FORMAT, **values}, default=str).encode()


def from_json(text: bytes, where: object) -> dict[str, Any]:
    """Return the data that `to_json` wrote; raise StorageError for a newer format, ValueError for anything else."""
    values = json.loads(text)
    number = values.pop("format")
    if isinstance(number, int) and number > FORMAT:
        raise StorageError(f"{where} has format {number}, newer than this Caviar's {FORMAT}; update Caviar to read it")
    return dict(values)


def _read(content: bytes, where: object) -> tuple[tuple[TrainedNetwork, ...], Mapping[str, Any] | None]:
    try:
        arrays = from_npz(content)
        values = from_json(arrays["text"].tobytes(), where)
        networks = tuple(_from_plain(plain, number, arrays) for number, plain in enumerate(values["networks"]))
        model: Mapping[str, Any] | None = values["model"]
    except _INVALID as error:
        raise _damaged(where, error) from None
    return networks, model


def _damaged(where: object, error: Exception) -> StorageError:
    reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
    return StorageError(f"{where} is not a model of Caviar, or is damaged ({reason}); restore it from a copy")


def _to_plain(network: TrainedNetwork) -> dict[str, Any]:
    names = ("activation", "task", "target_mean", "target_scale")
    origin = {**vars(network.origin), "config": dict(network.origin.config), "metrics": dict(network.origin.metrics)}
    return {**{name: getattr(network, name) for name in names}, "layers": len(network.layers), "origin": origin}


def _from_plain(plain: Mapping[str, Any], number: int, arrays: Mapping[str, Array]) -> TrainedNetwork:
    values = {**plain, "origin": typed(Origin, plain["origin"])}
    values["layers"] = tuple(
        (arrays[f"{number}.weight{layer}"], arrays[f"{number}.shift{layer}"]) for layer in range(plain["layers"])
    )
    return typed(TrainedNetwork, values)
