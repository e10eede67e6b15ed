"""From a table as it is found to a Dataset: read it, decide what to predict and which rows validate, prepare it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from caviar._checks import check_path, check_seed
from caviar._secrets import hide_secrets
from caviar.data.dataset import Dataset, target_scaling
from caviar.data.frames import Table, append, check_columns, table_of, with_target
from caviar.data.preparation.description import describe
from caviar.data.preparation.fit import fit_preparation
from caviar.data.preparation.overrides import Override, check_overrides
from caviar.data.reading.format import Format
from caviar.data.remarks import about_classes, about_copies, about_task
from caviar.data.source import Source, SourceKind, Task
from caviar.data.split_settings import Validation
from caviar.data.splits import Parts, split
from caviar.data.target import Target, read_target
from caviar.data.weights import ClassWeight, row_weights
from caviar.errors import InputError
from caviar.files import is_uri

logger = logging.getLogger("caviar")


@dataclass(frozen=True)
class TableSettings:
    """How a table is read and prepared: the arguments of `load_table`."""

    task: Task | None = None
    columns: Mapping[str, Override] = field(default_factory=dict)
    validation: object = None
    sample_weight: str | None = None
    class_weight: ClassWeight | None = None
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | None = None
    seed: int = 0

    def to_plain(self) -> dict[str, Any]:
        """Return those that a `Source` has no field for, as plain data."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("task", "seed")}
        plain["columns"] = {name: wish if isinstance(wish, str) else list(wish) for name, wish in self.columns.items()}
        if isinstance(self.class_weight, Mapping):
            plain["class_weight"] = {str(label): float(weight) for label, weight in self.class_weight.items()}
        return plain


def load_table(
    table: Table,
    target: str | None = None,
    *,
    name: str | None = None,
    task: Task | None = None,
    columns: Mapping[str, Override] | None = None,
    validation: object = None,
    sample_weight: str | None = None,
    class_weight: ClassWeight | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    seed: int = 0,
) -> Dataset:
    """Make a Dataset from a table as it is found: numbers, text, booleans, dates, empty cells.

    What each column becomes, which are left out and why, and a guessed task are logged, and stay in `Dataset.notes`.
    Everything is learned from the training rows alone.

    Args:
        table: a file or a URL (CSV, also compressed; Parquet; Feather), a DataFrame, or a pair (x, y).
        target: the column to predict; rows in which it is empty are left out. None for a pair.
        name: the data's name, for reports; by default that of the file.
        task: "classification" or "regression"; None: guessed, with a message.
        columns: what columns become where the guess is wrong: "number", "category", "date", "drop", "keep" (although it
            looks like a row number, an identifier or the target itself), or a list of levels in their order.
        validation: a fraction of the rows (0.15), a number of folds (5), a second table, or a dict with one of
            `{"group": COLUMN}` (equal values stay together), `{"time": COLUMN}` (the last rows), `{"column": COLUMN}`
            (it says train, validation or test). Another 15% are for the test, unless the column says so.
        sample_weight: the column that says how much each row counts, in the loss and in the metrics.
        class_weight: "balanced", or how much each class counts in the training loss, by label.
        separator, decimal, encoding: of a CSV file; None: detected.
        header: whether its first line has the names of the columns; None: detected.
        seed: for the split.

    >>> table = pd.DataFrame({"width": [1.5, None, 0.5, 2.0] * 10, "kind": ["rose", "daisy"] * 20})
    >>> load_table(table, target="kind")
    <Dataset table: classification, 28+6+6 rows, 2 features>
    """
    settings = TableSettings(
        task, columns or {}, validation, sample_weight, class_weight, separator, decimal, encoding, header, seed
    )
    dataset = load_quietly(table, target, settings, name)
    lines = describe(dataset.preparation) if dataset.preparation else ()
    for note in dataset.notes:
        logger.log(logging.INFO if note in lines else logging.WARNING, note)
    return dataset


def load_quietly(table: Table, target: str | None, settings: TableSettings, name: str | None = None) -> Dataset:
    """Do what `load_table` does, and log nothing: for a table that was loaded before."""
    form = Format(settings.separator, settings.decimal, settings.encoding, settings.header)
    chosen = Validation.of(settings.validation)
    frame, target = table_of(table, target, form)
    frame, second = (frame, 0) if chosen.table is None else append(frame, target, chosen.table, form)
    weight = _name_of_weight(settings.sample_weight)
    apart = list(dict.fromkeys([target, *chosen.columns, *([] if weight is None else [weight])]))
    check_columns(frame, apart)
    wishes = check_overrides(settings.columns, [name for name in map(str, frame.columns) if name not in apart])
    frame, second, notes = with_target(frame, target, second)
    y = read_target(frame[target], settings.task, target)
    parts = split(y, chosen, frame[list(chosen.columns)], check_seed(settings.seed), second)
    weights = None if weight is None else frame[weight]
    settings = replace(settings, columns=wishes, sample_weight=weight)
    features = [frame.drop(columns=apart)]  # a list, so that the table can be freed while it is prepared
    del frame
    in_folds = [Parts(train, val, parts.test[:0]) for train, val in parts.folds]
    folds = tuple(_prepare([*features], y, fold, settings, weights) for fold in in_folds)
    whole = _prepare(features, y, parts, settings, weights)
    notes += [*about_task(y, target), *about_classes(y, parts, target), *about_copies(whole), *whole.notes]
    lines = describe(whole.preparation) if whole.preparation else ()
    source = _source(table, target, settings, chosen)
    return replace(whole, name=name or _name(table), target=target, folds=folds, notes=(*lines, *notes), source=source)


def _name_of_weight(column: object) -> str | None:
    if not isinstance(column, str | int | None):
        raise InputError(
            f"sample_weight must name a column, got a value of type {type(column).__name__}; "
            "add it to the table as a column"
        )
    return None if column is None else str(column)


def _prepare(
    features: list[pd.DataFrame],
    y: Target,
    parts: Parts,
    settings: TableSettings,
    sample_weight: pd.Series | None,
) -> Dataset:
    """Return the data set of some parts of the rows, with a preparation that is learned from its training rows.

    The table of features is taken from its list.
    """
    fitted = fit_preparation(features[0], parts.train, y.values, settings.columns)
    prepared, rows = fitted.preparation, (parts.train, parts.val, parts.test)
    train_x, val_x, test_x = prepared.use_up(features, rows)
    weights = row_weights(y.values, y.classes, rows, sample_weight, settings.class_weight)
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
        train_weights=weights[0],
        val_weights=weights[1],
        test_weights=weights[2],
        notes=fitted.notes,
    )


def _source(table: Table, target: str, settings: TableSettings, chosen: Validation) -> Source:
    """Return where to load the same data again; in memory only, if any of it is."""
    if not isinstance(table, str | Path) or not isinstance(chosen.table, str | Path | None):
        return Source(SourceKind.ARRAYS)
    options = settings.to_plain() | {"validation": chosen.to_plain()}
    if chosen.table is not None:
        options["validation"] = {"table": _absolute(chosen.table)}
    options = {name: value for name, value in options.items() if value not in (None, {})}
    return Source(SourceKind.TABLE, _absolute(table), target, settings.task, settings.seed, options=options)


def _absolute(path: str | Path) -> str:
    """Return where a file is; a URL without its passwords and tokens, since a journal keeps it."""
    return hide_secrets(str(path)) if is_uri(path) else str(Path(check_path("table", path)).resolve())


def _name(table: Table) -> str:
    """Return the name of a file without its endings; a URL's question may hold a token."""
    if not isinstance(table, str | Path):
        return "table"
    path = urlsplit(str(table)).path if is_uri(table) else str(table)
    return path.rstrip("/").replace("\\", "/").rpartition("/")[2].partition(".")[0] or "table"
