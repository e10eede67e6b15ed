"""What the built-in network's classifier and regressor have in common: hyperparameters, training and outputs.

A fitted estimator is a plain dense network: standardisation of the features and the target, and batch norm, are folded
into `coefs_` and `intercepts_`, so prediction needs nothing else.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from caviar._checks import check_integer
from caviar._threads import one_blas_thread
from caviar.data.dataset import Dataset
from caviar.data.preparation.scaling import scaling
from caviar.data.weights import scaled
from caviar.errors import InputError
from caviar.model.config import NETWORK_DEFAULTS, check_config
from caviar.model.layers.activations import ACTIVATIONS
from caviar.model.training import Training
from caviar.space.scales import Array

Labels = NDArray[np.generic]


class BatchNormMLP(BaseEstimator):
    """The base of the classifier and the regressor: hyperparameters, training and outputs."""

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
        dtype: str = "float32",
        random_state: object = None,
    ) -> None:
        self.hidden_units = hidden_units
        self.hidden_layers = hidden_layers
        self.activation = activation
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.beta2 = beta2
        self.epsilon = epsilon
        self.batch_size = batch_size
        self.epochs = epochs
        self.schedule = schedule
        self.lr_decay = lr_decay
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.label_smoothing = label_smoothing
        self.dtype = dtype
        self.random_state = random_state

    def _train(
        self, x: Array, y: Array | NDArray[np.int64], classes: Labels | None, row_weights: Array | None = None
    ) -> None:
        """Train on all rows, and keep the network with standardisation and batch norm folded in.

        x is (n, features); y is (n,), with class indices, or with numbers for regression, where classes is None;
        row_weights are (n,), >= 0, or None if all are the same.
        """
        config = check_config({name: getattr(self, name) for name in NETWORK_DEFAULTS})
        epochs = check_integer("epochs", self.epochs)
        mean, scale = scaling(x, np.arange(len(x)), row_weights)
        y_mean, y_scale = 0.0, 1.0
        if classes is None:
            y_mean = float(np.average(y, weights=row_weights))
            y_scale = math.sqrt(np.average((y - y_mean) ** 2, weights=row_weights)) or 1.0
        rows = ((x - mean) / scale).astype(self.dtype)  # not float32: a float64 network needs the full precision
        dataset = Dataset(
            name="arrays",
            task="regression" if classes is None else "classification",
            train_x=rows,
            train_y=y,
            val_x=rows[:0],
            val_y=y[:0],
            test_x=rows[:0],
            test_y=y[:0],
            classes=() if classes is None else tuple(classes.tolist()),
            target_mean=y_mean,
            target_scale=y_scale,
            train_weights=None if row_weights is None else row_weights / row_weights.mean(),
        )
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.loss_curve_: list[float] = []
        with one_blas_thread():
            training = Training([config], [seed], dataset, epochs)
            for epoch in range(1, epochs + 1):
                report = training.epoch()[0]
                if report is None or not training.alive[0]:
                    raise InputError(
                        f"training diverged in epoch {epoch} with learning_rate={self.learning_rate!r}; "
                        "try a lower one, or clip_norm=1.0"
                    )
                self.loss_curve_.append(report["train_loss"])
            layers = training.network.inference_layers()
        units = [x.shape[1], *[self.hidden_units] * self.hidden_layers, dataset.outputs]
        weights = [w[0, : units[i], : units[i + 1]].astype(np.float64) for i, (w, _) in enumerate(layers)]
        shifts = [b[0, 0, : units[i + 1]].astype(np.float64) for i, (_, b) in enumerate(layers)]
        # ((x - mean) / scale) W + b = x (W / scale) + (b - (mean / scale) W); the target likewise
        shifts[0] = shifts[0] - (mean / scale) @ weights[0]
        weights[0] = weights[0] / scale[:, None]
        weights[-1], shifts[-1] = weights[-1] * y_scale, shifts[-1] * y_scale + y_mean
        self.coefs_, self.intercepts_ = weights, shifts

    def _outputs(self, x: ArrayLike) -> Array:
        """Return the outputs of the fitted network, (n, outputs), for x of (n, features)."""
        check_is_fitted(self)
        h: Array = validate_data(self, x, dtype=np.float64, reset=False)
        activation = ACTIVATIONS[self.activation].forward
        for weight, shift in zip(self.coefs_[:-1], self.intercepts_[:-1], strict=True):
            h = h @ weight + shift
            activation(h, np.zeros_like(h))
        outputs: Array = h @ self.coefs_[-1] + self.intercepts_[-1]
        return outputs


def weighted_rows(sample_weight: ArrayLike | None, rows: int) -> tuple[slice | NDArray[np.bool_], Array | None]:
    """Return which rows have a weight, and the weights of these; all rows, and None, if all have the same."""
    if sample_weight is None:
        return slice(None), None
    weights = check_array(
        sample_weight, ensure_2d=False, ensure_min_samples=0, dtype=np.float64, input_name="sample_weight"
    )
    weights = np.full(rows, weights) if weights.ndim == 0 else weights
    if weights.shape != (rows,):
        raise InputError(f"sample_weight must have one weight for each of the {rows} rows, got shape {weights.shape}")
    if (weights < 0).any():
        raise InputError(f"sample_weight must be >= 0, got {weights.min()}")
    counted = weights > 0
    if counted.sum() < 2:
        raise InputError(f"sample_weight must not be zero in all rows but {counted.sum()}; give two rows a weight > 0")
    return counted, scaled(weights[counted])
