"""The hyperparameters of the built-in network: names, defaults, and the values that a trainer accepts.

This is not the search space (see `caviar.space`). Each name may appear in a space, with a range or as a constant, and
in a Panda's config; a name left out takes its default.

| name | default | meaning |
| --- | --- | --- |
| learning_rate | 0.001 | the rate before schedule and warm-up |
| momentum | 0.9 | Adam's beta1; with optimizer "momentum", the share of the last step to keep |
| hidden_units | 64 | of every hidden layer |
| hidden_layers | 2 | may be 0 |
| batch_size | 64 | rows of a mini-batch |
| lr_decay | 0 | d of "inverse-time": in epoch e from 0 the rate is divided by 1 + d e |
| optimizer | "adam" | or "momentum": gradient descent with momentum |
| beta2 | 0.999 | Adam's decay of the squared gradients |
| epsilon | 1e-8 | Adam's, outside the square root |
| weight_decay | 0 | decoupled (AdamW): each step shrinks every parameter by rate * weight_decay |
| clip_norm | inf | the largest norm of a model's whole gradient; inf: no clipping |
| dropout | 0 | the share of the hidden units that a step drops; 0 costs nothing |
| label_smoothing | 0 | the share of a label that is spread evenly over all classes; 0 costs nothing |
| schedule | "inverse-time" | or "cosine" (to 0 at the last epoch) or "constant" |
| warmup | 0 | epochs over which the rate climbs to the schedule's |
| activation | "relu" | or "sigmoid" or "tanh" |
| batch_norm | True | False: use a bias instead |
| dtype | "float32" | or "float64", about half as fast |
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from caviar._checks import did_you_mean
from caviar.errors import InputError

Config = Mapping[str, Any]  # hyperparameter names to values
FullConfig = dict[str, Any]  # the same, complete and checked
_ALIASES = {"beta1": "momentum", "beta": "momentum", "lr": "learning_rate"}  # names used elsewhere


class Rule(NamedTuple):
    """Which values a hyperparameter accepts: in words for errors, and as a test."""

    words: str
    allows: Callable[[Any], bool]


def _integer(minimum: int) -> Rule:
    """Return a rule for integers; NumPy integers and whole floats count."""
    return Rule(f"an integer >= {minimum}", lambda value: float(value).is_integer() and value >= minimum)


def _one_of(*options: str | bool) -> Rule:
    return Rule(f"one of {', '.join(map(repr, options))}", lambda value: value in options)


_NOT_NEGATIVE = Rule("a number in [0, inf)", lambda value: 0 <= value < math.inf)
_POSITIVE = Rule("a number in (0, inf)", lambda value: 0 < value < math.inf)
_POSITIVE_OR_INFINITE = Rule("a number in (0, inf]", lambda value: value > 0)
_SHARE = Rule("a number in [0, 1)", lambda value: 0 <= value < 1)


@dataclass(frozen=True)
class HyperparameterSpec:
    """A hyperparameter of the network: its default, its values, and whether it may change during training.

    >>> SPECIFICATIONS["beta2"].default, SPECIFICATIONS["beta2"].rule.words
    (0.999, 'a number in [0, 1)')
    """

    default: float | str | bool
    rule: Rule
    changeable: bool = False


SPECIFICATIONS: Mapping[str, HyperparameterSpec] = MappingProxyType(
    {
        "learning_rate": HyperparameterSpec(1e-3, _NOT_NEGATIVE, changeable=True),
        "momentum": HyperparameterSpec(0.9, _SHARE, changeable=True),
        "hidden_units": HyperparameterSpec(64, _integer(1)),
        "hidden_layers": HyperparameterSpec(2, _integer(0)),
        "batch_size": HyperparameterSpec(64, _integer(2), changeable=True),
        "lr_decay": HyperparameterSpec(0.0, _NOT_NEGATIVE, changeable=True),
        "optimizer": HyperparameterSpec("adam", _one_of("adam", "momentum")),
        "beta2": HyperparameterSpec(0.999, _SHARE, changeable=True),
        "epsilon": HyperparameterSpec(1e-8, _POSITIVE, changeable=True),
        "weight_decay": HyperparameterSpec(0.0, _NOT_NEGATIVE, changeable=True),
        "clip_norm": HyperparameterSpec(math.inf, _POSITIVE_OR_INFINITE, changeable=True),
        "dropout": HyperparameterSpec(0.0, _SHARE, changeable=True),
        "label_smoothing": HyperparameterSpec(0.0, _SHARE, changeable=True),
        "schedule": HyperparameterSpec("inverse-time", _one_of("inverse-time", "cosine", "constant"), changeable=True),
        "warmup": HyperparameterSpec(0.0, _NOT_NEGATIVE, changeable=True),
        "activation": HyperparameterSpec("relu", _one_of("relu", "sigmoid", "tanh")),
        "batch_norm": HyperparameterSpec(True, _one_of(True, False)),
        "dtype": HyperparameterSpec("float32", _one_of("float32", "float64")),
    }
)

NETWORK_DEFAULTS: Config = MappingProxyType({name: spec.default for name, spec in SPECIFICATIONS.items()})
CHANGEABLE: tuple[str, ...] = tuple(name for name, spec in SPECIFICATIONS.items() if spec.changeable)


def check_config(config: Config) -> FullConfig:
    """Return a config with all names of `NETWORK_DEFAULTS`, defaults filled in, as plain Python values.

    >>> check_config({"hidden_units": 50})["learning_rate"]
    0.001
    >>> check_config({"learning_rat": 0.1})
    Traceback (most recent call last):
    caviar.errors.InputError: the network has no hyperparameter 'learning_rat'; did you mean 'learning_rate'?
    """
    return {**NETWORK_DEFAULTS, **{name: _check_value(name, value) for name, value in config.items()}}


def _check_value(name: str, value: Any) -> Any:
    """Return the value of one hyperparameter as a plain Python value."""
    if name not in SPECIFICATIONS:
        hint = did_you_mean(_ALIASES.get(name, name), SPECIFICATIONS)
        raise InputError(f"the network has no hyperparameter {name!r}{hint}")
    spec = SPECIFICATIONS[name]
    try:
        allowed = spec.rule.allows(value)
    except (TypeError, ValueError, OverflowError):
        allowed = False
    if not allowed:
        raise InputError(f"{name} must be {spec.rule.words}, got {value!r}")
    return type(spec.default)(value)


def check_change(changes: Config) -> Config:
    """Return changes to a model in training as plain Python values.

    >>> check_change({"momentum": 1.0})
    Traceback (most recent call last):
    caviar.errors.InputError: momentum must be a number in [0, 1), got 1.0
    """
    for name in changes:
        if name in SPECIFICATIONS and not SPECIFICATIONS[name].changeable:
            raise InputError(f"{name} is fixed once training has begun; try one of {', '.join(CHANGEABLE)}")
    return {name: _check_value(name, value) for name, value in changes.items()}
