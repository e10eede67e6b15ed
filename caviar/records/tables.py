"""The tables of a study and their CSV files: `results` (a row a trial), `history` (a row an epoch), `waves`.

Columns of the results, in this order: trial, wave, state, every hyperparameter, every metric of the last report,
epochs, seconds, began and ended (when, in UTC, by the driver's clock), seed, confirms (the trial that this one trains
again; empty for others), continued_from (the epoch of the checkpoint that it was continued from; only if any trial
was), worker, error. The cell of a hyperparameter that was not active is empty. Floats are written so that
`pandas.read_csv` returns the same bits: by default from pandas 3.1 on, before with `float_precision="round_trip"`.
"""

import itertools
import math
import statistics
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from caviar.csv import to_csv
from caviar.files import write_atomically
from caviar.records.events import ForecastMade, WaveBegan
from caviar.records.settings import Settings
from caviar.records.trial import ENDED, Result, State
from caviar.search.square import SquareSide, whole_space
from caviar.space import Choice
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.references import named


def results_table(results: Iterable[Result], names: Sequence[str]) -> pd.DataFrame:
    """Return a row for each trial, by number; `names` are the hyperparameters in the order of their columns."""
    ordered = sorted(results, key=lambda result: result.trial)
    metrics = dict.fromkeys(name for result in ordered for name in result.metrics)  # as they first appear
    columns = {
        "trial": pd.array([r.trial for r in ordered], dtype="int64"),
        "wave": pd.array([r.wave for r in ordered], dtype="int64"),
        "state": pd.array([str(r.state) for r in ordered], dtype="str"),
    }
    columns |= {name: _options([named(r.config.get(name)) for r in ordered]) for name in names}
    columns |= {name: _column([r.metrics.get(name) for r in ordered]) for name in metrics}
    columns |= {
        "epochs": pd.array([r.epochs for r in ordered], dtype="int64"),
        "seconds": pd.array([r.seconds for r in ordered], dtype="float64"),
        **_times(ordered),
        "seed": pd.array([r.seed for r in ordered], dtype="int64"),
        "confirms": pd.array([r.confirms for r in ordered], dtype="Int64"),
        **_continued(ordered),
        "worker": pd.array([r.worker for r in ordered], dtype="str"),
        "error": pd.array([r.error for r in ordered], dtype="str"),
    }
    return pd.DataFrame(columns)


def _times(results: Sequence[Result]) -> dict[str, Any]:
    """The columns of moments, to the millisecond; without them if no time is known, as earlier versions kept none."""
    if all(result.ended is None for result in results):
        return {}
    return {
        "began": _moments([result.began for result in results]),
        "ended": _moments([result.ended for result in results]),
    }


def _moments(seconds: Sequence[float | None]) -> Any:
    """Seconds since 1970 as moments in UTC; NaT for those that are not known, or beyond the year 5000."""
    known = np.array(seconds, dtype=float)
    inside = np.abs(known) < 1e11
    moments = (np.where(inside, known, 0.0) * 1000).round().astype("datetime64[ms]")
    moments[~inside] = np.datetime64("NaT")
    return pd.DatetimeIndex(moments).tz_localize("UTC").array


def _continued(results: Sequence[Result]) -> dict[str, Any]:
    """The column of the epochs that trials were continued from, if any was."""
    epochs = [result.continued_from for result in results]
    return {"continued_from": pd.array(epochs, dtype="Int64")} if any(e is not None for e in epochs) else {}


def history_table(results: Iterable[Result]) -> pd.DataFrame:
    """Return a row for each report, by trial: trial, wave, epoch, seconds since the trial began, and every metric.

    The results come with their curves, in any order; they are taken one by one and need not fit into memory.
    """
    keys = {name: array("q") for name in ("trial", "wave", "epoch")}
    seconds = array("d")
    metrics: dict[str, array[float]] = {}
    first: dict[str, tuple[int, int]] = {}  # the first report of a metric, in the order of trials
    for result in results:
        for epoch, elapsed, report in result.curve:
            for name, value in report.items():
                column = metrics.setdefault(name, array("d"))
                column.extend([math.nan] * (len(seconds) - len(column)))
                column.append(value)
                first[name] = min(first.get(name, (result.trial, epoch)), (result.trial, epoch))
            seconds.append(elapsed)
            for name, key in zip(keys, (result.trial, result.wave, epoch), strict=True):
                keys[name].append(key)
    for column in metrics.values():
        column.extend([math.nan] * (len(seconds) - len(column)))
    ordered = {name: metrics[name] for name in sorted(metrics, key=lambda name: first[name])}
    columns = {**keys, "seconds": seconds, **ordered}
    order = np.argsort(np.asarray(keys["trial"]), kind="stable")
    return pd.DataFrame({name: np.asarray(column)[order] for name, column in columns.items()})


def waves_table(
    waves: Sequence[WaveBegan], results: Iterable[Result], settings: Settings, forecasts: Iterable[ForecastMade] = ()
) -> pd.DataFrame:
    """Return a row for each wave: how it went, and the square where the best trials were expected, with the reason.

    Columns: wave, kind ("coarse", "fine" or "confirm"), trials, a count of each state, the best and the median metric,
    the seconds of its trials, the square's share of the space, how many trials of the search lie outside, its reason,
    sentences about bounds (edges), and for each hyperparameter the bounds NAME_low and NAME_high, or NAME_options.
    Before these, if there are forecasts, what the next wave was worth: next_gain, next_enough, next_probability,
    next_minutes, and all of it in a sentence (next).
    """
    by_number = {forecast.wave: forecast for forecast in forecasts}
    by_wave: defaultdict[int, list[Result]] = defaultdict(list)
    for result in results:
        by_wave[result.wave].append(result)
    groups = itertools.groupby(waves, key=lambda wave: wave.wave)
    rows = []
    for number, parts in groups:
        row, sides = _wave_row(list(parts), by_wave[number], settings)
        next_wave = _forecast_cells(by_number.get(number), settings.objective.metric) if by_number else {}
        rows.append(row | next_wave | sides)
    return pd.DataFrame(rows)


def _forecast_cells(forecast: ForecastMade | None, metric: str) -> dict[str, object]:
    names = ("gain", "enough", "probability", "minutes")
    cells: dict[str, object] = {f"next_{name}": getattr(forecast, name, math.nan) for name in names}
    return cells | {"next": forecast.sentence(metric) if forecast else ""}


def square_table(wave: WaveBegan | None, settings: Settings) -> pd.DataFrame:
    """Return the square of a wave, or the whole space, beside the space of its time: a row for each hyperparameter."""
    return pd.DataFrame(_sides(wave, settings))


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all; see `caviar.csv.to_csv`."""
    write_atomically(path, to_csv(table))


def _wave_row(
    parts: Sequence[WaveBegan], results: Sequence[Result], settings: Settings
) -> tuple[dict[str, object], dict[str, object]]:
    """A row of `waves_table`, and its square: without barriers, that of the last of many parts."""
    last, objective = parts[-1], settings.objective
    values = [r.metrics[objective.metric] for r in results if r.state is State.FINISHED]
    kind, reason = _kind(last)
    row: dict[str, object] = {"wave": last.wave, "kind": kind}
    row["trials"] = sum(len(part.points) for part in parts)
    row |= {str(state): sum(r.state is state for r in results) for state in ENDED}
    row["best"] = objective.best(values)
    row["median"] = statistics.median(values) if values else math.nan
    row["seconds"] = math.fsum(r.seconds for r in results)
    sides = _sides(last, settings)
    row["square_share"] = 1.0 if last.square is None else math.prod(side.share for side in sides)
    row["outside"] = sum(_outside(part, settings) for part in parts)
    row["reason"] = reason
    row["edges"] = "; ".join(last.edges)
    bounds: dict[str, object] = {}
    for side in sides:
        if side.options:
            bounds[f"{side.name}_options"] = side.options
        else:
            bounds |= {f"{side.name}_low": side.low, f"{side.name}_high": side.high}
    return row, bounds


def _kind(wave: WaveBegan) -> tuple[str, str]:
    """The kind of a wave, and the reason for its square."""
    if wave.confirms:
        return "confirm", "the best trials again, with fresh seeds"
    return ("coarse", "the whole space") if wave.square is None else ("fine", wave.square.reason)


def _outside(wave: WaveBegan, settings: Settings) -> int:
    """How many points that the search chose lie outside of the square."""
    if wave.square is None or wave.confirms:
        return 0
    chosen = wave.points[len(wave.configs) :]
    return int((~wave.square.contains(chosen, wave.space or settings.space)).sum()) if len(chosen) else 0


def _sides(wave: WaveBegan | None, settings: Settings) -> list[SquareSide]:
    space = wave.space if wave and wave.space else settings.space
    ranked = space.ranked()
    found = ((wave and wave.square) or whole_space(space)).sides(ranked)
    sides = [_whole_values(side, d.hyperparameter) for side, d in zip(found, ranked.dimensions, strict=True)]
    pairs = zip(sides, space.dimensions, strict=True)
    return [
        _in_options(side, h) if isinstance(h := d.hyperparameter, Choice) and h.ordinal else side for side, d in pairs
    ]


def _whole_values(side: SquareSide, hyperparameter: Hyperparameter) -> SquareSide:
    """The side of a number with steps, whose share is that of the values it shows: 3 .. 3 of 1 to 4 is a quarter."""
    if isinstance(hyperparameter, Choice) or not hyperparameter.step or side.low is None or side.high is None:
        return side
    half = hyperparameter.step / 2
    ends = np.array([side.low - half, side.high + half])
    low, high = hyperparameter.scale.units(ends, *hyperparameter.ends).tolist()
    return side._replace(share=high - low)


def _in_options(side: SquareSide, choice: Choice) -> SquareSide:
    """The side of an ordinal choice, given in ranks, in its options."""
    low, high = (choice.options[int(rank or 0)] for rank in (side.low, side.high))
    return side._replace(low=low, high=high, space_low=choice.low, space_high=choice.high)


def _options(values: list[Any]) -> Any:
    """A column of a hyperparameter: as objects where floats would not tell integers from them, else typed."""
    integers = {value for value in values if type(value) is int}
    floats = {value for value in values if type(value) is float}
    exact = 2**53 if floats else 2**63 - 1  # beyond it, a number of the column's type would be another one
    if integers & floats or any(abs(value) > exact for value in integers):
        return pd.array(values, dtype="object")
    return _column(values)


def _column(values: list[Any]) -> Any:
    """A typed column: integers stay integers (nullable where some are missing), floats floats, the rest as it is."""
    present = [value for value in values if value is not None]
    missing = len(present) < len(values)
    kinds = {type(value) for value in present}
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in present):
        return pd.array(values, dtype="Int64" if missing else "int64")
    if kinds == {bool}:
        return pd.array(values, dtype="boolean" if missing else "bool")
    if kinds <= {int, float}:
        return pd.array([math.nan if value is None else value for value in values], dtype="float64")
    return pd.array(values, dtype="str" if kinds == {str} else "object")
