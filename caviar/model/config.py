"""What the built-in network lets one choose: names, defaults, ranges, and the sentence for a wrong one.

Not the search space (that is `caviar.space`): here is only what a trainer will accept. Every name may stand in a
space with a range or as a constant, and in a Panda's config; what a space leaves out takes its default.

| name | default | what it is |
| --- | --- | --- |
| learning_rate | 0.001 | the rate before schedule and warm-up |
| momentum | 0.9 | Adam's beta1; of "momentum" the share of the last step that goes on |
| hidden_units | 64 | of every hidden layer |
| hidden_layers | 2 | from 0 up |
| batch_size | 64 | rows of a mini-batch |
| lr_decay | 0 | d of "inverse-time": in epoch e from 0 the rate is divided by 1 + d e |
| optimizer | "adam" | or "momentum": gradient descent with momentum |
| beta2 | 0.999 | Adam's decay of the squared gradients |
| epsilon | 1e-8 | Adam's, outside of the root |
| weight_decay | 0 | decoupled (AdamW): every parameter shrinks by rate times weight_decay a step |
| clip_norm | inf | the longest that a model's whole gradient may be |
| dropout | 0 | the share of the hidden units that a step leaves out; without cost when 0 |
| schedule | "inverse-time" | or "cosine" (to 0 at the last epoch) or "constant" |
| warmup | 0 | epochs in which the rate climbs to what the schedule says |
| activation | "relu" | or "sigmoid" or "tanh" |
| batch_norm | True | False: a bias in its place |
| dtype | "float32" | or "float64", about half as fast |
"""

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from caviar.errors import InputError

Config = Mapping[str, Any]
ELSEWHERE = {"beta1": "momentum", "beta": "momentum", "lr": "learning_rate"}  # what others call them
Rule = tuple[str, Callable[[Any], bool]]


def _whole(low: int) -> Rule:
    return f"a whole number from {low} up", lambda value: float(value).is_integer() and value >= low


def _between(low: float, high: float, *, closed: bool = False) -> Rule:
    if closed:
        return f"a number in [{low:g}, {high:g}]", lambda value: low <= value <= high
    return f"a number in [{low:g}, {high:g})", lambda value: low <= value < high


def _above(low: float) -> Rule:
    return f"a finite number above {low:g}", lambda value: low < value < math.inf


def _one_of(*names: str) -> Rule:
    return "one of " + ", ".join(names), lambda value: value in names


_FROM_ZERO: Rule = ("a finite number from 0 up", lambda value: 0 <= value < math.inf)
_SWITCH: Rule = ("True or False", lambda value: value in (True, False))


@dataclass(frozen=True)
class Known:
    """A hyperparameter that the network understands: its default, its rule, and if it may be set midway."""

    default: Any
    rule: Rule
    changeable: bool = False


KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        "learning_rate": Known(1e-3, _FROM_ZERO, changeable=True),
        "momentum": Known(0.9, _between(0, 1), changeable=True),
        "hidden_units": Known(64, _whole(1)),
        "hidden_layers": Known(2, _whole(0)),
        "batch_size": Known(64, _whole(2), changeable=True),
        "lr_decay": Known(0.0, _FROM_ZERO, changeable=True),
        "optimizer": Known("adam", _one_of("adam", "momentum")),
        "beta2": Known(0.999, _between(0, 1), changeable=True),
        "epsilon": Known(1e-8, _above(0), changeable=True),
        "weight_decay": Known(0.0, _FROM_ZERO, changeable=True),
        "clip_norm": Known(math.inf, ("a number above 0 (inf: no clipping)", lambda v: v > 0), changeable=True),
        "dropout": Known(0.0, _between(0, 1), changeable=True),
        "schedule": Known("inverse-time", _one_of("inverse-time", "cosine", "constant"), changeable=True),
        "warmup": Known(0.0, _FROM_ZERO, changeable=True),
        "activation": Known("relu", _one_of("relu", "sigmoid", "tanh")),
        "batch_norm": Known(True, _SWITCH),
        "dtype": Known("float32", _one_of("float32", "float64")),
    }
)

NETWORK_DEFAULTS: Config = MappingProxyType({name: known.default for name, known in KNOWN.items()})
CHANGEABLE: tuple[str, ...] = tuple(name for name, known in KNOWN.items() if known.changeable)


def check_config(config: Config) -> dict[str, Any]:
    """Give the config with every default filled in, or say what is wrong with it.

    Args:
        config: hyperparameter names to values; what is left out takes its default. Whole numbers may
            come as NumPy integers or whole floats.

    Returns:
        A new dict with all names of `NETWORK_DEFAULTS`, as plain Python values.

    Raises:
        InputError: an unknown name, or a value outside its range.

    >>> check_config({"hidden_units": 50})["learning_rate"]
    0.001
    >>> check_config({"learning_rat": 0.1})
    Traceback (most recent call last):
    caviar.errors.InputError: the network knows no hyperparameter 'learning_rat'; did you mean 'learning_rate'?
    """
    return {**NETWORK_DEFAULTS, **{name: check_value(name, value) for name, value in config.items()}}


def check_value(name: str, value: Any) -> Any:
    """Give one hyperparameter's value as a plain Python value, or raise the InputError that explains."""
    if name not in KNOWN:
        near = ELSEWHERE.get(name) or next(iter(difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.5)), None)
        remedy = f"did you mean {near!r}?" if near else "it knows " + ", ".join(KNOWN)
        raise InputError(f"the network knows no hyperparameter {name!r}; {remedy}")
    wanted, allows = KNOWN[name].rule
    try:
        right = allows(value)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise InputError(f"{name}={value!r} is out of range; give {wanted}")
    return type(KNOWN[name].default)(value)


def check_change(changes: Config) -> dict[str, Any]:
    """Give changes to a model in training as plain Python values.

    Raises:
        InputError: an unknown name, a value out of range, or a hyperparameter that is fixed once training began.
    """
    for name in changes:
        if name in KNOWN and not KNOWN[name].changeable:
            raise InputError(f"{name} is fixed once training began; what may change is {', '.join(CHANGEABLE)}")
    return {name: check_value(name, value) for name, value in changes.items()}
