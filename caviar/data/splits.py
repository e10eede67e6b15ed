"""Which rows are for training, for validation and for the test, by their numbers."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from caviar.data.preparation.cells import instants, numbers
from caviar.data.preparation.columns import days
from caviar.data.split_settings import SHARE, Validation
from caviar.data.target import Target
from caviar.data.validation import Targets
from caviar.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_WORDS = {  # what the cells of a column that names the parts may say
    "train": ("train", "training", "fit", "false", "0"),
    "val": ("val", "valid", "validation", "dev", "eval", "true", "1"),
    "test": ("test", "testing", "holdout"),
}
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Parts:
    """The numbers of the rows of each part, in order, and of the training and validation rows of each fold."""

    train: Rows
    val: Rows
    test: Rows
    folds: tuple[tuple[Rows, Rows], ...] = ()


def split(target: Target, validation: Validation, columns: "pd.DataFrame", seed: int, second: int = 0) -> Parts:
    """Split rows in three parts, in which classes have their shares where no column decides.

    Args:
        target: of all rows.
        validation: how to choose.
        columns: those that `validation` names.
        seed: for what is drawn.
        second: how many rows, the last ones, came from the second table.

    Raises:
        InputError: a column or a second table leaves no row to train on.
    """
    parts = _chosen(target, validation, columns, seed, second)
    if not len(parts.train):
        raise InputError(
            f"the parts for validation and test have all {len(target.values)} rows, so none is left to train on; "
            "leave more rows for training"
        )
    folds = tuple((np.sort(train), np.sort(val)) for train, val in parts.folds)
    return Parts(np.sort(parts.train), np.sort(parts.val), np.sort(parts.test), folds)  # rows in order are read faster


def _chosen(target: Target, validation: Validation, columns: "pd.DataFrame", seed: int, second: int) -> Parts:
    rows = np.arange(len(target.values))
    if validation.table is not None:
        own, given = rows[: len(rows) - second], rows[len(rows) - second :]
        train, test = _cut(own, target, SHARE, seed)
        return Parts(train, given, test)
    if validation.column:
        return _by_column(columns[validation.column], target, validation.column, seed)
    if validation.time:
        return _by_time(columns[validation.time], validation)
    groups = _groups(columns[validation.group], validation.group) if validation.group else None
    if validation.folds:
        rest, test = _cut(rows, target, SHARE, seed, groups)
        return Parts(rest, rest[:0], test, _folds(rest, target, validation.folds, seed, groups))
    if groups is None:
        train, val, test = split_three(target.values, stratify=bool(target.classes), seed=seed, val=validation.fraction)
        return Parts(train, val, test)
    rest, test = _cut(rows, target, SHARE, seed, groups)
    train, val = _cut(rest, target, validation.fraction / (1 - SHARE), seed, groups)
    return Parts(train, val, test)


def split_three(
    targets: Targets, *, stratify: bool, seed: int, val: float = SHARE, test: float = SHARE
) -> tuple[Rows, Rows, Rows]:
    """Return the row numbers of the training, validation and test parts, each shuffled.

    With `stratify` every part gets its share of every class, as far as whole rows allow; the row of a class that has
    only one is for training.

    >>> [part.size for part in split_three(np.arange(40) % 2, stratify=True, seed=0)]
    [28, 6, 6]
    """
    order = np.random.default_rng(seed).permutation(len(targets))
    single = order[:0]
    if stratify:
        alone = np.bincount(targets)[targets[order]] == 1
        single, order = order[alone], order[~alone]
        # sort by class, so that dealing out the rows in order gives every part each class in proportion
        order = order[np.argsort(targets[order], kind="stable")]
    chosen = (np.arange(len(order)) + 0.5) * val % 1.0 < val
    rest = order[~chosen]
    share = test / (1 - val)
    held_out = (np.arange(len(rest)) + 0.5) * share % 1.0 < share
    shuffle = np.random.default_rng((seed, 1)).permutation
    train = np.concatenate([rest[~held_out], single])
    return shuffle(train), shuffle(order[chosen]), shuffle(rest[held_out])


def _cut(rows: Rows, target: Target, share: float, seed: int, groups: Rows | None = None) -> tuple[Rows, Rows]:
    """Return the rows without a share of them, and that share; groups stay together."""
    if groups is None:
        train, _, test = split_three(target.values[rows], stratify=bool(target.classes), seed=seed, val=0.0, test=share)
        return rows[train], rows[test]
    count = min(round(1 / share), len(np.unique(groups[rows])))
    wanted = share * len(rows)  # a group that is larger is for training
    return min(_folds(rows, target, count, seed, groups), key=lambda fold: abs(len(fold[1]) - wanted))


def _folds(rows: Rows, target: Target, count: int, seed: int, groups: Rows | None) -> tuple[tuple[Rows, Rows], ...]:
    """Return the training and validation rows of each fold of some rows."""
    from sklearn import model_selection  # slow to import

    y = target.values[rows]
    if groups is not None:
        kind = model_selection.StratifiedGroupKFold if target.classes else model_selection.GroupKFold
        count = _check_folds(count, len(np.unique(groups[rows])), "groups")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rare classes, which our own sentences name
            folds = list(kind(count, shuffle=True, random_state=seed).split(rows, y, groups[rows]))
    else:
        kind = model_selection.StratifiedKFold if target.classes else model_selection.KFold
        smallest = int(np.bincount(y)[np.unique(y)].min()) if target.classes else len(rows)
        kind = kind if smallest >= count else model_selection.KFold
        folds = kind(_check_folds(count, len(rows), "rows"), shuffle=True, random_state=seed).split(rows, y)
    return tuple((rows[train], rows[val]) for train, val in folds)


def _check_folds(count: int, most: int, what: str) -> int:
    if count > most:
        raise InputError(f"validation's folds must be at most the number of {what}, {most}, got {count}")
    return count


def _by_column(column: "pd.Series", target: Target, name: str, seed: int) -> Parts:
    """Return the parts that the cells of a column name; without a test part, a share of the training rows is one."""
    parts = {word: part for part, words in _WORDS.items() for word in words}
    cells = column.astype(str).str.strip().str.lower().str.removesuffix(".0")
    unknown = sorted(set(cells) - set(parts))
    if unknown:
        raise InputError(f"validation column {name!r} must say train, validation or test, got {unknown[0]!r}")
    chosen = cells.map(parts).to_numpy(object)
    train, val, test = (np.flatnonzero(chosen == part) for part in _WORDS)
    if not len(train) or not len(val):
        raise InputError(f"validation column {name!r} names {len(train)} training and {len(val)} validation rows")
    if not len(test):
        train, test = _cut(train, target, SHARE, seed)
    return Parts(train, val, test)


def _by_time(column: "pd.Series", validation: Validation) -> Parts:
    """Return the last rows by time for the test, and those before them for validation; equal times stay together."""
    from caviar.data.preparation.kinds import kind_of  # which imports pandas

    name = validation.time
    _check_filled(column, name)
    times = numbers(column) if kind_of(column) in ("number", "boolean") else days(instants(column))
    if np.isnan(times).any():
        raise InputError(f"validation column {name!r} must hold times such as 2024-01-31 or numbers")
    ranks = np.unique(times, return_inverse=True)[1]
    ordered = np.sort(ranks)
    test = ordered[min(len(ordered) - 1, round(len(ordered) * (1 - SHARE)))]
    val = ordered[min(len(ordered) - 1, round(len(ordered) * (1 - SHARE - validation.fraction)))]
    if not ordered[0] < val < test:
        raise InputError(f"validation column {name!r} has too few different times to be cut in three")
    train, between, last = map(np.flatnonzero, (ranks < val, (ranks >= val) & (ranks < test), ranks >= test))
    return Parts(train, between, last)


def _groups(column: "pd.Series", name: str) -> Rows:
    """Return a number for each row's group."""
    _check_filled(column, name)
    groups: Rows = column.factorize()[0].astype(np.int64)
    if groups.max() < 2:
        raise InputError(f"validation column {name!r} must have 3 groups or more, got {groups.max() + 1}")
    return groups


def _check_filled(column: "pd.Series", name: str) -> None:
    if empty := int(column.isna().sum()):
        raise InputError(f"validation column {name!r} has {empty} empty cells; fill them in")
