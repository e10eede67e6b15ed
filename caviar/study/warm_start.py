"""Finished trials of other studies, or of no study at all, for a search to begin with."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.errors import InputError
from caviar.records.ranking import lowered
from caviar.records.settings import Settings
from caviar.space.hyperparameters import Choice
from caviar.space.space import Space


def finished_trials(table: pd.DataFrame | str | Path, settings: Settings) -> tuple[list[list[float]], list[Any]]:
    """The trials of a table that lie in a space, as the search is told them.

    Args:
        table: a row a trial with the columns of the space and the metric, or the path of its CSV file. Where there
            is a column "state", rows that are neither "finished" nor "stopped" count as failed; a row without the
            metric does as well.
        settings: the space, metric and mode.

    Returns:
        Points of the unit cube, and values to be minimised (None: failed), of the rows in the space.

    Raises:
        InputError: a column is missing, the file cannot be read, or no row is in the space.
    """
    if not isinstance(table, pd.DataFrame | str | Path):
        raise InputError(f"the trials to begin with are a table, a CSV file or a study; got {table!r:.100}")
    rows = table if isinstance(table, pd.DataFrame) else _read(Path(table))
    wanted = [dimension.name for dimension in settings.space.dimensions if dimension.parent is None]
    for name in (*wanted, settings.metric):
        if name not in rows:
            raise InputError(f"the trials to begin with have no column {name!r}; there are {', '.join(map(str, rows))}")
    if not pd.api.types.is_numeric_dtype(rows[settings.metric]):
        raise InputError(f"the column {settings.metric!r} of the trials to begin with holds more than numbers")
    points: list[list[float]] = []
    values: list[Any] = []
    reason = "it has no rows"
    for row in rows.to_dict("records"):
        try:
            (point,) = settings.space.points([_config(row, settings.space)])
        except InputError as error:
            reason = str(error)
            continue
        ended_well = row.get("state", "finished") in ("finished", "stopped")
        value = lowered({settings.metric: float(row[settings.metric])}, settings) if ended_well else math.nan
        points.append(settings.space.snap(point[None])[0].tolist())
        values.append(value if math.isfinite(value) else None)
    if not points:
        raise InputError(f"none of the {len(rows)} trials to begin with is in the space: {reason}")
    return points, values


def _config(row: Mapping[Any, Any], space: Space) -> dict[str, Any]:
    """The values of a row, as the space writes them; cells that are empty were not in force."""
    config: dict[str, Any] = {}
    for dimension in space.dimensions:
        value = row.get(dimension.name)
        if not pd.isna(value):
            hyperparameter = dimension.hyperparameter
            config[dimension.name] = _option(value, hyperparameter) if isinstance(hyperparameter, Choice) else value
    return config


def _option(value: Any, choice: Choice) -> Any:
    """The option that a cell stands for: a CSV file only has numbers, truths and texts."""
    plain = value.item() if hasattr(value, "item") else value
    return next((option for option in choice.options if option == plain or str(option) == str(plain)), plain)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {path} of trials to begin with; check its name and folder") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no CSV file of trials: {str(error).strip().splitlines()[0]}") from None
