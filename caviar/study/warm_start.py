"""What a study is given before it begins: configs to train first, and trials that finished elsewhere."""

import math
from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from caviar.csv import read_csv
from caviar.errors import InputError
from caviar.records.events import Enqueued, WarmStarted
from caviar.records.settings import Settings
from caviar.records.trial import Config, State
from caviar.space import Choice, Space


def check_enqueued(config: object, settings: Settings) -> Enqueued:
    """Return a config to train first; raise InputError if it is outside the study's space."""
    if not isinstance(config, Mapping):
        raise InputError(f"a config must be a dict with a value for every hyperparameter, got {config!r:.100}")
    settings.space.points([config])
    return Enqueued((dict(config),))


def read_warm_start(trials: object, settings: Settings) -> WarmStarted:
    """Return the trials of a table, or of its CSV file, that lie in a study's space.

    The table has a row for each trial and columns for the space and the metric. Rows whose "state" is neither
    "finished" nor "stopped" count as failed, as do rows without the metric.
    """
    if not isinstance(trials, pd.DataFrame | str | Path):
        raise InputError(f"the trials of a warm start must be a DataFrame, a CSV file or a study, got {trials!r:.100}")
    table = trials if isinstance(trials, pd.DataFrame) else _read_csv(Path(trials))
    space, metric = settings.space, settings.objective.metric
    for name in (*(d.name for d in space.dimensions if d.parent is None), metric):
        if name not in table:
            raise InputError(f"the trials of a warm start have no column {name!r}, only {', '.join(map(str, table))}")
    if not pd.api.types.is_numeric_dtype(table[metric]):
        raise InputError(f"column {metric!r} of the warm start must hold numbers, got {table[metric].dtype}")
    points: list[np.ndarray] = []
    values: list[float] = []
    reason = "it has no rows"
    metrics = table[metric].to_numpy(dtype=float, na_value=math.nan)
    for row, number in zip(table.to_dict("records"), metrics.tolist(), strict=True):
        try:
            (point,) = space.snap(space.points([_config(row, space)]))
        except InputError as error:
            reason = str(error)
            continue
        survived = row.get("state", State.FINISHED) in (State.FINISHED, State.STOPPED)
        loss = settings.objective.to_minimise({metric: number}) if survived else math.nan
        points.append(point)
        values.append(loss if math.isfinite(loss) else math.nan)
    if not points:
        raise InputError(f"none of the {len(table)} trials of the warm start lies in the space: {reason}")
    return WarmStarted(np.array(points), np.array(values))


def _config(row: Mapping[Hashable, object], space: Space) -> Config:
    """The values of a row in the space's types; an empty cell means that the hyperparameter was not in force."""
    config: dict[str, object] = {}
    for dimension in space.dimensions:
        value = row.get(dimension.name)
        if not pd.isna(value):  # type: ignore[call-overload]
            hyperparameter = dimension.hyperparameter
            config[dimension.name] = _option(value, hyperparameter) if isinstance(hyperparameter, Choice) else value
    return config


def _option(value: object, choice: Choice) -> object:
    """The option that a cell stands for: a CSV file holds only numbers, booleans and strings."""
    plain = value.item() if isinstance(value, np.generic) else value
    return next((option for option in choice.options if option == plain or str(option) == str(plain)), plain)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return read_csv(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {path} to warm-start from; check its name and folder") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a CSV file of trials: {str(error).strip().splitlines()[0]}") from None
