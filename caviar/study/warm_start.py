"""What a study is given before it begins: configs to train first, and trials that finished elsewhere."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from caviar.csv import escape_formula, read_csv
from caviar.errors import InputError
from caviar.insight.ends import ends
from caviar.records.cells import cells_as_options, options_in_row
from caviar.records.events import Enqueued, WarmStarted
from caviar.records.outcome import Outcome
from caviar.records.settings import Settings
from caviar.records.trial import HAS_METRIC, State
from caviar.space.configs import config_of, config_of_row

logger = logging.getLogger("caviar")


def check_enqueued(config: object, settings: Settings) -> Enqueued:
    """Return a config to train first, or the row of a table; raise InputError if it is outside the study's space."""
    if isinstance(config, pd.Series):
        config = options_in_row(config, settings.space)
    if not isinstance(config, Mapping):
        raise InputError(f"a config must be a dict with a value for every hyperparameter, got {config!r:.100}")
    return Enqueued((config_of(settings.space, config),))


def read_warm_start(trials: object, settings: Settings) -> WarmStarted:
    """Return the trials of a table, its CSV file, or an earlier study that lie in a study's space.

    The table has a row for each trial and columns for the space and the metric. Rows whose "state" is neither
    "finished" nor "stopped" count as failed, as do rows without the metric. In an earlier study, trials that were
    stopped early count with their predicted ends; a table does not know these.
    """
    if isinstance(trials, Outcome):
        trials = _with_ends(trials, settings.objective.metric)
    if not isinstance(trials, pd.DataFrame | str | Path):
        raise InputError(f"the trials of a warm start must be a DataFrame, a CSV file or a study, got {trials!r:.100}")
    table = trials if isinstance(trials, pd.DataFrame) else _read_csv(Path(trials), settings)
    space, metric = settings.space, settings.objective.metric
    for name in (*(d.name for d in space.dimensions if d.parent is None), metric):
        if name not in table:
            raise InputError(f"the trials of a warm start have no column {name!r}, only {', '.join(map(str, table))}")
    if not pd.api.types.is_numeric_dtype(table[metric]):
        raise InputError(f"column {metric!r} of the warm start must hold numbers, got {table[metric].dtype}")
    points: list[np.ndarray] = []
    values: list[float] = []
    reason = ""  # why the first row was left out
    metrics = table[metric].to_numpy(dtype=float, na_value=math.nan)
    for row, number in zip(table.to_dict("records"), metrics.tolist(), strict=True):
        try:
            (point,) = space.snap(space.points([config_of_row(space, row)]))
        except InputError as error:
            reason = reason or str(error)
            continue
        survived = row.get("state", State.FINISHED) in HAS_METRIC
        loss = settings.objective.to_minimise({metric: number}) if survived else math.nan
        points.append(point)
        values.append(loss if math.isfinite(loss) else math.nan)
    if not points:
        because = reason or "it has no rows"
        raise InputError(f"none of the {len(table)} trials of the warm start lies in the space: {because}")
    if reason:
        logger.warning("%d of %d trials lie outside of the space: %s", len(table) - len(points), len(table), reason)
    return WarmStarted(np.array(points), np.array(values))


def _with_ends(outcome: Outcome, metric: str) -> pd.DataFrame:
    """Return the table of a study, where trials that were stopped early have the ends that are predicted for them."""
    if outcome.settings.objective.metric != metric or metric not in outcome.table:
        return outcome.table
    return outcome.table.assign(**{metric: ends(outcome)})


def _read_csv(path: Path, settings: Settings) -> pd.DataFrame:
    """Return a table with the hyperparameters as texts or options, whatever pandas would take for a missing value."""
    try:
        table, texts = read_csv(path), read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"there is no file {path} to warm-start from; check its name and folder") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a CSV file of trials: {str(error).strip().splitlines()[0]}") from None
    names = [*settings.space.names, settings.objective.metric]
    original = {escape_formula(name): name for name in names}
    table, texts = table.rename(columns=original), texts.rename(columns=original)
    hyperparameters = cells_as_options(texts[[name for name in names[:-1] if name in texts]], settings.space)
    table[hyperparameters.columns] = hyperparameters
    return table
