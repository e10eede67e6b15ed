"""The events of a study: typed, frozen, each a line of JSON with a tag. Reading a line runs no code."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from caviar.errors import StorageError
from caviar.records.evaluation import Evaluation
from caviar.records.plain import integer, mapping, number, numbers, optional, text, tuple_of
from caviar.records.settings import Settings
from caviar.records.trial import Config, CurvePoint, Result, State
from caviar.search import Square
from caviar.space import Space
from caviar.space.scales import Array
from caviar.space.serialization import from_plain, to_plain
from caviar.space.values import decode as decode_value
from caviar.space.values import encode as encode_value

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

# the tag of each event; the line of a trial holds its fields, except those that follow from its curve
_TAGS: dict[str, type[Event]] = {"study": StudyBegan, "data": DataPrepared, "enqueued": Enqueued}
_TAGS |= {"warm start": WarmStarted, "wave": WaveBegan, "trial": TrialEnded, "pause": StudyPaused}
_TAGS |= {"evaluation": WinnerEvaluated, "forecast": ForecastMade, "extended": StudyExtended}
_TRIAL_FIELDS = ("trial", "wave", "state", "config", "seconds", "seed", "worker", "error", "confirms", "curve")

_OPTIONAL_TRIAL_FIELDS = ("began", "ended", "continued_from", "dead_units")


def encode(event: Event) -> str:
    """Return an event as a line of JSON.

    >>> encode(StudyPaused("OSError: no data"))
    '{"event":"pause","signature":"OSError: no data","again":[]}'
    """
    tag = next(tag for tag, kind in _TAGS.items() if kind is type(event))
    if isinstance(event, TrialEnded):
        values = {name: getattr(event.result, name) for name in _TRIAL_FIELDS}
        optional_fields = {name: getattr(event.result, name) for name in _OPTIONAL_TRIAL_FIELDS}
        values |= {name: value for name, value in optional_fields.items() if value not in (None, ())}
    else:
        values = {field.name: getattr(event, field.name) for field in fields(event)}
    if "config" in values:
        values["config"] = _config_to_plain(values["config"])
    if "configs" in values:
        values["configs"] = [_config_to_plain(config) for config in values["configs"]]
    return json.dumps({"event": tag, **values}, separators=(",", ":"), default=_to_json)


def decode(line: str | bytes) -> Event:
    """Return the event of a line; raise ValueError if it holds none, StorageError if a newer Caviar wrote it.

    >>> decode('{"event":"pause","signature":"OSError: no data"}')
    StudyPaused(signature='OSError: no data', again=())
    """
    field = "event"
    try:
        plain = dict(_json(line))
        kind = _TAGS[plain.pop(field)]
        values: dict[str, Any] = {}
        for field, value in reversed(plain.items()):  # the format comes last
            values[field] = _READ[field](value)
        field = "event"
        return TrialEnded(_result(**values)) if kind is TrialEnded else kind(**values)
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else repr(error)
        raise ValueError(f"{field}: {reason:.200}".replace("\n", " ")) from None


def _json(line: str | bytes) -> Any:
    text = line if isinstance(line, str) else line.decode("utf-8-sig", errors="surrogateescape")
    try:
        plain = json.loads(text)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if "\\ud" in text or not text.isascii():  # perhaps half of a pair, which no file can hold
        json.dumps(plain, ensure_ascii=False).encode()
    return plain


def damaged(line: int, source: object, reason: object) -> StorageError:
    """Return the error for a line that cannot be read or does not follow from those before it."""
    return StorageError(
        f"line {line} of {source} is damaged ({reason}); restore the file from a copy, or keep only the lines before it"
    )


def _result(**values: Any) -> Result:
    curve = values["curve"]
    return Result(metrics=curve[-1].metrics if curve else {}, epochs=len(curve), **values)


def _config_to_plain(config: Config) -> dict[str, Any]:
    return {name: encode_value(value) for name, value in config.items()}


def _config_from_plain(plain: Any) -> Config:
    return {name: decode_value(value) for name, value in mapping(plain).items()}


def _format(plain: object) -> int:
    if integer(plain) > FORMAT:
        raise StorageError(f"the journal has format {plain}; open it with a newer Caviar")
    return integer(plain)


def _point(plain: Sequence[Any]) -> CurvePoint:
    epoch, seconds, metrics = plain
    return CurvePoint(integer(epoch), number(seconds), numbers(metrics))


def _versions(plain: object) -> Mapping[str, str]:
    return {name: text(version) for name, version in mapping(plain).items()}


# how the values of a line become those of an event, by field
_READ: Mapping[str, Callable[[Any], object]] = {
    "format": _format,
    "settings": Settings.from_plain,
    "versions": _versions,
    "notes": tuple_of(text),
    "signature": text,
    "trials": integer,
    "gain": number,
    "enough": number,
    "probability": number,
    "minutes": number,
    "stop": text,
    "waves": tuple_of(integer),
    "evaluation": Evaluation.from_plain,
    "trial": integer,
    "wave": integer,
    "first": integer,
    "points": lambda rows: np.array(rows, dtype=float).reshape(len(rows), -1),
    "values": lambda values: np.array(values, dtype=float).reshape(len(values)),
    "configs": tuple_of(_config_from_plain),
    "square": optional(Square.from_plain),
    "edges": tuple_of(text),
    "again": tuple_of(integer),
    "space": optional(from_plain),
    "confirms": lambda value: tuple_of(integer)(value) if isinstance(value, list) else optional(integer)(value),
    "state": State,
    "config": _config_from_plain,
    "seconds": number,
    "began": number,
    "ended": number,
    "dead_units": tuple_of(number),
    "seed": integer,
    "worker": text,
    "error": text,
    "continued_from": optional(integer),
    "curve": tuple_of(_point),
}


def _to_json(value: object) -> object:
    """Our own values as plain data, NumPy's numbers as Python's; other things that JSON does not know as their repr."""
    match value:
        case Settings() | Square() | Evaluation():
            return value.to_plain()
        case Space():
            return to_plain(value)
        case np.ndarray() | np.generic():
            return value.tolist()
    return repr(value)
