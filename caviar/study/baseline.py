"""Where an explanation starts: a config that stands for no tuning."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.model.config import NETWORK_DEFAULTS
from caviar.records.outcome import Outcome
from caviar.records.trial import Config
from caviar.space import Choice, Space
from caviar.space.hyperparameters import Hyperparameter


def baseline_of(outcome: Outcome, given: Mapping[str, Any] | None, network: bool) -> tuple[Config, str]:
    """Return a config to start from, and what it is, in words.

    Args:
        outcome: of the study.
        given: the user's own; names that are left out get their defaults. None: the first config that was enqueued, or
            else the defaults.
        network: whether the built-in network is trained, whose defaults count where the space names none.
    """
    space = outcome.space
    defaults = space.configs(_default_point(space, network)[None])[0]
    if given is not None:
        if not isinstance(given, Mapping):
            raise InputError(f"baseline must be a dict of hyperparameters, got {given!r:.100}")
        for name in given:
            if name not in space.names:
                raise InputError(f"baseline has {name!r}, which is not in the space{did_you_mean(name, space.names)}")
        config = {**defaults, **given}
        return space.configs(space.points([config]))[0], "the baseline"
    first = outcome.begun[0] if outcome.begun else None
    if first and first.configs and not first.confirms:
        return first.configs[0], "the first enqueued config"
    return defaults, "the defaults"


def _default_point(space: Space, network: bool) -> np.ndarray:
    """Return each hyperparameter's default, or the network's, or the middle of its range; a choice's first option."""
    point = np.full(space.dimension, 0.5)
    for j, dimension in enumerate(space.dimensions):
        hyperparameter, name = dimension.hyperparameter, dimension.name
        candidates = [hyperparameter.default] if hyperparameter.default is not None else []
        if network and name in NETWORK_DEFAULTS:
            candidates.append(NETWORK_DEFAULTS[name])
        if isinstance(hyperparameter, Choice) and hyperparameter.categorical:
            candidates.append(hyperparameter.options[0])
        point[j] = next((unit for value in candidates if (unit := _unit(hyperparameter, value)) is not None), 0.5)
    return point


def _unit(hyperparameter: Hyperparameter, value: object) -> float | None:
    """Return the place of a value in [0, 1]; None if the hyperparameter cannot have it."""
    try:
        return float(hyperparameter.units([value])[0])  # type: ignore[list-item]
    except InputError:
        return None
