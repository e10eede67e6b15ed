"""Which columns the winner needs: how much worse it gets when the values of one are shuffled.

Breiman (2001, Random Forests, section 10); with repeats and for any model: Fisher, Rudin & Dominici (2019).
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from caviar.data.validation import Floats, Targets
from caviar.model.arrays import Array
from caviar.records.evaluation import ColumnImportance
from caviar.study.evaluation.scores import Score

Predict = Callable[[NDArray[np.float32]], Array]  # (n, features) -> predictions for n rows

_REPEATS = 5
_MANY, _KEPT = 200, 50  # with more columns than that, only those of the largest first effects are measured well
_MOST_ROWS, _FEWEST_ROWS = 2000, 50
_WORK = 200_000_000  # rows x columns x repeats x (features + a hidden layer): at most some seconds
_CELLS = 2_000_000  # numbers of the tables that are predicted in one call


def column_importance(
    predict: Predict,
    loss: Score,
    x: NDArray[np.float32],
    y: Targets,
    weights: Floats | None,
    columns: Mapping[str, slice],
) -> tuple[ColumnImportance, ...]:
    """Return how much the loss rises when a column is shuffled, the largest first; the same for the same arguments.

    Args:
        predict: the model.
        loss: of its predictions; lower is better.
        x, y, weights: the rows, of which evenly chosen ones are used if there are many.
        columns: the features of each column of the table, which are shuffled together.
    """
    columns = {name: features for name, features in columns.items() if features.stop > features.start}
    if len(columns) > _MANY:
        first = _effects(predict, loss, x, y, weights, columns, repeats=1, seed=1)[:, 0]
        names = np.array(list(columns), dtype=object)[np.argsort(-first, kind="stable")[:_KEPT]]
        columns = {name: columns[name] for name in names}
    effects = _effects(predict, loss, x, y, weights, columns, repeats=_REPEATS, seed=0)
    found = [
        ColumnImportance(name, float(row.mean()), float(row.std())) for name, row in zip(columns, effects, strict=True)
    ]
    return tuple(sorted(found, key=lambda importance: -importance.mean))


def _effects(
    predict: Predict,
    loss: Score,
    x: NDArray[np.float32],
    y: Targets,
    weights: Floats | None,
    columns: Mapping[str, slice],
    *,
    repeats: int,
    seed: int,
) -> Array:
    """Return by how much the loss rises, (columns, repeats)."""
    affordable = _WORK // max(1, len(columns) * repeats * (x.shape[1] + 200))
    count = min(len(y), _MOST_ROWS, max(_FEWEST_ROWS, affordable))
    rows = np.arange(count) * len(y) // count
    x, y, weights = x[rows], y[rows], None if weights is None else weights[rows]
    generator, before = np.random.default_rng(seed), loss(y, predict(x), weights)
    shuffles = [features for features in columns.values() for _ in range(repeats)]
    together = max(1, _CELLS // x.size)  # in one call of the model, which may take long for few rows
    effects: list[float] = []
    for start in range(0, len(shuffles), together):
        part = shuffles[start : start + together]
        shuffled = np.tile(x, (len(part), 1, 1))
        for copy, features in zip(shuffled, part, strict=True):
            copy[:, features] = x[generator.permutation(count), features]
        predicted = predict(shuffled.reshape(-1, x.shape[1]))
        effects += [loss(y, rows, weights) - before for rows in np.split(predicted, len(part))]
    return np.array(effects).reshape(len(columns), repeats)
