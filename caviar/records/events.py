"""The events of a study: typed, frozen, each a line of JSON with a tag. The journal holds them, and nothing else.

The first line carries the number of the format. Reading a line makes values and runs no code.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.errors import StorageError
from caviar.records.settings import Settings
from caviar.records.trial import Config, CurvePoint, Result, State
from caviar.search import Square
from caviar.space import Space
from caviar.space.scales import Array
from caviar.space.serialization import from_plain, to_plain

FORMAT = 1


@dataclass(frozen=True)
class StudyBegan:
    """The first event: what the study is, and the versions that it was started with."""

    settings: Settings
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Enqueued:
    """Configs of the user's own, to be trained first."""

    configs: tuple[Config, ...]


@dataclass(frozen=True, eq=False)
class WarmStarted:
    """Trials that finished elsewhere: points of the unit cube, (n, d), and values to minimise, (n,), NaN if failed."""

    points: Array
    values: Array


@dataclass(frozen=True, eq=False)
class WaveBegan:
    """Trials that begin together: a wave, or what was asked for at once of a study without barriers.

    Args:
        wave: from 1.
        first: the number of its first trial.
        points: of its trials in the unit cube, (n, d).
        configs: of its first trials, where they are not those of the points: enqueued, or trained again.
        square: the region that it was sampled from; None: the whole space.
        edges: sentences about bounds that the square lies against or that were extended.
        space: the space of the points, where the search has extended a bound; None: the study's.
        confirms: for each trial the number of the trial that it trains again; () for a wave of the search.
    """

    wave: int
    first: int
    points: Array
    configs: tuple[Config, ...] = ()
    square: Square | None = None
    edges: tuple[str, ...] = ()
    space: Space | None = None
    confirms: tuple[int, ...] = ()

    @property
    def numbers(self) -> range:
        """The numbers of its trials."""
        return range(self.first, self.first + len(self.points))


@dataclass(frozen=True)
class TrialEnded:
    """A trial has ended, with its whole curve."""

    result: Result


@dataclass(frozen=True)
class StudyPaused:
    """The study stopped itself after equal failures in a row.

    Args:
        signature: what the failures have in common, from `caviar.study.failures.error_signature`.
    """

    signature: str


Event = StudyBegan | Enqueued | WarmStarted | WaveBegan | TrialEnded | StudyPaused


def encode(event: Event) -> str:
    """Return an event as a line of JSON.

    >>> encode(StudyPaused("OSError: no data"))
    '{"event":"paused","signature":"OSError: no data"}'
    """
    return json.dumps(_to_plain(event), separators=(",", ":"), default=_json_value)


def decode(line: str | bytes) -> Event:
    """Return the event of a line.

    Raises:
        StorageError: the line has a newer format.
        ValueError: the line does not hold an event.

    >>> decode('{"event":"paused","signature":"OSError: no data"}')
    StudyPaused(signature='OSError: no data')
    """
    plain = json.loads(line)
    try:
        return _from_plain(plain)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not an event: {error}") from None


def _to_plain(event: Event) -> dict[str, Any]:
    match event:
        case StudyBegan(settings, versions):
            return {"event": "study", "format": FORMAT, "settings": settings.to_plain(), "versions": dict(versions)}
        case Enqueued(configs):
            return {"event": "enqueued", "configs": configs}
        case WarmStarted(points, values):
            finite = [None if math.isnan(value) else value for value in values.tolist()]
            return {"event": "warm start", "points": points.tolist(), "values": finite}
        case WaveBegan():
            return {
                "event": "wave",
                "wave": event.wave,
                "first": event.first,
                "points": event.points.tolist(),
                "configs": event.configs,
                "square": event.square and event.square.to_plain(),
                "edges": event.edges,
                "space": event.space and to_plain(event.space),
                "confirms": event.confirms,
            }
        case TrialEnded(result):
            return _result_to_plain(result)
        case StudyPaused(signature):
            return {"event": "paused", "signature": signature}


def _from_plain(plain: Mapping[str, Any]) -> Event:
    match plain["event"]:
        case "study":
            if not isinstance(plain["format"], int) or plain["format"] > FORMAT:
                raise StorageError(f"the journal has format {plain['format']}; open it with a newer Caviar")
            return StudyBegan(Settings.from_plain(plain["settings"]), dict(plain["versions"]))
        case "enqueued":
            return Enqueued(tuple(plain["configs"]))
        case "warm start":
            values = np.array([math.nan if value is None else value for value in plain["values"]], dtype=float)
            return WarmStarted(_points(plain["points"]), values)
        case "wave":
            return WaveBegan(
                wave=plain["wave"],
                first=plain["first"],
                points=_points(plain["points"]),
                configs=tuple(plain["configs"]),
                square=Square.from_plain(plain["square"]) if plain["square"] else None,
                edges=tuple(plain["edges"]),
                space=from_plain(plain["space"]) if plain["space"] else None,
                confirms=tuple(plain["confirms"]),
            )
        case "trial":
            return TrialEnded(_result_from_plain(plain))
        case "paused":
            return StudyPaused(plain["signature"])
    raise ValueError(f"unknown event {plain['event']!r}")


def _result_to_plain(result: Result) -> dict[str, Any]:
    """Metrics and epochs stand in the curve; the output has a file of its own."""
    return {
        "event": "trial",
        "trial": result.trial,
        "wave": result.wave,
        "state": result.state,
        "config": result.config,
        "seconds": result.seconds,
        "seed": result.seed,
        "worker": result.worker,
        "error": result.error,
        "confirms": result.confirms,
        "curve": result.curve,
    }


def _result_from_plain(plain: Mapping[str, Any]) -> Result:
    curve = tuple(CurvePoint(*point) for point in plain["curve"])
    return Result(
        trial=plain["trial"],
        wave=plain["wave"],
        state=State(plain["state"]),
        config=dict(plain["config"]),
        metrics=curve[-1].metrics if curve else {},
        epochs=len(curve),
        seconds=plain["seconds"],
        seed=plain["seed"],
        worker=plain["worker"],
        error=plain["error"],
        confirms=plain["confirms"],
        curve=curve,
    )


def _points(rows: list[list[float]]) -> Array:
    return np.array(rows, dtype=float).reshape(len(rows), -1)


def _json_value(value: object) -> object:
    """NumPy's numbers as Python's; any other value that JSON does not know as its repr."""
    return value.item() if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0 else repr(value)
