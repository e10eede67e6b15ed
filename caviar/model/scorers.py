"""scikit-learn's scorers by name, applied to a network's predictions. Import this only where a scorer is asked for.

Classes are their indices here, in sorted order, so that labels of any kind will do, and the second of two classes is
the positive one.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import cluster, get_scorer, get_scorer_names

from caviar._checks import did_you_mean
from caviar.data.dataset import Dataset
from caviar.data.source import Task
from caviar.errors import InputError
from caviar.model.arrays import Array
from caviar.model.evaluation import rows_of

_VARIANTS = ("{}_ovr", "{}_macro")  # what a scorer for two classes is called for more


class _Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier whose rows are the probabilities that it predicts."""

    def __init__(self, classes: int = 2) -> None:
        self.classes = classes

    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.arange(self.classes)

    def predict_proba(self, X: Array) -> Array:
        return X

    def predict(self, X: Array) -> NDArray[np.int64]:
        indices: NDArray[np.int64] = np.argmax(X, axis=1)
        return indices


class _Regressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted regressor whose rows are the numbers that it predicts."""

    def predict(self, X: Array) -> Array:
        return X[:, 0]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def scores(predicted: Array, dataset: Dataset, part: str, names: Sequence[str]) -> dict[str, float]:
    """Return what scorers give the predictions for the "val" or "test" part; {} if it has no rows.

    Args:
        predicted: (n, outputs), from `Training.predict`.
        dataset: the data; its rows count by their weights.
        part: "val" or "test", with which the scores' names begin.
        names: of the scorers.

    Raises:
        InputError: a scorer cannot score these predictions.

    >>> from caviar.data.loaders import load_digits
    >>> digits = load_digits()
    >>> scores(np.eye(10)[digits.val_y], digits, "val", ["f1_macro"])
    {'val_f1_macro': 1.0}
    """
    _, y, weights = rows_of(dataset, part)
    if not len(y):
        return {}
    if not np.isfinite(predicted).all():
        return {f"{part}_{name}": np.nan for name in names}
    return {f"{part}_{name}": score_of(name, predicted, y, dataset.task, weights) for name in names}


def score_of(name: str, predicted: Array, y: Array, task: Task, weights: Array | None) -> float:
    """Return what a scorer says of predictions, (rows, outputs), for targets, (rows,); InputError if it cannot."""
    predicted = predicted.astype(np.float64)
    estimator = _Regressor()
    if task == "classification":
        estimator = _Classifier(predicted.shape[1])
        predicted = predicted / predicted.sum(axis=1, keepdims=True)  # some scorers check the sum in double precision
    arguments = {} if weights is None else {"sample_weight": weights}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a class is never predicted, which is common in a first epoch
            return float(get_scorer(name)(estimator, predicted, y, **arguments))
    except Exception as error:  # whatever a metric raises
        words = " ".join(str(error).split())
        raise InputError(f"{name} cannot score the predictions ({type(error).__name__}: {words:.200})") from None


def check_scorer(metric: str, dataset: Dataset, own_metrics: Sequence[str] = ()) -> None:
    """Raise InputError for a name that is no scorer's, or a scorer that does not suit the data.

    Args:
        metric: the name of a scorer, which may have "val_" before it.
        dataset: whose validation part the scorer must be able to score.
        own_metrics: other names that are allowed, for the hint.

    >>> from caviar.data.loaders import load_digits
    >>> check_scorer("r2", load_digits())
    Traceback (most recent call last):
    caviar.errors.InputError: metric 'r2' is for numbers, but the data have classes; try 'f1_macro' or 'neg_log_loss'
    """
    name, known = metric.removeprefix("val_"), get_scorer_names()
    if name not in known:
        prefix = metric.removesuffix(name)
        choices = [*own_metrics, *(prefix + scorer for scorer in known)]
        raise InputError(f"metric={metric!r} is not reported{did_you_mean(metric, choices)}")
    if hasattr(cluster, name):
        raise InputError(f"metric {name!r} compares clusters, not predictions; try another of scikit-learn's scorers")
    made_up = np.random.default_rng(0)
    y, classes = dataset.val_y, dataset.outputs
    if not len(y):
        raise InputError(f"metric {name!r} needs rows for validation, but the data have none")
    if dataset.task == "regression":
        predicted = y[:, None] + 0.1 * dataset.target_scale  # as positive as the targets are
    else:
        if _scores_numbers(name):
            raise InputError(
                f"metric {name!r} is for numbers, but the data have classes; try 'f1_macro' or 'neg_log_loss'"
            )
        predicted = np.eye(classes)[y] + made_up.random((len(y), classes))
        predicted /= predicted.sum(axis=1, keepdims=True)
    try:
        score = score_of(name, predicted, y, dataset.task, dataset.val_weights)
    except InputError as error:
        reason = str(error).partition("(")[2].removesuffix(")")
    else:
        if np.isfinite(score):
            return
        reason = f"its score is {score}"
    raise InputError(f"metric {name!r} cannot score {_described(dataset)} ({reason}){_hint(name, dataset)}")


def _scores_numbers(name: str) -> bool:
    """Return whether a scorer is for regression."""
    y = np.array([0.5, 1.5, 3.0, 4.5])
    try:
        score_of(name, y[:, None] + 0.1, y, "regression", None)
    except InputError:
        return False
    return True


def _described(dataset: Dataset) -> str:
    if dataset.task == "regression":
        return "numbers such as these"
    return f"these {dataset.outputs} classes"


def _hint(name: str, dataset: Dataset) -> str:
    missing = sorted(set(range(len(dataset.classes))) - set(np.unique(dataset.val_y).tolist()))
    if dataset.classes and missing:
        return f"; class {dataset.classes[missing[0]]!r} has no row for validation, give it more rows or leave it out"
    if dataset.task == "classification":
        for variant in _VARIANTS:
            if len(dataset.classes) > 2 and (other := variant.format(name)) in get_scorer_names():
                return f"; try {other!r}"
        return "; try 'f1_macro' or 'neg_log_loss'"
    return "; try 'r2' or 'neg_mean_absolute_error'"
