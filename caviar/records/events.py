"""The events of a study, typed and frozen; `event_lines.py` writes and reads them."""

from collections.abc import Mapping
from dataclasses import dataclass

from caviar.records.evaluation import Evaluation
from caviar.records.settings import Settings
from caviar.records.trial import Config, Result
from caviar.search import Square
from caviar.space import Space
from caviar.space.scales import Array

FORMAT = 1


@dataclass(frozen=True)
class StudyBegan:
    """The first event: what the study is, the versions that it was started with, and the format of its journal."""

    settings: Settings
    versions: Mapping[str, str]
    format: int = FORMAT


@dataclass(frozen=True)
class DataPrepared:
    """What was done with the columns of the table, and why, a sentence each."""

    notes: tuple[str, ...]


@dataclass(frozen=True)
class Enqueued:
    """The user's own configs, which are trained first."""

    configs: tuple[Config, ...]


@dataclass(frozen=True, eq=False)
class WarmStarted:
    """Trials that finished elsewhere: points of the unit cube, (n, d), and values to minimise, (n,), NaN if failed."""

    points: Array
    values: Array


@dataclass(frozen=True, eq=False)
class WaveBegan:
    """Trials that begin together: a wave, or part of one if there are no barriers."""

    wave: int  # from 1
    first: int  # the number of its first trial
    points: Array  # of its trials in the unit cube, (n, d)
    configs: tuple[Config, ...] = ()  # of its first trials, if they were enqueued or are trained again
    square: Square | None = None  # where the best trials are expected; None: the whole space
    edges: tuple[str, ...] = ()  # sentences about bounds that the square lies against or that were extended
    space: Space | None = None  # of the points, where the search has extended a bound; None: the study's
    confirms: tuple[int, ...] = ()  # the trial that each one trains again; () for a wave of the search

    @property
    def numbers(self) -> range:
        """The numbers of its trials."""
        return range(self.first, self.first + len(self.points))

    def all_configs(self, space: Space) -> list[Config]:
        """Return the configs of all its trials, in a study of this space."""
        return [*self.configs, *(self.space or space).configs(self.points[len(self.configs) :])]


@dataclass(frozen=True)
class TrialEnded:
    """A trial has ended, with its whole curve."""

    result: Result


@dataclass(frozen=True)
class ForecastMade:
    """What the next wave is worth, after a wave has ended, and whether the study ends here instead."""

    wave: int  # that has ended
    trials: int  # of the next one
    gain: float  # that the next one is expected to bring, >= 0, in the unit of the metric
    enough: float  # the gain that is worth it
    probability: float  # that it gains more than enough
    minutes: float  # that it takes
    stop: str = ""  # why it does not begin; "": it does

    def sentence(self, metric: str) -> str:
        """Return all of it in a sentence.

        >>> ForecastMade(2, 16, 0.0021, 0.001, 0.62, 3.0).sentence("val_accuracy")
        'after wave 2, 16 more trials are expected to gain 0.0021 val_accuracy (62% for more than 0.001) in 3 minutes'
        """
        time = f"{self.minutes:.2g} minutes" if self.minutes >= 1 else f"{60 * self.minutes:.2g} seconds"
        chance = f"{self.probability:.0%} for more than {self.enough:.2g}"
        trials = "1 more trial is" if self.trials == 1 else f"{self.trials} more trials are"
        gain = f"{trials} expected to gain {self.gain:.2g} {metric} ({chance}) in {time}"
        return f"after wave {self.wave}, {gain}" + (self.stop and f"; the study ends here: {self.stop}")


@dataclass(frozen=True)
class StudyExtended:
    """A study that had ended goes on with more trials, in these waves."""

    waves: tuple[int, ...]


@dataclass(frozen=True)
class StudyPaused:
    """The study stopped itself after equal failures in a row."""

    signature: str  # what the failures have in common
    again: tuple[int, ...] = ()  # the trials that failed: rows by now, but trained again when the study continues


@dataclass(frozen=True)
class WinnerEvaluated:
    """The winner was evaluated on the test part; the last of these events counts."""

    evaluation: Evaluation


Event = (
    StudyBegan
    | DataPrepared
    | Enqueued
    | WarmStarted
    | WaveBegan
    | TrialEnded
    | ForecastMade
    | StudyExtended
    | StudyPaused
    | WinnerEvaluated
)
