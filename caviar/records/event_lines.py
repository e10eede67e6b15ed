"""The events of a study as lines of JSON, each with a tag. Reading a line runs no code."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from caviar.errors import StorageError
from caviar.records.evaluation import Evaluation
from caviar.records.events import (
    FORMAT,
    DataPrepared,
    Enqueued,
    Event,
    ForecastMade,
    StudyBegan,
    StudyExtended,
    StudyPaused,
    TrialEnded,
    WarmStarted,
    WaveBegan,
    WinnerEvaluated,
)
from caviar.records.plain import integer, mapping, number, numbers, optional, text, tuple_of
from caviar.records.settings import Settings
from caviar.records.trial import Config, CurvePoint, Result, State
from caviar.search import Square
from caviar.space import Space
from caviar.space.serialization import from_plain, to_plain
from caviar.space.values import decode as decode_value
from caviar.space.values import encode as encode_value

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
