"""From a table as it is found to a Dataset: read it, decide what to predict and which rows validate, prepare it."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from caviar._checks import check_seed
from caviar.data.dataset import Dataset, target_scaling
from caviar.data.frames import Table, append, check_columns, table_of, with_target
from caviar.data.preparation.description import describe
from caviar.data.preparation.fit import fit_preparation
from caviar.data.preparation.overrides import Override, check_overrides
from caviar.data.reading.format import Format
from caviar.data.remarks import about_classes, about_copies, about_task
from caviar.data.source import Source, SourceKind, Task
from caviar.data.splits import Parts, Validation, split
from caviar.data.target import Target, read_target
from caviar.data.validation import Floats
from caviar.data.weights import check_sample_weight, training_weights, weights_of
from caviar.errors import InputError
from caviar.files import is_uri

logger = logging.getLogger("caviar")


def load_table(
    table: Table,
    target: str | None = None,
    *,
    name: str | None = None,
    task: Task | None = None,
    columns: Mapping[str, Override] | None = None,
    validation: object = None,
    sample_weight: str | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    seed: int = 0,
) -> Dataset:
    """Make a Dataset from a table as it is found: numbers, text, booleans, dates, empty cells.

    What each column becomes, which are left out and why, and a guessed task are logged, and stay in `Dataset.notes`.
    Everything is learned from the training rows alone.

    Args:
        table: a file or a URL (CSV, also compressed; Parquet; Feather), a DataFrame, or a pair (x, y).
        target: the column to predict; rows in which it is empty are left out. None for a pair.
        name: the data's name, for reports; by default that of the file.
        task: "classification" or "regression"; None: guessed, and said.
        columns: what columns become where the guess is wrong: "number", "category", "date", "drop", "keep" (although it
            looks like a row number, an identifier or the target itself), or a list of levels in their order.
        validation: a fraction of the rows (0.15), a number of folds (5), a second table, or a dict with one of
            `{"group": COLUMN}` (equal values stay together), `{"time": COLUMN}` (the last rows), `{"column": COLUMN}`
            (it says train, validation or test). Another 15% are for the test, unless the column says so.
        sample_weight: the column that says how much each row counts, in the loss and in the metrics.
        class_weight: "balanced", or how much each class counts in the training loss, by label.
        separator, decimal, encoding: of a CSV file; None: found out.
        seed: for the split.

    >>> table = pd.DataFrame({"width": [1.5, None, 0.5, 2.0] * 10, "kind": ["rose", "daisy"] * 20})
    >>> load_table(table, target="kind")
    <Dataset table: classification, 28+6+6 rows, 2 features>
    """
    form, chosen = Format(separator, decimal, encoding), Validation.of(validation)
    frame, target = table_of(table, target, form)
    frame, second = (frame, 0) if chosen.table is None else append(frame, target, chosen.table, form)
    if not isinstance(sample_weight, str | int | None):
        raise InputError(
            f"sample_weight must name a column, got a value of type {type(sample_weight).__name__}; "
            "add it to the table as a column"
        )
    sample_weight = None if sample_weight is None else str(sample_weight)
    apart = list(dict.fromkeys([target, *chosen.columns, *([] if sample_weight is None else [sample_weight])]))
    check_columns(frame, apart)
    wishes = check_overrides(columns or {}, [name for name in map(str, frame.columns) if name not in apart])
    frame, second, notes = with_target(frame, target, second)
    y = read_target(frame[target], task, target)
    parts = split(y, chosen, frame[list(chosen.columns)], check_seed(seed), second)
    weights = None
    if sample_weight is not None:
        weights = check_sample_weight(frame[sample_weight], len(frame), f"column {sample_weight!r}")
    features = [frame.drop(columns=apart)]  # a list, so that the table can be freed while it is prepared
    del frame

    def prepare(features: list[pd.DataFrame], parts: Parts) -> Dataset:
        return _prepare(features, y, parts, wishes, weights, class_weight)

    folds = tuple(prepare([*features], Parts(train, val, parts.test[:0])) for train, val in parts.folds)
    whole = prepare(features, parts)
    notes += [*about_task(y, target), *about_classes(y, parts, target), *about_copies(whole), *whole.notes]
    for note in notes:
        logger.warning(note)
    lines = describe(whole.preparation) if whole.preparation else ()
    for line in lines:
        logger.info(line)
    options = {
        "columns": {name: wish if isinstance(wish, str) else list(wish) for name, wish in wishes.items()},
        "validation": chosen.to_plain(),
        "sample_weight": sample_weight,
        "class_weight": _plain(class_weight),
        "separator": separator,
        "decimal": decimal,
        "encoding": encoding,
    }
    source = _source(table, chosen, target, task, seed, options)
    return replace(whole, name=name or _name(table), target=target, folds=folds, notes=(*lines, *notes), source=source)


def _prepare(
    features: list[pd.DataFrame],
    y: Target,
    parts: Parts,
    columns: Mapping[str, Override],
    sample_weight: Floats | None,
    class_weight: str | Mapping[Any, float] | None,
) -> Dataset:
    """Return the data set of some parts of the rows, with a preparation that is learned from its training rows.

    The table of features is taken from its list.
    """
    fitted = fit_preparation(features[0], np.sort(parts.train), y.values, columns)  # sorted, rows are read faster
    prepared = fitted.preparation
    train_x, val_x, test_x = prepared.use_up(features, (parts.train, parts.val, parts.test))

    mean, scale = (0.0, 1.0) if y.classes else target_scaling(y.values[parts.train])
    return Dataset(
        name="table",
        task=y.task,
        train_x=train_x,
        train_y=y.values[parts.train],
        val_x=val_x,
        val_y=y.values[parts.val],
        test_x=test_x,
        test_y=y.values[parts.test],
        classes=y.classes,
        target_mean=mean,
        target_scale=scale,
        preparation=prepared,
        train_weights=training_weights(y, parts.train, sample_weight, class_weight),
        val_weights=weights_of(sample_weight, parts.val, "validation"),
        test_weights=weights_of(sample_weight, parts.test, "test"),
        notes=fitted.notes,
    )


def _source(
    table: Table, chosen: Validation, target: str, task: Task | None, seed: int, options: Mapping[str, Any]
) -> Source:
    """Return where to load the same data again; in memory only, if any of it is."""
    if not isinstance(table, str | Path) or not isinstance(chosen.table, str | Path | None):
        return Source(SourceKind.ARRAYS)
    plain = {key: value for key, value in options.items() if value not in (None, {})}
    if chosen.table is not None:
        plain["validation"] = {"table": _absolute(chosen.table)}
    return Source(SourceKind.TABLE, _absolute(table), target, task, seed, options=plain)


def _plain(weights: str | Mapping[Any, float] | None) -> str | dict[str, float] | None:
    """Return the weights of classes as JSON can hold them."""
    return {str(k): float(v) for k, v in weights.items()} if isinstance(weights, Mapping) else weights


def _absolute(path: str | Path) -> str:
    return str(path) if is_uri(path) else str(Path(path).resolve())


def _name(table: Table) -> str:
    """Return the name of a file without its endings."""
    if not isinstance(table, str | Path):
        return "table"
    return str(table).rstrip("/").replace("\\", "/").rpartition("/")[2].partition(".")[0] or "table"
