"""When trials are stopped early, and which are trained again at the end: two settings, and how users write them."""

import math
from dataclasses import dataclass

from caviar._checks import check_integer_fields, did_you_mean
from caviar.errors import InputError
from caviar.search.schedule import MOST_WAVES, Waves

_SPARED = 8  # one in so many trials is not stopped
_FEWEST_TRIALS = 48  # in a smaller study, confirming would cost more than a quarter of the budget


@dataclass(frozen=True)
class Halving:
    """Early stopping at rungs: after some epochs only the best trials continue, from where they were.

    >>> Halving().rungs(20), Halving().rungs(50), Halving(factor=3, first=5).rungs(20)
    ((2, 5, 10), (6, 12, 25), (7,))
    """

    factor: int = 2  # one in `factor` trials survives a rung, >= 2
    first: int | None = None  # the fewest epochs before the first rung, >= 1; None: a tenth of them, and at least 2
    asynchronous: bool = False  # decide about each trial as it arrives; the table then depends on who was faster
    predicted: bool = True  # the best by predicted ends, for which one trial in 8 is not stopped; False: by value

    def __post_init__(self) -> None:
        check_integer_fields(self, "factor", minimum=2)
        if self.first is not None:
            check_integer_fields(self, "first")
        if not isinstance(self.asynchronous, bool):
            raise InputError(f"asynchronous must be True or False, got {self.asynchronous!r}")
        if not isinstance(self.predicted, bool):
            raise InputError(f"predicted must be True or False, got {self.predicted!r}")
        if self.asynchronous:  # no trial waits for what others would teach
            object.__setattr__(self, "predicted", False)

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs after which trials are stopped, in order."""
        first = max(2, epochs // 10) if self.first is None else self.first
        candidates = [round(epochs / self.factor**k) for k in range(1, 64) if epochs / self.factor**k >= 0.5]
        return tuple(sorted({rung for rung in candidates if first <= rung < epochs}))

    @property
    def fewest_epochs(self) -> int | None:
        """The fewest epochs that have a rung; None if no number of them has one.

        >>> Halving().fewest_epochs, Halving(factor=3, first=5).fewest_epochs, Halving(factor=99).fewest_epochs
        (3, 14, None)
        """
        first = 2 if self.first is None else self.first
        least = self.factor * first - self.factor // 2  # the first to be rounded to `first`, unless to the even number
        return next((epochs for epochs in (least, least + 1) if self.rungs(epochs)), None)

    def room(self, trials: int) -> int:
        """Return how many of the `trials` that entered a rung continue, besides those that are spared.

        >>> Halving().room(9), Halving(factor=3).room(9)
        (5, 3)
        """
        return math.ceil(trials / self.factor)

    def compared(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs whose values predict an end: half of the first rung, and the rungs.

        >>> Halving().compared(50)
        (3, 6, 12, 25)
        """
        rungs = self.rungs(epochs)
        return (max(1, rungs[0] // 2), *rungs) if rungs else ()

    def spared(self, trials: int) -> int:
        """Return how many of `trials`, the first ones, are not stopped: the ends of others are predicted from theirs.

        >>> Halving().spared(64), Halving(predicted=False).spared(64)
        (8, 0)
        """
        return trials // _SPARED if self.predicted else 0

    def earlier_waves(self, trials: int, epochs: int) -> Waves:
        """Return how many waves "auto" was, in a study that began before these were as many as without early stopping.

        >>> Halving(3, first=2).earlier_waves(64, epochs=20), Halving(3, first=2).earlier_waves(200, epochs=20)
        (2, 7)
        """
        rungs = self.rungs(epochs)
        size = self.factor ** (len(rungs) + 1)
        return max(min(trials // size, MOST_WAVES), min(2, trials // 8), 1) if rungs else "auto"


KINDS = {"halving": Halving(), "asha": Halving(factor=3, asynchronous=True)}


def halving_from(value: object) -> Halving | None:
    """Return the early stopping that a user asks for: None, "halving", "asha" (asynchronous) or a `Halving`.

    >>> halving_from("asha")
    Halving(factor=3, first=None, asynchronous=True, predicted=False)
    """
    if value is None or isinstance(value, Halving):
        return value
    if not isinstance(value, str) or value not in KINDS:
        hint = did_you_mean(value, KINDS) if isinstance(value, str) else ""
        raise InputError(f"early_stopping must be 'halving', 'asha', None or a caviar.Halving, got {value!r}{hint}")
    return KINDS[value]


@dataclass(frozen=True)
class Confirm:
    """Train the best trials again with fresh seeds, because the best of many was also lucky.

    >>> Confirm()
    Confirm(top=3, replicates=4)
    """

    top: int = 3  # how many of the best, >= 1
    replicates: int = 4  # how often each, >= 2

    @property
    def trials(self) -> int:
        """How many trials that is, if as many as `top` have finished."""
        return self.top * self.replicates

    def __post_init__(self) -> None:
        check_integer_fields(self, "top")
        check_integer_fields(self, "replicates", minimum=2)


def confirm_from(value: object, trials: int, seeded: bool) -> Confirm | None:
    """Return what a user wants confirmed: True, False, (top, replicates), or "auto".

    "auto" confirms the best three, four times each, in a study of 48 trials or more whose results depend on a seed.

    >>> confirm_from("auto", 64, seeded=True), confirm_from("auto", 64, seeded=False)
    (Confirm(top=3, replicates=4), None)
    """
    if value == "auto":
        return Confirm() if seeded and trials >= _FEWEST_TRIALS else None
    if isinstance(value, bool):
        return Confirm() if value else None
    if isinstance(value, tuple | list) and len(value) == 2:
        return Confirm(*value)
    raise InputError(f"confirm must be True, False, 'auto' or (top, replicates) such as (3, 4), got {value!r}")
