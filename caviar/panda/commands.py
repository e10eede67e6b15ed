"""The one command language of people and rules: what can be done to a Panda, as frozen values that check themselves.

A command says what to do and why; `interpreter.execute` does it. Values are checked here, when a command is made;
what depends on the Panda's state is checked there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from caviar._checks import check_integer
from caviar.errors import InputError
from caviar.model.config import CHANGEABLE, check_change
from caviar.panda.rules import Rule, Tweak
from caviar.records.trial import Config
from caviar.space.space import Space

FORK_CHANGEABLE = tuple(name for name in CHANGEABLE if name != "batch_size")  # a stack has one batch size


@dataclass(frozen=True)
class Train:
    """Train more epochs; ends a pause.

    >>> Train(0)
    Traceback (most recent call last):
    caviar.errors.InputError: epochs must be an integer >= 1, got 0
    """

    epochs: int
    reason: str = ""

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs)


@dataclass(frozen=True)
class Pause:
    """Stop training until `Resume` or `Train`."""

    reason: str = ""


@dataclass(frozen=True)
class Resume:
    """Continue after a pause."""

    reason: str = ""


@dataclass(frozen=True)
class Stop:
    """Prepare for the end of the actor; the epochs that remain are trained when the Panda wakes."""

    reason: str = ""


@dataclass(frozen=True)
class EndTraining:
    """Train no further: no epoch remains."""

    reason: str = ""


@dataclass(frozen=True)
class SetHyperparameters:
    """Change hyperparameters from the next step on."""

    changes: Config
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.changes:
            raise InputError("changes must name at least one hyperparameter, got {}; try learning_rate=0.003")
        object.__setattr__(self, "changes", check_change(self.changes))


@dataclass(frozen=True)
class Rewind:
    """Go back to the checkpoint of an epoch.

    Args:
        epoch: the epoch.
        or_earlier: take the last readable checkpoint at or before it.
        reason: for the diary.
    """

    epoch: int
    or_earlier: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        check_integer("epoch", self.epoch, minimum=0)


@dataclass(frozen=True)
class Follow:
    """Let these rules tweak the Panda from now on, and no others."""

    rules: tuple[Rule, ...]
    reason: str = ""


@dataclass(frozen=True)
class Fork:
    """Train n varied copies side by side, then continue as the best of them.

    Args:
        n: how many, >= 2; the first is not varied.
        around: the factor > 1 by which learning rate and momentum's window vary, or a space of `FORK_CHANGEABLE`.
        epochs: how long they train.
        reason: for the diary.
    """

    n: int
    around: float | Space = 2.0
    epochs: int = 5
    reason: str = ""

    def __post_init__(self) -> None:
        check_integer("n", self.n, minimum=2)
        check_integer("epochs", self.epochs)
        if isinstance(self.around, Space):
            _check_fork_space(self.around)
        elif (
            isinstance(self.around, bool) or not isinstance(self.around, int | float) or not 1 < self.around < math.inf
        ):
            raise InputError(f"around must be a factor > 1 or a caviar.Space, got {self.around!r}; try 2.0")


Command = Train | Pause | Resume | Stop | EndTraining | SetHyperparameters | Rewind | Follow | Fork
COMMANDS: Mapping[str, type[Command]] = {
    "train": Train,
    "pause": Pause,
    "resume": Resume,
    "stop": Stop,
    "stop training": EndTraining,
    "set": SetHyperparameters,
    "rewind": Rewind,
    "follow": Follow,
    "fork": Fork,
}


def tag(command: Command) -> str:
    """Return the word for a command, in its plain data and in the diary.

    >>> tag(SetHyperparameters({"momentum": 0.5}))
    'set'
    """
    return next(name for name, kind in COMMANDS.items() if type(command) is kind)


def commands_of(tweak: Tweak) -> tuple[Command, ...]:
    """Return what a rule's verdict asks for, as commands in the order in which they are executed.

    Raises:
        InputError: a hyperparameter that cannot be changed, or a value out of range.

    >>> commands_of(Tweak("the loss ran away", {"learning_rate": 0.1}, rewind=2))[0]
    Rewind(epoch=2, or_earlier=True, reason='the loss ran away')
    """
    commands: list[Command] = []
    if tweak.rewind is not None:
        commands.append(Rewind(tweak.rewind, or_earlier=True, reason=tweak.reason))
    if tweak.changes:
        commands.append(SetHyperparameters(tweak.changes, tweak.reason))
    if tweak.stop:
        commands.append(EndTraining(tweak.reason))
    return tuple(commands)


def _check_fork_space(space: Space) -> None:
    for name in space.names:
        if name not in FORK_CHANGEABLE:
            raise InputError(f"around must be a space of {', '.join(FORK_CHANGEABLE)}, got {name!r}; leave it out")
    if not space.dimension:
        raise InputError(f"around must vary something, got {space!r}; give at least one hyperparameter a range")
