"""The hyperparameters of the built-in network: names, defaults, and the values that a trainer accepts.

This is not the search space (see `caviar.space`). Each name may be in a space, with a range or as a constant, and in
a Panda's config; what is left out takes its default.

| name | default | meaning |
| --- | --- | --- |
| learning_rate | 0.001 | the rate before schedule and warm-up |
| momentum | 0.9 | Adam's beta1; with optimizer "momentum", the share of the last step that is kept |
| hidden_units | 64 | of every hidden layer |
| hidden_layers | 2 | may be 0 |
| batch_size | 64 | rows of a mini-batch |
| lr_decay | 0 | d of "inverse-time": in epoch e from 0 the rate is divided by 1 + d e |
| optimizer | "adam" | or "momentum": gradient descent with momentum |
| beta2 | 0.999 | Adam's decay of the squared gradients |
| epsilon | 1e-8 | Adam's, outside the root |
| weight_decay | 0 | decoupled (AdamW): each step shrinks every parameter by rate * weight_decay |
| clip_norm | inf | the largest norm of a model's whole gradient; inf: no clipping |
| dropout | 0 | the share of the hidden units that a step drops; free of cost when 0 |
| schedule | "inverse-time" | or "cosine" (to 0 at the last epoch) or "constant" |
| warmup | 0 | epochs in which the rate climbs to the schedule's |
| activation | "relu" | or "sigmoid" or "tanh" |
| batch_norm | True | False: a bias instead |
| dtype | "float32" | or "float64", about half as fast |
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from caviar._checks import did_you_mean
from caviar.errors import InputError

Config = Mapping[str, Any]  # hyperparameter names to values
FullConfig = dict[str, Any]  # the same, complete and checked
ALIASES = {"beta1": "momentum", "beta": "momentum", "lr": "learning_rate"}  # the names that others use


@dataclass(frozen=True)
class IntegerRule:
    """Integers of at least `minimum`; NumPy integers and whole floats count.

    >>> IntegerRule(1).allows(2.0), IntegerRule(1).allows(2.5), str(IntegerRule(1))
    (True, False, 'an integer >= 1')
    """

    minimum: int

    def allows(self, value: Any) -> bool:
        return float(value).is_integer() and bool(value >= self.minimum)

    def __str__(self) -> str:
        return f"an integer >= {self.minimum}"


@dataclass(frozen=True)
class IntervalRule:
    """Numbers between two bounds; the lower one is included unless open, the upper one is excluded unless closed.

    >>> IntervalRule(0, 1).allows(0), IntervalRule(0, 1).allows(1), str(IntervalRule(0, 1))
    (True, False, 'a number in [0, 1)')
    """

    low: float
    high: float
    open_low: bool = False
    closed_high: bool = False

    def allows(self, value: Any) -> bool:
        above = self.low < value if self.open_low else self.low <= value
        return bool(above and (value <= self.high if self.closed_high else value < self.high))

    def __str__(self) -> str:
        left, right = "(" if self.open_low else "[", "]" if self.closed_high else ")"
        return f"a number in {left}{self.low:g}, {self.high:g}{right}"


@dataclass(frozen=True)
class OptionsRule:
    """One of several values.

    >>> OptionsRule(("adam", "momentum")).allows("sgd")
    False
    """

    options: tuple[str | bool, ...]

    def allows(self, value: Any) -> bool:
        return value in self.options

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.options))}"


@dataclass(frozen=True)
class HyperparameterSpec:
    """A hyperparameter of the network: its default, its values, and whether it may change in training.

    >>> SPECIFICATIONS["beta2"].default, str(SPECIFICATIONS["beta2"].rule)
    (0.999, 'a number in [0, 1)')
    """

    default: float | str | bool
    rule: IntegerRule | IntervalRule | OptionsRule
    changeable: bool = False


_NOT_NEGATIVE, _POSITIVE, _SHARE = (
    IntervalRule(0, math.inf),
    IntervalRule(0, math.inf, open_low=True),
    IntervalRule(0, 1),
)
_SCHEDULES = OptionsRule(("inverse-time", "cosine", "constant"))

SPECIFICATIONS: Mapping[str, HyperparameterSpec] = MappingProxyType(
    {
        "learning_rate": HyperparameterSpec(1e-3, _NOT_NEGATIVE, changeable=True),
        "momentum": HyperparameterSpec(0.9, _SHARE, changeable=True),
        "hidden_units": HyperparameterSpec(64, IntegerRule(1)),
        "hidden_layers": HyperparameterSpec(2, IntegerRule(0)),
        "batch_size": HyperparameterSpec(64, IntegerRule(2), changeable=True),
        "lr_decay": HyperparameterSpec(0.0, _NOT_NEGATIVE, changeable=True),
        "optimizer": HyperparameterSpec("adam", OptionsRule(("adam", "momentum"))),
        "beta2": HyperparameterSpec(0.999, _SHARE, changeable=True),
        "epsilon": HyperparameterSpec(1e-8, _POSITIVE, changeable=True),
        "weight_decay": HyperparameterSpec(0.0, _NOT_NEGATIVE, changeable=True),
        "clip_norm": HyperparameterSpec(math.inf, IntervalRule(0, math.inf, open_low=True, closed_high=True), True),
        "dropout": HyperparameterSpec(0.0, _SHARE, changeable=True),
        "schedule": HyperparameterSpec("inverse-time", _SCHEDULES, changeable=True),
        "warmup": HyperparameterSpec(0.0, _NOT_NEGATIVE, changeable=True),
        "activation": HyperparameterSpec("relu", OptionsRule(("relu", "sigmoid", "tanh"))),
        "batch_norm": HyperparameterSpec(True, OptionsRule((True, False))),
        "dtype": HyperparameterSpec("float32", OptionsRule(("float32", "float64"))),
    }
)

NETWORK_DEFAULTS: Config = MappingProxyType({name: spec.default for name, spec in SPECIFICATIONS.items()})
CHANGEABLE: tuple[str, ...] = tuple(name for name, spec in SPECIFICATIONS.items() if spec.changeable)


def check_config(config: Config) -> FullConfig:
    """Return a config completed with the defaults, as plain Python values.

    Args:
        config: hyperparameter names to values; what is left out takes its default. Integers may be NumPy integers or
            whole floats.

    Returns:
        A new dict with all names of `NETWORK_DEFAULTS`.

    Raises:
        InputError: an unknown name, or a value out of range.

    >>> check_config({"hidden_units": 50})["learning_rate"]
    0.001
    >>> check_config({"learning_rat": 0.1})
    Traceback (most recent call last):
    caviar.errors.InputError: the network has no hyperparameter 'learning_rat'; did you mean 'learning_rate'?
    """
    return {**NETWORK_DEFAULTS, **{name: check_value(name, value) for name, value in config.items()}}


def check_value(name: str, value: Any) -> Any:
    """Return the value of one hyperparameter as a plain Python value.

    Raises:
        InputError: an unknown name, or a value out of range.

    >>> check_value("hidden_units", 50.0)
    50
    """
    if name not in SPECIFICATIONS:
        raise InputError(
            f"the network has no hyperparameter {name!r}{did_you_mean(ALIASES.get(name, name), SPECIFICATIONS)}"
        )
    spec = SPECIFICATIONS[name]
    try:
        allowed = spec.rule.allows(value)
    except (TypeError, ValueError):
        allowed = False
    if not allowed:
        raise InputError(f"{name} must be {spec.rule}, got {value!r}")
    return type(spec.default)(value)


def check_change(changes: Config) -> Config:
    """Return changes to a model in training as plain Python values.

    Raises:
        InputError: an unknown name, a value out of range, or a hyperparameter that is fixed once training has begun.

    >>> check_change({"momentum": 1.0})
    Traceback (most recent call last):
    caviar.errors.InputError: momentum must be a number in [0, 1), got 1.0
    """
    for name in changes:
        if name in SPECIFICATIONS and not SPECIFICATIONS[name].changeable:
            raise InputError(f"{name} is fixed once training has begun; try one of {', '.join(CHANGEABLE)}")
    return {name: check_value(name, value) for name, value in changes.items()}
