"""The tables of a study, and their CSV files: `results` (a row a trial), `history` (a row an epoch), `waves`.

Columns of the results, in this order: trial, wave, state, every hyperparameter, every metric of the last
report, epochs, seconds, seed, confirms (the trial that this one trains again with a fresh seed; empty for others),
worker, error. A hyperparameter that was not in force is empty.
Floats are written so that `pandas.read_csv` (from pandas 3.1 on) gives back the very same bits.
"""

import itertools
import math
import os
import statistics
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from caviar.records.settings import Settings
from caviar.records.trial import Result
from caviar.search.square import Square, whole
from caviar.space.serialization import from_plain

STATES = ("finished", "stopped", "diverged", "failed", "timed_out")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


def results_table(results: Iterable[Result], names: Sequence[str]) -> pd.DataFrame:
    """A row a trial, by number.

    Args:
        results: the trials that have ended, in any order.
        names: the hyperparameters, in the order of their columns.
    """
    ordered = sorted(results, key=lambda result: result.trial)
    columns: dict[str, Any] = {
        "trial": pd.array([r.trial for r in ordered], dtype="int64"),
        "wave": pd.array([r.wave for r in ordered], dtype="int64"),
        "state": pd.array([r.state for r in ordered], dtype="str"),
    }
    columns |= {name: _column([r.config.get(name) for r in ordered]) for name in names}
    columns |= {name: _column([r.metrics.get(name) for r in ordered]) for name in _metrics(r.metrics for r in ordered)}
    columns |= {
        "epochs": pd.array([r.epochs for r in ordered], dtype="int64"),
        "seconds": pd.array([r.seconds for r in ordered], dtype="float64"),
        "seed": pd.array([r.seed for r in ordered], dtype="int64"),
        "confirms": pd.array([r.confirms for r in ordered], dtype="Int64"),
        "worker": pd.array([r.worker for r in ordered], dtype="str"),
        "error": pd.array([r.error for r in ordered], dtype="str"),
    }
    return pd.DataFrame(columns)


def history_table(results: Iterable[Result]) -> pd.DataFrame:
    """A row a report, by trial: trial, wave, epoch, seconds since the trial began, and every metric.

    Args:
        results: with their curves, in any order; they are taken one by one, and need not fit into memory.
    """
    keys = {name: array("q") for name in ("trial", "wave", "epoch")}
    seconds = array("d")
    metrics: dict[str, array[float]] = {}
    seen: dict[str, tuple[int, int]] = {}  # where a metric comes first, in the order of trials
    for result in results:
        for epoch, elapsed, report in result.curve:
            for name, value in report.items():
                column = metrics.setdefault(name, array("d"))
                column.extend([math.nan] * (len(seconds) - len(column)))
                column.append(value)
                seen[name] = min(seen.get(name, (result.trial, epoch)), (result.trial, epoch))
            seconds.append(elapsed)
            for name, key in zip(keys, (result.trial, result.wave, epoch), strict=True):
                keys[name].append(key)
    for column in metrics.values():
        column.extend([math.nan] * (len(seconds) - len(column)))
    ordered = {name: metrics[name] for name in sorted(metrics, key=lambda name: seen[name])}
    columns = {**keys, "seconds": seconds, **ordered}
    order = np.argsort(np.asarray(keys["trial"]), kind="stable")
    return pd.DataFrame({name: np.asarray(column)[order] for name, column in columns.items()})


def waves_table(waves: Sequence[Mapping[str, Any]], results: Sequence[Result], settings: Settings) -> pd.DataFrame:
    """A row a wave: how it went, and the square it was sampled from with the reason why.

    Columns: wave, kind ("coarse", "fine" or "confirm"), trials, a count of each state, the best and the median
    metric, the seconds of its trials, the square's share of the space and its reason, the bounds of the space that
    it lies against (edges), and for each hyperparameter the bounds NAME_low and NAME_high, or the kept NAME_options.
    """
    by_wave: defaultdict[int, list[Result]] = defaultdict(list)
    for result in results:
        by_wave[result.wave].append(result)
    rows = []
    for number, asked in itertools.groupby(waves, key=lambda wave: wave["wave"]):
        *before, wave = asked  # one record; without a barrier between waves many, of which the last has the square
        mine = by_wave[number]
        values = [r.metrics[settings.metric] for r in mine if r.state == "finished"]
        choose = max if settings.mode == "max" else min
        square = Square.from_dict(wave["square"]) if wave["square"] else None
        kind = "confirm" if wave["confirms"] else "coarse" if square is None else "fine"
        row: dict[str, Any] = {"wave": number, "kind": kind}
        row["trials"] = sum(len(record["points"]) for record in (*before, wave))
        row |= {state: sum(r.state == state for r in mine) for state in STATES}
        row["best"] = choose(values, default=math.nan)
        row["median"] = statistics.median(values) if values else math.nan
        row["seconds"] = math.fsum(r.seconds for r in mine)
        row["square_share"] = 1.0 if square is None else square.share
        row["reason"] = _reason(wave, square)
        row["edges"] = "; ".join(wave["edges"])
        for entry in square_of(wave):
            name = entry["name"]
            if entry["options"]:
                row[f"{name}_options"] = entry["options"]
            else:
                row |= {f"{name}_low": entry["low"], f"{name}_high": entry["high"]}
        rows.append(row)
    return pd.DataFrame(rows)


def _reason(wave: Mapping[str, Any], square: Square | None) -> str:
    if wave["confirms"]:
        return "the best trials again, with fresh seeds"
    return "the whole space" if square is None else square.reason


def square_table(wave: Mapping[str, Any]) -> pd.DataFrame:
    """The square of a wave next to the space of its time, a row a hyperparameter, each in its own unit."""
    return pd.DataFrame(square_of(wave))


def square_of(wave: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of `square_table`."""
    space = from_plain(wave["space"])
    return (Square.from_dict(wave["square"]) if wave["square"] else whole(space)).describe(space)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all; a text that a spreadsheet would take for a formula gets a quote in front."""
    safe = table.copy(deep=False)
    for name in safe.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in safe.dtypes]]:
        safe[name] = [_defused(value) for value in safe[name]]
    safe.columns = pd.Index([_defused(name) for name in safe.columns])
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        safe.to_csv(unfinished, index=False)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _defused(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _metrics(reports: Iterable[Any]) -> list[str]:
    """Every metric's name, in the order in which they first appear."""
    return list(dict.fromkeys(name for report in reports for name in report))


def _column(values: list[Any]) -> Any:
    """A typed column: whole numbers stay whole (nullable where some are missing), floats float, the rest as it is."""
    there = [value for value in values if value is not None]
    missing = len(there) < len(values)
    kinds = {type(value) for value in there}
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in there):
        return pd.array(values, dtype="Int64" if missing else "int64")
    if kinds == {bool}:
        return pd.array(values, dtype="boolean" if missing else "bool")
    if kinds <= {int, float}:
        return pd.array([float("nan") if value is None else float(value) for value in values], dtype="float64")
    if kinds == {str}:
        return pd.array(values, dtype="str")
    return pd.array(values, dtype="object")
