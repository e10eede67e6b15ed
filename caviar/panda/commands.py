"""The commands that people and rules can give to a Panda, as frozen values that validate themselves.

What depends on the Panda's state is checked when `interpreter.execute` runs the command.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from caviar._checks import check_integer_fields, plain_number
from caviar.errors import InputError
from caviar.model.config import CHANGEABLE, check_change
from caviar.panda.rules import Rule, Tweak
from caviar.records.trial import Config
from caviar.space.space import Space

_MOST_EPOCHS = 10**9  # a checkpoint holds no larger ones
_FORK_CHANGEABLE = tuple(name for name in CHANGEABLE if name != "batch_size")  # a stack has one batch size


@dataclass(frozen=True)
class _Command:
    reason: str = field(default="", kw_only=True)  # for the diary


@dataclass(frozen=True)
class Train(_Command):
    """Train more epochs; ends a pause."""

    epochs: int

    def __post_init__(self) -> None:
        _check_epochs(self)


class Pause(_Command):
    """Stop training until `Resume` or `Train`."""


class Resume(_Command):
    """Continue after a pause."""


class Stop(_Command):
    """Prepare for the end of the actor; the remaining epochs are trained when the Panda wakes."""


class EndTraining(_Command):
    """Train no further: no epochs remain."""


@dataclass(frozen=True)
class SetHyperparameters(_Command):
    """Change hyperparameters from the next step on."""

    changes: Config

    def __post_init__(self) -> None:
        if not isinstance(self.changes, Mapping) or not self.changes:
            got = f"{self.changes!r:.60}"
            raise InputError(f"changes must name at least one hyperparameter, got {got}; try learning_rate=0.003")
        object.__setattr__(self, "changes", check_change(self.changes))


@dataclass(frozen=True)
class Rewind(_Command):
    """Go back to the checkpoint of an epoch; with `or_earlier`, to the last readable one at or before it."""

    epoch: int
    or_earlier: bool = False

    def __post_init__(self) -> None:
        check_integer_fields(self, "epoch", minimum=0)


@dataclass(frozen=True)
class Follow(_Command):
    """Let only these rules tweak the Panda from now on."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Fork(_Command):
    """Train n >= 2 varied copies side by side, then continue as the best of them.

    Args:
        around: the factor > 1 by which learning rate and momentum's window 1 / (1 - momentum) vary up and down, or a
            space of changeable hyperparameters, without the batch size.
    """

    n: int
    around: float | Space = 2.0
    epochs: int = 5

    def __post_init__(self) -> None:
        check_integer_fields(self, "n", minimum=2)
        _check_epochs(self)
        around, factor = self.around, plain_number(self.around)
        if isinstance(around, Space):
            if not around.dimension or not set(around.names) <= set(_FORK_CHANGEABLE):
                names = ", ".join(_FORK_CHANGEABLE)
                raise InputError(f"around must be a space that varies some of {names} and nothing else, got {around!r}")
        elif factor is None or not 1 < factor < math.inf:
            raise InputError(f"around must be a factor > 1 or a caviar.Space, got {around!r}; try 2.0")
        else:
            object.__setattr__(self, "around", factor)


def _check_epochs(command: "Train | Fork") -> None:
    check_integer_fields(command, "epochs")
    if command.epochs > _MOST_EPOCHS:
        raise InputError(f"epochs must be an integer <= {_MOST_EPOCHS}, got {command.epochs}")


Command = Train | Pause | Resume | Stop | EndTraining | SetHyperparameters | Rewind | Follow | Fork


def commands_of(tweak: Tweak) -> tuple[Command, ...]:
    """Return the commands that a rule's verdict asks for, in order of execution."""
    commands: list[Command] = []
    if tweak.rewind is not None:
        commands.append(Rewind(tweak.rewind, or_earlier=True, reason=tweak.reason))
    if tweak.changes:
        commands.append(SetHyperparameters(tweak.changes, reason=tweak.reason))
    if tweak.stop:
        commands.append(EndTraining(reason=tweak.reason))
    return tuple(commands)
