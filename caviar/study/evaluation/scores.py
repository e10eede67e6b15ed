"""Metrics of predictions for rows, and how far they would be off with other rows."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.validation import Floats, Targets
from caviar.errors import InputError
from caviar.model.arrays import Array

# (targets (n,), predictions, how much each row counts, (n,) or None) -> the metric; predictions are (n, classes)
# probabilities, or (n,) numbers in the target's unit
Score = Callable[[Targets, Array, Floats | None], float]

LOWER_IS_BETTER = ("test_rmse", "test_loss")  # of all others, such as the scorers of scikit-learn, more is better
_Z = 1.959963984540054  # a standard normal value lies within +-_Z with a probability of 95%
_RESAMPLES, _FEWEST_RESAMPLES = 1000, 200
_RESAMPLED_ROWS = 10_000_000  # in all resamples together, if that allows for the fewest


def scores(dataset: Dataset) -> dict[str, Score]:
    """Return the network's own metrics of the test part, the main one first."""
    if dataset.classes:
        return {"test_accuracy": accuracy, "test_loss": _log_loss}
    return {"test_rmse": _rmse, "test_loss": partial(_squared_error, scale=dataset.target_scale)}


def scorer(name: str, dataset: Dataset) -> Score:
    """Return a scorer of scikit-learn as a metric, which is NaN where it cannot score the rows."""
    from caviar.model.scorers import score_of  # which imports scikit-learn

    def score(y: Targets, predicted: Array, weights: Floats | None) -> float:
        try:
            return score_of(name, predicted.reshape(len(y), -1), y, dataset.task, weights)
        except InputError:  # it needs every class, or positive numbers
            return math.nan

    return score


def accuracy(y: Targets, probabilities: Array, weights: Floats | None) -> float:
    """Return the share of rows whose most probable class is theirs."""
    return float(np.average(probabilities.argmax(axis=1) == y, weights=weights))


def _log_loss(y: Targets, probabilities: Array, weights: Floats | None) -> float:
    of_class = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    return float(-np.average(np.log(np.maximum(of_class, np.finfo(np.float32).tiny)), weights=weights))


def _squared_error(y: Targets, predicted: Array, weights: Floats | None, scale: float = 1.0) -> float:
    return float(np.average(((predicted - y) / scale) ** 2, weights=weights))


def _rmse(y: Targets, predicted: Array, weights: Floats | None) -> float:
    return math.sqrt(_squared_error(y, predicted, weights))


def baseline(dataset: Dataset, rows: int) -> Array:
    """Return predictions that ignore the features: the shares of the classes in the training part, or its mean."""
    if dataset.classes:
        counts = np.bincount(dataset.train_y, minlength=len(dataset.classes))
        return np.tile(counts / max(1, counts.sum()), (rows, 1))
    return np.full(rows, dataset.target_mean)


def interval(
    score: Score, y: Targets, predicted: Array, weights: Floats | None, draws: int = _RESAMPLES
) -> tuple[float, float]:
    """Return a 95% interval of a metric, over the choice of the rows.

    That of an accuracy is Wilson's, which is right for few rows and for shares near 1 (Brown, Cai & DasGupta 2001).
    The others are percentiles of the metric on rows drawn with replacement (Efron & Tibshirani 1993, chapter 13).
    """
    if score is accuracy and weights is None:
        return wilson(int((predicted.argmax(axis=1) == y).sum()), len(y))
    generator, values = np.random.default_rng(0), []
    for _ in range(min(draws, max(_FEWEST_RESAMPLES, _RESAMPLED_ROWS // len(y)))):
        drawn = generator.integers(len(y), size=len(y))
        try:
            values.append(score(y[drawn], predicted[drawn], None if weights is None else weights[drawn]))
        except (ValueError, ZeroDivisionError):  # a scorer that needs every class; weights that are all 0
            continue
    defined = [value for value in values if not math.isnan(value)]
    low, high = np.percentile(defined, [2.5, 97.5]) if defined else (math.nan, math.nan)
    return float(low), float(high)


def wilson(successes: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a share: `successes` of `count` >= 1 (Wilson 1927).

    >>> [round(bound, 3) for bound in wilson(9, 10)]
    [0.596, 0.982]
    """
    share, noise = successes / count, _Z**2 / count
    centre = (share + noise / 2) / (1 + noise)
    half = math.sqrt(share * (1 - share) * noise + noise**2 / 4) / (1 + noise)
    return max(0.0, centre - half), min(1.0, centre + half)
