"""The built-in network as scikit-learn estimators."""

import inspect
import math
from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from caviar.data.target import check_squares
from caviar.data.validation import Label
from caviar.data.weights import scaled
from caviar.errors import InputError
from caviar.model.layers.losses import softmax
from caviar.sklearn.network_base import BatchNormMLP, Labels, weighted_rows
from caviar.space.scales import Array


class BatchNormMLPClassifier(ClassifierMixin, BatchNormMLP):
    """The built-in network as a classifier: dense layers with batch norm, softmax and Adam, in NumPy.

    Args:
        hidden_units, hidden_layers: units of each hidden layer, and number of hidden layers (0: softmax regression).
        activation: "relu", "sigmoid" or "tanh".
        batch_norm, dropout: batch normalization before the activation; the share of units dropped after it.
        optimizer: "adam" or "momentum", with learning_rate, momentum (Adam's beta1), beta2 and epsilon.
        batch_size, epochs: rows of a mini-batch (at most all), passes over the rows.
        schedule, lr_decay, warmup: "inverse-time", "cosine" or "constant"; its decay; epochs of linear warm-up.
        weight_decay, clip_norm: decoupled weight decay; the largest norm of a gradient.
        label_smoothing: the share of a label that is spread evenly over all classes (of no effect in a regressor).
        class_weight: None, "balanced" (n / (classes * rows of the class)) or a dict of labels and weights, by which the
            sample weights of the rows are multiplied.
        dtype: "float32" or "float64" for training; predictions are float64.
        random_state: an int, a RandomState or None, for the initial weights, shuffles and dropout.

    Fitted: `classes_`, `n_features_in_`, `feature_names_in_`, `coefs_` and `intercepts_` (of a plain dense network, as
    in MLPClassifier), `loss_curve_` (the training loss of each epoch).

    As in scikit-learn's MLPClassifier: `coefs_[i]` is (inputs, units); labels may be numbers, strings or booleans;
    loss_curve_ has mean losses. Differences: features are standardised inside, so no StandardScaler is needed; all
    hidden layers have one width; `epochs` is a fixed number of passes (no tolerance, early stopping, `partial_fit` or
    `warm_start`); weight decay is decoupled, not a penalty (`alpha`); the incomplete last mini-batch of an epoch is
    skipped; a binary problem has two outputs; BLAS uses one thread. Sparse matrices and multi-label targets are
    rejected; training that diverges raises InputError.

    Rows of weight 0 are left out, and weights multiply losses. As with any network trained by mini-batches, a row of
    weight 2 is not exactly the same as two rows, except without batch norm and with all rows in one batch.

    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> model = BatchNormMLPClassifier(learning_rate=0.01, epochs=30, random_state=0).fit(x, y)
    >>> bool(model.score(x, y) > 0.95)
    True
    """

    def __init__(
        self,
        *,
        hidden_units: int = 64,
        hidden_layers: int = 2,
        activation: str = "relu",
        batch_norm: bool = True,
        dropout: float = 0.0,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        batch_size: int = 64,
        epochs: int = 100,
        schedule: str = "inverse-time",
        lr_decay: float = 0.0,
        warmup: float = 0.0,
        weight_decay: float = 0.0,
        clip_norm: float = math.inf,
        label_smoothing: float = 0.0,
        class_weight: str | Mapping[Label, float] | None = None,
        dtype: str = "float32",
        random_state: object = None,
    ) -> None:
        given = dict(locals())
        super().__init__(**{name: given[name] for name in inspect.signature(super().__init__).parameters})
        self.class_weight = class_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on all rows; raises InputError if training diverges.

        Args:
            X: (n, features).
            y: the labels, (n,).
            sample_weight: how much each row counts, (n,), >= 0; None: all the same.
        """
        x, labels = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        rows, weights = weighted_rows(sample_weight, len(x))
        if self.class_weight is not None:
            weights = compute_sample_weight(self.class_weight, labels[rows]) * (1.0 if weights is None else weights)
            if not (np.isfinite(weights) & (weights >= 0)).all():
                raise InputError(f"class_weight must be numbers >= 0, got {self.class_weight!r:.60}")
            if not weights.any():
                raise InputError("class_weight is zero for the class of each row; give one a weight > 0")
            weights = scaled(weights)
        self._train(x[rows], indices[rows], self.classes_, weights)
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (n, classes) in the order of `classes_`, for X of (n, features)."""
        logits = np.ascontiguousarray(self._outputs(X).T)
        softmax(logits)
        return np.ascontiguousarray(logits.T)

    def predict(self, X: ArrayLike) -> Labels:
        """Return the most probable label, (n,), of each row of X, (n, features)."""
        indices = np.argmax(self._outputs(X), axis=1)
        labels: Labels = self.classes_[indices]
        return labels


class BatchNormMLPRegressor(RegressorMixin, BatchNormMLP):
    """The built-in network as a regressor: dense layers with batch norm, squared error and Adam, in NumPy.

    Arguments, fitted attributes and differences from scikit-learn are those of `BatchNormMLPClassifier`. The target is
    standardised inside (`loss_curve_` is on that scale), and must be a single column.

    >>> from sklearn.datasets import load_diabetes
    >>> x, y = load_diabetes(return_X_y=True)
    >>> model = BatchNormMLPRegressor(learning_rate=0.01, epochs=30, random_state=0).fit(x, y)
    >>> bool(model.score(x, y) > 0.5)
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on all rows; raises InputError if training diverges.

        Args:
            X: (n, features).
            y: the targets, (n,).
            sample_weight: how much each row counts, (n,), >= 0; None: all the same.
        """
        x, targets = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2, y_numeric=True)
        targets = column_or_1d(targets, warn=True).astype(np.float64)
        check_squares(targets, "y")
        rows, weights = weighted_rows(sample_weight, len(x))
        self._train(x[rows], targets[rows], None, weights)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return the predicted number, (n,), for each row of X, (n, features)."""
        return self._outputs(X)[:, 0]
