"""The state of a `Training` as plain arrays, without pickle: read its metadata, pick out a model, fork one.

Everything that is not naturally an array (configs, generator states, progress) is JSON, stored as an array of bytes
under "metadata".
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from caviar._typed import typed
from caviar.errors import InputError
from caviar.model.arrays import Array
from caviar.model.config import Config, FullConfig, check_change, check_config

TrainingState = Mapping[str, Array]  # from `Training.state`; numpy.savez can store it


@dataclass(frozen=True)
class Metadata:
    """What a state holds besides arrays.

    Args:
        data: the fingerprint of the data set.
        epochs: the total number of epochs.
        epochs_done: the number of complete epochs.
        position: the number of rows of the current epoch trained so far.
        configs: the full configs of all models.
        members: the indices of the models in training, in the order of the arrays' rows.
        generators: their random generators' states.
    """

    data: str
    epochs: int
    epochs_done: int
    position: int
    configs: list[FullConfig]
    members: list[int]
    generators: list[Mapping[str, Any]]


def metadata(state: TrainingState) -> Metadata:
    """Return what a state holds besides arrays."""
    return typed(Metadata, decode(state["metadata"]))


def encode(values: Mapping[str, Any]) -> Array:
    """Return values as an array of bytes that hold JSON.

    >>> decode(encode({"epochs": 3}))
    {'epochs': 3}
    """
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


def decode(text: Array) -> dict[str, Any]:
    """Return the values in an array of bytes; the inverse of `encode`."""
    return dict(json.loads(text.tobytes()))


def to_npz(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as the content of an .npz file; equal arrays give equal bytes.

    >>> from_npz(to_npz({"a": np.zeros(2)}))
    {'a': array([0., 0.])}
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # as np.savez, which cannot refuse to pickle before NumPy 2.1
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
    return buffer.getvalue()


def from_npz(content: bytes) -> dict[str, Array]:
    """Return the arrays of an .npz file, checksums compared; raise ValueError with the reason if it is damaged."""
    if not content.startswith(b"PK"):  # or NumPy would try to unpickle it, and say how
        raise ValueError("it is not an .npz file")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}  # reads all of it
    except Exception as error:  # of NumPy's, zipfile's, tokenize's, for files that hold something else or were changed
        raise ValueError(f"{next(iter(str(error).splitlines()), type(error).__name__):.200}") from None


def pick(state: TrainingState, index: int) -> TrainingState:
    """Return one model's part of a state, as the state of a stack of one, in which its index is 0.

    >>> from caviar.data.loaders import load_digits
    >>> from caviar.model.training import Training
    >>> state = Training([{"momentum": 0.8}, {"momentum": 0.9}], [0, 1], load_digits(), epochs=2).state()
    >>> [config["momentum"] for config in metadata(pick(state, 1)).configs]
    [0.9]
    """
    details = metadata(state)
    if index not in details.members:
        raise InputError(f"model {index} is not in training; try one of {details.members}")
    return _select(state, [details.members.index(index)], [details.configs[index]])


def fork(state: TrainingState, changes: Sequence[Config]) -> TrainingState:
    """Return a stack of copies of one model, each with some hyperparameters changed and everything else equal.

    The copies see the same shuffles as the original would, so they differ only in the changes.

    Args:
        state: the state of a stack of one (`pick` returns one of a larger stack).
        changes: the changes of each copy, with names from `config.CHANGEABLE`; {} for none.

    >>> from caviar.data.loaders import load_digits
    >>> from caviar.model.training import Training
    >>> state = Training([{}], [0], load_digits(), epochs=2).state()
    >>> [config["momentum"] for config in metadata(fork(state, [{}, {"momentum": 0.8}])).configs]
    [0.9, 0.8]
    """
    details = metadata(state)
    if len(details.members) != 1:
        raise InputError(f"state must hold one model to be forked, got {len(details.members)}; try `pick` first")
    config = details.configs[details.members[0]]
    for change in changes:
        check_change(change)
    configs = [check_config({**config, **change}) for change in changes]
    sizes = sorted({config["batch_size"] for config in configs})
    if len(sizes) > 1:
        raise InputError(f"copies in one stack must have one batch size, got {sizes}; fork once for each")
    return _select(state, [0] * len(configs), configs)


def _select(state: TrainingState, rows: list[int], configs: list[FullConfig]) -> TrainingState:
    """Return the state of a stack of the models in these rows of the arrays, with these configs."""
    details = metadata(state)
    generators = [details.generators[row] for row in rows]
    selected = replace(details, configs=configs, members=list(range(len(rows))), generators=generators)
    arrays = {name: array[rows] for name, array in state.items() if name not in ("weights", "metadata")}
    return {**arrays, "weights": state["weights"][:, rows], "metadata": encode(asdict(selected))}
