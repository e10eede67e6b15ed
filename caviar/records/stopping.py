"""When a study ends before its last wave: the rules, and how users write them."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from caviar._checks import check_integer, did_you_mean, plain_number
from caviar._interface import setting
from caviar.errors import InputError
from caviar.records.objective import Objective

LEAST_SHARE = 0.01  # of the gain so far, that is worth a wave; measured: see tests/benchmarks/stopping.py


@dataclass(frozen=True)
class Worth:
    """End a study when the next wave is not worth it: when it is expected to gain less than its price.

    Args:
        gain: the smallest gain worth a wave, > 0, in the unit of the metric; left out: 1% of what the study has gained
            so far, from the median of its first wave to its best trial.
        minutes: how long that gain is worth waiting for, > 0: a wave that takes twice as long must be expected to gain
            twice as much. Left out: as long as it takes. How long a wave takes is wall time, so with `minutes` or
            `money` the same seed may end after another wave elsewhere; a study that is resumed decides the same.
        money: what that gain is worth, > 0; needs `hourly`.
        hourly: what a trainer costs an hour, > 0, in the same currency.

    >>> Worth(gain=0.001, minutes=10).enough(minutes=20, hours=0.0, progress=0.5)
    0.002
    """

    gain: float | None = None
    minutes: float | None = None
    money: float | None = None
    hourly: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is None:
                continue
            number = plain_number(value)
            if number is None or not 0 < number < math.inf:
                raise InputError(f"{name} of stop must be a number > 0, got {value!r}")
            object.__setattr__(self, name, number)
        if (self.money is None) != (self.hourly is None):
            raise InputError(
                f"money of stop needs hourly, what a trainer costs an hour, got money={self.money!r}, "
                f"hourly={self.hourly!r}; try {setting('stop', {'gain': 0.001, 'money': 5, 'hourly': 0.4})}"
            )
        if self.money is not None and self.minutes is not None:
            raise InputError(f"stop must have minutes or money, got both: {self!r}")

    def enough(self, minutes: float, hours: float, progress: float) -> float:
        """Return the gain that is worth a wave.

        Args:
            minutes: how long the wave takes.
            hours: how long its trainers are busy, together.
            progress: what the study has gained so far, >= 0.
        """
        gain = LEAST_SHARE * progress if self.gain is None else self.gain
        if self.minutes is not None:
            return gain * minutes / self.minutes
        return gain if self.money is None or self.hourly is None else gain * hours * self.hourly / self.money


@dataclass(frozen=True)
class Plateau:
    """End a study when its last waves have gained nothing: less than 1% of what it had gained before.

    >>> Plateau()
    Plateau(waves=2)
    """

    waves: int = 2  # how many, >= 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "waves", check_integer("waves of stop", self.waves))


@dataclass(frozen=True)
class Goal:
    """End a study when a trial has reached a value of its metric.

    >>> Goal(0.98)
    Goal(value=0.98)
    """

    value: float

    def __post_init__(self) -> None:
        number = plain_number(self.value)
        if number is None or not math.isfinite(number):
            raise InputError(f"stop must have a finite number for the metric, got {self.value!r}")
        object.__setattr__(self, "value", number)


Stopping = Worth | Plateau | Goal
KINDS: Mapping[str, Stopping] = {"worth": Worth(), "plateau": Plateau()}
_CLASSES: Mapping[str, type[Stopping]] = {"worth": Worth, "plateau": Plateau, "goal": Goal}


def stopping_from(value: object, objective: Objective) -> Stopping | None:
    """Return the rule that a user asks for: None, "worth", "plateau", {metric: value}, the fields of one, or one.

    >>> accuracy = Objective("val_accuracy", "max")
    >>> stopping_from({"val_accuracy": 0.98}, accuracy), stopping_from({"gain": 0.001, "minutes": 10}, accuracy)
    (Goal(value=0.98), Worth(gain=0.001, minutes=10, money=None, hourly=None))
    """
    if value is None or isinstance(value, Worth | Plateau):
        return value
    if isinstance(value, str) and value in KINDS:
        return KINDS[value]
    if isinstance(value, Mapping) and value:
        if list(value) == [objective.metric]:
            return Goal(value[objective.metric])
        worth, plateau = ([field.name for field in fields(kind)] for kind in (Worth, Plateau))
        if set(value) <= {*worth}:
            return Worth(**value)
        if set(value) <= {*plateau}:
            return Plateau(**value)
        known = [objective.metric, *worth]
        hint = next((did_you_mean(name, known) for name in map(str, value) if name not in known), "")
        raise InputError(
            f"stop must name the study's metric {objective.metric!r} alone, or gain and minutes, got {value!r}{hint}"
        )
    goal = setting("stop", {objective.metric: plain_number(value) or 0.98})
    hint = did_you_mean(value, KINDS) if isinstance(value, str) else ""
    raise InputError(f"stop must be 'worth', 'plateau', a goal such as {goal}, or None, got {value!r}{hint}")


def as_written(rule: Stopping, objective: Objective) -> str | dict[str, float]:
    """Return a rule as users write it.

    >>> as_written(Plateau(), Objective("loss", "min")), as_written(Worth(gain=0.001), Objective("loss", "min"))
    ('plateau', {'gain': 0.001})
    """
    if isinstance(rule, Goal):
        return {objective.metric: rule.value}
    word = next((word for word, known in KINDS.items() if rule == known), None)
    return word or {name: value for name, value in asdict(rule).items() if value is not None}


def to_plain(rule: Stopping | None) -> dict[str, Any] | None:
    """Return a rule as plain data, with its kind.

    >>> to_plain(Plateau())
    {'kind': 'plateau', 'waves': 2}
    """
    if rule is None:
        return None
    kind = next(name for name, known in _CLASSES.items() if type(rule) is known)
    return {"kind": kind, **{name: value for name, value in asdict(rule).items() if value is not None}}


def from_plain(plain: Mapping[str, Any] | None) -> Stopping | None:
    """Return the rule that `to_plain` wrote."""
    if plain is None:
        return None
    return _CLASSES[plain["kind"]](**{name: value for name, value in plain.items() if name != "kind"})
