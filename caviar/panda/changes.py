"""Changes of hyperparameters: which may be, and how they read in the diary."""

from collections.abc import Mapping
from typing import Any

from caviar.errors import InputError
from caviar.model.hyperparameters import CHANGEABLE, KNOWN, check_value


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes as plain Python values; all are checked before any is made.

    Raises:
        InputError: an unknown name, a value out of range, or a hyperparameter that is fixed once training began.

    >>> checked({"hidden_units": 50})
    Traceback (most recent call last):
    caviar.errors.InputError: hidden_units is fixed once training began; what may change is learning_rate, momentum,
    ...
    """
    for name in changes:
        if name in KNOWN and name not in CHANGEABLE:
            raise InputError(f"{name} is fixed once training began; what may change is {', '.join(CHANGEABLE)}")
    return {name: check_value(name, value) for name, value in changes.items()}


def in_words(config: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """Changes as the diary has them.

    >>> in_words({"learning_rate": 0.01}, {"learning_rate": 0.003})
    'learning_rate 0.01 -> 0.003'
    """
    return ", ".join(f"{name} {_short(config[name])} -> {_short(value)}" for name, value in changes.items())


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
