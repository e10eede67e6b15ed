"""A trial, before and after its training, and the states in which it can end.

A trainer gets a `Trial`; a `Result` is what is known when it has ended. Trainers import this module, so it needs only
the standard library.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from caviar.errors import InputError

Config = Mapping[str, Any]  # hyperparameter names to values, including the user's own
Metrics = Mapping[str, float]

TABLES = ("results", "history", "waves", "confirmation")  # the CSV files in a study's folder

# the columns of the tables: no hyperparameter and no metric can have one of these names
RESERVED_COLUMNS = (
    "trial", "wave", "epoch", "state", "epochs", "seconds", "began", "ended", "seed", "confirms", "continued_from",
    "worker", "error",
)  # fmt: skip
NOT_PROMISED = ("seconds", "began", "ended", "continued_from", "worker")  # those that depend on the machine


class State(StrEnum):
    """How a trial ended, or that it waits.

    >>> State("finished") is State.FINISHED, f"{State.TIMED_OUT}", State.TIMED_OUT.words
    (True, 'timed_out', 'timed out')
    """

    FINISHED = "finished"
    STOPPED = "stopped"  # early, at a rung
    DIVERGED = "diverged"  # a metric was not finite
    FAILED = "failed"  # it raised an error, or lost its worker again and again
    TIMED_OUT = "timed_out"
    PAUSED = "paused"  # at a rung: its trainer keeps it so that it can continue

    @property
    def words(self) -> str:
        """The state in a sentence, after "the trial"."""
        return self.replace("_", " ")


ENDED = tuple(state for state in State if state is not State.PAUSED)  # in the order of their columns
HAS_METRIC = (State.FINISHED, State.STOPPED)  # the trial has a value of the metric, if perhaps an early one
BROKEN = (State.DIVERGED, State.FAILED, State.TIMED_OUT)  # it has none that counts
BROKEN_WORDS = "failed, diverged or timed out"


@dataclass(frozen=True)
class Trial:
    """One config, to train once.

    >>> Trial(0, 1, {"learning_rate": 0.01}, seed=7).until is None
    True
    """

    number: int  # from 0, in the whole study
    wave: int  # from 1
    config: Config
    seed: int  # of its initial weights, shuffles and other random numbers
    until: int | None = None  # pause after this many reports; None: train to the end
    keep: bool = False  # whether its trainer sends the weights of its network when it has finished


class CurvePoint(NamedTuple):
    """One report of a trial: the epoch, from 1; the trial's own seconds so far; its metrics."""

    epoch: int
    seconds: float
    metrics: Metrics


@dataclass(frozen=True)
class Result:
    """A trial that has ended.

    >>> Result(0, 1, State.FINISHED, {"x": 0.5}, {"loss": 0.1}, 1, 0.2, 7, "host:1").error
    ''
    """

    trial: int  # its number
    wave: int
    state: State
    config: Config
    metrics: Metrics  # of its last report; {} if there was none
    epochs: int  # the number of its reports
    seconds: float  # of its own training: its share of the stack's time
    seed: int
    worker: str  # host:process of its trainer
    error: str = ""  # why it did not finish
    confirms: int | None = None  # the trial that this one trains again with a fresh seed
    curve: tuple[CurvePoint, ...] = field(default=(), repr=False)  # () if only the journal keeps it
    output: str = field(default="", repr=False, compare=False)  # what it printed, kept in a separate file
    began: float | None = None  # when its training began, in seconds since 1970 (UTC); None: unknown
    ended: float | None = None  # when it ended, by the same clock, that of the driver
    continued_from: int | None = None  # the epoch of the checkpoint that its last process continued from
    # the share of each hidden layer's ReLU units that were 0 for all validation rows at its end; (): not known
    dead_units: tuple[float, ...] = field(default=(), repr=False)
    raised: bytes = field(default=b"", repr=False, compare=False)  # the exception that ended it, as `Done` has it
    weights: bytes = field(default=b"", repr=False, compare=False)  # of its network, kept in a separate file
    # finds the folder of its files, which may be only at the mirror; None: it is not from Outcome.trial or best
    locate: Callable[[], Path] | None = field(default=None, repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """The folder of its files, which exists if the trial has kept any; fetched from a mirror when first asked for.

        Raises:
            InputError: the result does not come from `Outcome.trial` or `Outcome.best`.
            StorageError: the mirror cannot be reached.
        """
        if self.locate is None:
            raise InputError(f"this result does not know its study; use outcome.trial({self.trial}).folder")
        return self.locate()
