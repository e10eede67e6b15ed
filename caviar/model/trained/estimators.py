"""A trained model as a scikit-learn estimator that takes raw rows.

It is fitted for good, as with scikit-learn's FrozenEstimator: a clone is the model itself, and it cannot be fitted
again, since its preparation, its hyperparameters and its number of epochs come from a study of other rows.
"""

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from caviar.errors import InputError, printable
from caviar.model.arrays import Array
from caviar.model.config import FullConfig, check_config
from caviar.model.trained import files
from caviar.model.trained.model import Gain, Model

if TYPE_CHECKING:
    from onnx import ModelProto


class TrainedEstimator(BaseEstimator):  # type: ignore[misc]
    """What classifiers and regressors have in common.

    Attributes:
        model: the networks, and what they take and give.
        n_features_in_: the number of columns of a raw row.
        feature_names_in_: their names, if they have any.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    @property
    def n_features_in_(self) -> int:
        return len(self.model.schema.columns)

    @property
    def feature_names_in_(self) -> Array:
        if not self.model.schema.has_names:
            raise AttributeError("the columns that this model was trained on have no names")
        return np.array(self.model.schema.columns, object)

    @property
    def config(self) -> FullConfig:
        """The hyperparameters of its networks."""
        return check_config(self.model.networks[0].origin.config)

    @property
    def gain(self) -> Gain | None:
        """What averaging gains over a single network, on the validation rows; None where it was not measured."""
        return self.model.gain

    def fit(self, X: object, y: object = None) -> NoReturn:
        """Raise InputError: it is trained already."""
        raise InputError(
            "this model is trained already, and cannot be fitted again; to train on other rows, run a caviar.Study "
            "on them, or fit caviar.sklearn.BatchNormMLPClassifier or BatchNormMLPRegressor"
        )

    def save(self, path: str | Path) -> Path:
        """Write it to one .npz file, whole or not at all, for `caviar.load_model`; return the file's path."""
        return files.save(self.model, path)

    def to_onnx(self, path: str | Path | None = None) -> "ModelProto":
        """Return it as an ONNX model that takes raw rows.

        Each column that is used is an input of its name, (rows, 1). Levels are text, and "" is a missing cell. All else
        is float64, NaN where a cell is missing: numbers, also as levels, booleans as 0 and 1, durations in seconds,
        and dates in seconds since the start of 1970 in UTC. If the columns have no names, and none is text,
        there is one input instead: `x`, float64, (rows, columns). The outputs are `label` and `probabilities`, or
        `value`, and agree with NumPy's to 1e-5.

        Args:
            path: a file to write it to as well.

        Raises:
            MissingError: the package onnx is not installed.
        """
        from caviar.model.trained.onnx.model import to_onnx

        return to_onnx(self.model, path)

    def __sklearn_clone__(self) -> Self:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        schema, networks = self.model.schema, self.model.networks
        origin = networks[0].origin
        of_trial = "" if origin.trial is None or len(networks) > 1 else f" of trial {origin.trial}"
        metrics = {name: value for name, value in origin.metrics.items() if name in ("val_accuracy", "val_rmse")}
        shown = "".join(f", {name} {value:.4g}" for name, value in metrics.items()) if len(networks) == 1 else ""
        what = f"{printable(schema.target or schema.task)} from {len(schema.columns)} columns"
        count = f"{len(networks)} network{'s' * (len(networks) > 1)}{of_trial}"
        return f"<{type(self).__name__} {schema.name}: {what}, {count}{shown}>"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


class TrainedClassifier(ClassifierMixin, TrainedEstimator):  # type: ignore[misc]
    """A trained model that predicts classes; `study.model()` and `caviar.load_model` return one.

    Attributes:
        classes_: the labels, as in the data, sorted, as scikit-learn's scorers take for granted.
    """

    @property
    def classes_(self) -> Array:
        return np.sort(self.model.labels)

    def predict_proba(self, X: object) -> Array:
        """Return the probability of each class, (n, classes) in the order of `classes_`, for raw rows X.

        Args:
            X: a DataFrame with the columns by name, in any order, or an array with the columns in order.
        """
        return self.model.predict(self.model.schema.prepare(X))[:, self.model.sorting]

    def predict(self, X: object) -> Array:
        """Return the most probable label, (n,), of each raw row; X as in `predict_proba`."""
        labels: Array = self.model.labels[self.model.classify(self.model.schema.prepare(X))]
        return labels


class TrainedRegressor(RegressorMixin, TrainedEstimator):  # type: ignore[misc]
    """A trained model that predicts numbers; `study.model()` and `caviar.load_model` return one."""

    def predict(self, X: object) -> Array:
        """Return the predicted number, (n,), for each raw row.

        Args:
            X: a DataFrame with the columns by name, in any order, or an array with the columns in order.
        """
        return self.model.predict(self.model.schema.prepare(X))[:, 0]


Estimator = TrainedClassifier | TrainedRegressor


def estimator_of(model: Model) -> Estimator:
    """Return a model as an estimator."""
    return TrainedClassifier(model) if model.schema.task == "classification" else TrainedRegressor(model)


def load_model(path: str | Path) -> Estimator:
    """Return the model that `model.save(path)` wrote, exact to the last bit. Reading it runs no code.

    Args:
        path: the file.

    Raises:
        InputError: there is no such file, or it holds no whole model.
        StorageError: it is damaged, or was written by a newer Caviar.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> _ = study.run(progress=False)
    >>> file = study.model().save(tempfile.mkdtemp() + "/digits.npz")
    >>> caviar.load_model(file).n_features_in_
    64
    """
    return estimator_of(files.load(path))
