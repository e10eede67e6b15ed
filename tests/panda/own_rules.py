"""A user's custom rules, in their own module."""

from dataclasses import dataclass

from caviar.panda.rules import Tweak


@dataclass(frozen=True)
class HalveAt:
    """Halve the learning rate after an epoch."""

    epoch: int

    def __call__(self, history):
        if history[-1]["epoch"] == self.epoch:
            return Tweak("it is time", {"learning_rate": history[-1]["learning_rate"] / 2})


@dataclass(frozen=True)
class Breaks:
    """Fail."""

    def __call__(self, history):
        raise KeyError("oops")
