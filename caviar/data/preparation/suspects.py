"""Columns that tell the target: the target itself under another name, or what predicts it alone."""

from collections.abc import Sequence
from math import lgamma, log

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.preparation.cells import cells_of, instants, levels, read_numbers
from caviar.data.preparation.columns import days
from caviar.data.preparation.raw import Note, Raw
from caviar.data.validation import Floats, Targets

SAME = "the target under another name"

_SAMPLE_ROWS, _SAMPLE_CELLS = 10_000, 10_000_000
_BINS, _BIN_ROWS = 64, 8
_LIKELY = 20  # columns for which trees are grown at most
_CHANCE = 1e-6  # of crying wolf about a table of random columns


def find_suspects(
    table: pd.DataFrame, train: NDArray[np.int64], target: Targets, raws: Sequence[Raw]
) -> tuple[dict[str, str], list[Note]]:
    """Return the columns that are the target for certain, and why, and notes about those that only predict it alone.

    Args:
        table: all columns.
        train: the row numbers of the training part.
        target: (rows of the table,), int64 indices of classes, or float64 numbers.
        raws: the columns to look at.
    """
    size = min(_SAMPLE_ROWS, _SAMPLE_CELLS // max(len(raws), 1))
    sample = np.sort(np.random.default_rng(0).permutation(train)[:size])
    classes = target.dtype.kind != "f"
    if not raws or not _tells_enough(target[sample], classes, len(raws)):
        return {}, []
    cells = _as_numbers(table, raws, sample)
    ranks = target[sample] if classes else np.argsort(np.argsort(target[sample])).astype(np.float64)
    errors, different = _errors_by_bins(cells, ranks, classes)
    certain: dict[str, str] = {}
    notes: list[Note] = []
    kinds = len(np.unique(target[sample])) if classes else 0
    worth = np.flatnonzero(errors < (0.3 if classes else 0.1))
    for place in worth[np.argsort(errors[worth], kind="stable")]:
        raw = raws[place]
        if (different[place] == kinds if classes else raw.kind == "number") and _is_same(table, train, target, raw):
            certain[raw.name] = SAME
        elif len(notes) < _LIKELY and (score := _score_alone(cells[:, [place]], target[sample], classes)):
            notes.append(
                Note(
                    raw.name,
                    f"predicts the target almost alone ({score}); make sure that it is known before the target is",
                    "drop",
                    "leaves it out",
                )
            )
    return certain, notes


def _tells_enough(target: Targets, classes: bool, columns: int) -> bool:
    """Return whether a random column agrees with a target by chance less often than `_CHANCE`."""
    if not classes:
        return len(target) >= 30
    orders = lgamma(len(target) + 1) - sum(lgamma(count + 1) for count in np.bincount(target).tolist())
    return orders > log(columns / _CHANCE)


def _as_numbers(table: pd.DataFrame, raws: Sequence[Raw], index: NDArray[np.int64]) -> Floats:
    """Return columns as numbers that tell the same, (rows, columns); missing cells lie below all others."""
    numeric = [place for place, raw in enumerate(raws) if raw.kind in ("number", "boolean")]
    cells = np.empty((len(index), len(raws)))
    if numeric:
        cells[:, numeric] = read_numbers(table, [raws[place].position for place in numeric], index)
    for place in sorted(set(range(len(raws))) - set(numeric)):
        values = cells_of(table, raws[place].position, index)
        cells[:, place] = days(instants(values)) if raws[place].kind == "date" else levels(values)[0]
    known = np.isfinite(cells)
    if not known.all():
        lowest = np.where(known, cells, np.inf).min(axis=0)
        cells = np.where(known, cells, np.where(np.isfinite(lowest), lowest - 1.0 - np.abs(lowest), 0.0))
    return cells


def _errors_by_bins(cells: Floats, target: Targets, classes: bool) -> tuple[Floats, NDArray[np.int64]]:
    """Return how badly each column, cut into bins, tells the target of the same rows, and how many values it has.

    The error is 1 for a column that tells nothing, and 0 for one that tells all.
    """
    rows, columns = cells.shape
    kinds = int(target.max()) + 1 if classes else 1
    bins = max(min(_BINS, rows // _BIN_ROWS), kinds)
    order = np.argsort(cells, axis=0, kind="stable")
    ordered = np.take_along_axis(cells, order, axis=0)
    starts = np.vstack([np.ones((1, columns), bool), ordered[1:] > ordered[:-1]])
    ranks = np.cumsum(starts, axis=0) - 1  # equal values have equal ranks
    different = ranks[-1] + 1
    first = np.maximum.accumulate(np.where(starts, np.arange(rows)[:, None], 0), axis=0)
    places = np.where(different <= bins, ranks, first * bins // rows)
    errors = np.array([_error(places[:, i], target[order[:, i]], classes, bins, kinds) for i in range(columns)])
    return errors, different


def _error(places: NDArray[np.int64], target: Targets, classes: bool, bins: int, kinds: int) -> float:
    if classes:
        counts = np.bincount(places * kinds + target, minlength=bins * kinds).reshape(bins, kinds)
        return float((len(target) - counts.max(axis=1).sum()) / (len(target) - counts.sum(axis=0).max()))
    centred = target - target.mean()
    counts, sums = np.bincount(places, minlength=bins), np.bincount(places, centred, minlength=bins)
    return float(1 - (sums**2 / np.maximum(counts, 1)).sum() / (centred**2).sum())


def _is_same(table: pd.DataFrame, train: NDArray[np.int64], target: Targets, raw: Raw) -> bool:
    """Return whether all training rows agree: each value has its class, or the target is a line over the column."""
    cells = _as_numbers(table, [raw], train)[:, 0]
    if target.dtype.kind != "f":
        pairs = pd.DataFrame({"cell": cells, "target": target[train]}).drop_duplicates()
        return pairs["cell"].is_unique and pairs["target"].is_unique
    if not np.isfinite(cells).all() or np.ptp(cells) == 0:
        return False
    x, y = cells - cells.mean(), target[train] - target[train].mean()
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    return bool(np.abs(y - x * (x @ y) / (x @ x)).max() < 1e-9)


def _score_alone(cells: Floats, target: Targets, classes: bool) -> str:
    """Return the cross-validated score of a tree if it is nearly perfect, and otherwise ""."""
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if np.abs(cells).max() > np.finfo(np.float32).max:  # trees take float32, and only the order counts
        cells = np.unique(cells, return_inverse=True)[1].reshape(cells.shape).astype(np.float64)
    if classes:
        counts = np.bincount(target)
        common = np.flatnonzero(counts >= 3)  # other classes cannot be in each of three folds
        rows = np.isin(target, common)
        if len(common) < 2:
            return ""
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        tree = DecisionTreeClassifier(min_samples_leaf=2, random_state=0)
        score = cross_val_score(tree, cells[rows], target[rows], cv=folds).mean() * rows.mean()
        chance = 1 - counts.max() / len(target)
        return f"accuracy {score:.3g}" if score >= 0.99 and 1 - score <= 0.05 * chance else ""
    tree = DecisionTreeRegressor(min_samples_leaf=2, random_state=0)
    score = cross_val_score(tree, cells, target, cv=KFold(3, shuffle=True, random_state=0), scoring="r2").mean()
    return f"R² {score:.3g}" if score >= 0.99 else ""
