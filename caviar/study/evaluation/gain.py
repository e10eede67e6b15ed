"""What averaging networks gains over one of them, in the metric that a study optimises."""

import logging

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.validation import Floats, Targets
from caviar.model.arrays import Array
from caviar.model.trained.model import Gain, Model
from caviar.study.evaluation.scores import LOWER_IS_BETTER, Score, interval, scorer, scores

_ROUNDING = 1e-12  # of a metric: the mean of equal values is not always exact
_DRAWS_OF_SCORERS = 200  # scikit-learn takes a millisecond for each
logger = logging.getLogger("caviar")


def measure_gain(model: Model, dataset: Dataset, metric: str = "") -> Gain | None:
    """Return what averaging gains on the validation rows, which count by their weights.

    Args:
        model: of several networks; the gain of a single one, or on no rows, is None.
        dataset: with the validation rows.
        metric: of these rows, "val_..."; the accuracy or the RMSE for any other.
    """
    y, weights = dataset.val_y, dataset.val_weights
    if len(model.networks) < 2 or not len(y):
        return None
    own = {f"val_{name.removeprefix('test_')}": score for name, score in scores(dataset).items()}
    if not metric.startswith("val_"):
        metric = next(iter(own))
    score = own.get(metric) or scorer(metric.removeprefix("val_"), dataset)
    sign = -1 if f"test_{metric.removeprefix('val_')}" in LOWER_IS_BETTER else 1
    each = [network.predict(dataset.val_x) for network in model.networks]
    predicted = np.stack([*each, model.predict(dataset.val_x)], axis=1)  # (n, networks + 1, outputs)
    if not dataset.classes:
        predicted = predicted[:, :, 0]

    def gain(y: Targets, predicted: Array, weights: Floats | None) -> float:
        alone, together = _compare(score, y, predicted, weights)
        return sign * (together - alone) if abs(together - alone) > _ROUNDING * abs(alone) else 0.0

    draws = {} if metric in own else {"draws": _DRAWS_OF_SCORERS}
    low, high = interval(gain, y, predicted, weights, **draws)
    alone, together = _compare(score, y, predicted, weights)
    measured = Gain(metric, alone, together, gain(y, predicted, weights), low, high)
    logger.info("%d networks: %s", len(model.networks), measured)
    return measured


def _compare(score: Score, y: Targets, predicted: Array, weights: Floats | None) -> tuple[float, float]:
    """Return the mean metric of the networks, and that of their average, the last of the predictions."""
    *alone, together = (score(y, predicted[:, i], weights) for i in range(predicted.shape[1]))
    return float(np.mean(alone)), float(together)
