"""What predictions are like: which classes are confused, how good probabilities are, how far numbers are off."""

from collections.abc import Sequence

import numpy as np

from caviar.data.validation import Label, Targets
from caviar.model.arrays import Array
from caviar.records.evaluation import CalibrationBin, ResidualQuantiles
from caviar.study.evaluation.scores import wilson

_MOST_CLASSES = 30  # of a confusion matrix
_BINS = 10
_MOST_PAIRS = 1000


def confusion_matrix(
    y: Targets, probabilities: Array, classes: Sequence[Label]
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """Return the labels, and how many rows of each class were predicted to be of each class.

    Beyond 30 classes, the rarest of these rows are grouped as one, the last.
    """
    labels, group = [str(label) for label in classes], np.arange(len(classes))
    if len(classes) > _MOST_CLASSES:
        frequent = np.argsort(-np.bincount(y, minlength=len(classes)), kind="stable")[: _MOST_CLASSES - 1]
        shown = np.sort(frequent)
        group = np.full(len(classes), len(shown))
        group[shown] = np.arange(len(shown))
        labels = [*(labels[index] for index in shown), f"{len(classes) - len(shown)} others"]
    counts = np.zeros((len(labels), len(labels)), int)
    np.add.at(counts, (group[y], group[probabilities.argmax(axis=1)]), 1)
    return tuple(labels), tuple(tuple(row) for row in counts.tolist())


def calibration(y: Targets, probabilities: Array) -> tuple[tuple[CalibrationBin, ...], float]:
    """Return bins of the probability of the predicted class, and the expected calibration error.

    The error is the mean over the rows of |observed - predicted| of their bins (Guo et al. 2017, On Calibration of
    Modern Neural Networks).
    """
    highest, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == y
    bin_of = np.minimum((highest * _BINS).astype(int), _BINS - 1)
    bins = []
    for number in np.unique(bin_of):
        inside = bin_of == number
        right, rows = int(correct[inside].sum()), int(inside.sum())
        bins.append(CalibrationBin(float(highest[inside].mean()), right / rows, *wilson(right, rows), rows))
    return tuple(bins), sum(each.rows * abs(each.observed - each.predicted) for each in bins) / len(y)


def residual_quantiles(y: Targets, predicted: Array) -> ResidualQuantiles:
    """Return quantiles of the actual minus the predicted values."""
    return ResidualQuantiles(*np.quantile(y - predicted, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist())


def sample_of(y: Targets, predicted: Array) -> tuple[tuple[float, float], ...]:
    """Return the actual and the predicted values of at most 1,000 evenly chosen rows."""
    count = min(len(y), _MOST_PAIRS)
    rows = np.arange(count) * len(y) // count
    return tuple(zip(y[rows].tolist(), predicted[rows].tolist(), strict=True))
