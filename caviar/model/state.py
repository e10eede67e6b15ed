"""The state of a training as plain arrays: to save it, take it up again, pick out a model, fork it. No pickle.

A restored training goes on bit for bit as if it had never stopped. What is not an array by nature (configs,
generator states, how far the epoch is) is JSON text, stored as an array of bytes under "facts".
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caviar.errors import InputError
from caviar.model.config import check_change, check_config

if TYPE_CHECKING:
    from caviar.model.training import Training

State = dict[str, NDArray[Any]]
Saved = Mapping[str, NDArray[Any]]


def facts_of(state: Saved) -> dict[str, Any]:
    """Give what the state holds beside the arrays.

    Returns:
        data (its fingerprint), epochs, epochs_done, position (rows of the epoch trained), configs (of all models),
        members (the indices of those in training) and generators (their states).
    """
    return decode(state["facts"])


def encode(facts: Mapping[str, Any]) -> NDArray[Any]:
    """Give facts as an array of bytes of JSON text."""
    return np.frombuffer(json.dumps(facts).encode(), np.uint8)


def decode(text: NDArray[Any]) -> dict[str, Any]:
    """Give the facts in an array of bytes; the inverse of `encode`."""
    return dict(json.loads(text.tobytes()))


def save(training: "Training") -> State:
    """Give copies of all that a training is."""
    facts = {
        "data": training.dataset.fingerprint(),
        "epochs": training.epochs,
        "epochs_done": training.epochs_done,
        "position": training.batches.position,
        "configs": training.configs,
        "members": training.members,
        "generators": [generator.bit_generator.state for generator in training.generators],
    }
    return {**{name: array.copy() for name, array in _arrays(training).items()}, "facts": encode(facts)}


def put_back(training: "Training", state: Saved) -> None:
    """Write a saved state into a training just made for its configs, members and data."""
    facts = facts_of(state)
    training.epochs_done, training.batches.position = facts["epochs_done"], facts["position"]
    for generator, saved in zip(training.generators, facts["generators"], strict=True):
        generator.bit_generator.state = saved
    for name, array in _arrays(training).items():
        np.copyto(array, state[name])


def _arrays(training: "Training") -> State:
    """The arrays that are saved; all but `weights` have a row for each model in training."""
    owners = {
        "parameters": training.network,
        "running": training.network,
        "first": training.optimizer,
        "second": training.optimizer,
        "weights": training.optimizer,
        "order": training.batches,
        "loss_sums": training,
    }
    return {name: getattr(owner, name) for name, owner in owners.items()}


def member(state: Saved, index: int) -> State:
    """Give one model's part of a state, as the state of a stack of one, its index 0.

    Raises:
        InputError: the model is not in training.
    """
    facts = facts_of(state)
    if index not in facts["members"]:
        raise InputError(f"model {index} is not in training; those that are: {facts['members']}")
    return _pick(state, [facts["members"].index(index)], [facts["configs"][index]])


def fork(state: Saved, changes: Sequence[Mapping[str, Any]]) -> State:
    """Give a stack of copies of one model, each with some hyperparameters changed and all else equal.

    The copies see the same shuffles as the original would, so that only the changes tell them apart.

    Args:
        state: of a stack of one (`member` picks it from a larger one).
        changes: for each copy what is different, of `hyperparameters.CHANGEABLE`; {} for none.

    Raises:
        InputError: a hyperparameter that is fixed once training began, or different batch sizes in one stack.
    """
    facts = facts_of(state)
    if len(facts["members"]) != 1:
        raise InputError(f"a fork starts from one model, this state holds {len(facts['members'])}; use `member`")
    config = facts["configs"][facts["members"][0]]
    for change in changes:
        check_change(change)
    configs = [check_config({**config, **change}) for change in changes]
    sizes = sorted({config["batch_size"] for config in configs})
    if len(sizes) > 1:
        raise InputError(f"copies with batch sizes {sizes} cannot share a stack; fork once for each")
    return _pick(state, [0] * len(configs), configs)


def _pick(state: Saved, places: list[int], configs: list[dict[str, Any]]) -> State:
    """Give the state of a stack of the models at these places of the arrays, with these configs."""
    facts = facts_of(state)
    generators = [facts["generators"][place] for place in places]
    facts |= {"configs": configs, "members": list(range(len(places))), "generators": generators}
    picked = {name: array[places] for name, array in state.items() if name not in ("weights", "facts")}
    return {**picked, "weights": state["weights"][:, places], "facts": encode(facts)}
