"""Optimizers: one step down a gradient, for K models at once on flat (K, P) arrays, in place.

Both keep plain decaying sums, first = momentum * first + gradient, as torch.optim.SGD does (its `momentum` is ours,
without dampening). Adam's averages are such sums divided by the sum of their weights, 1 + beta + beta^2 + ...: the
paper's bias correction, which stays exact when a beta changes in training.
"""

from collections.abc import Sequence

import numpy as np

from caviar.model.arrays import Array
from caviar.model.config import Config

_DENORMAL_GUARD = 1e-30  # smaller moments have no effect


class Optimizer:
    """The moments of K models, their current hyperparameters, and the parameters that a step changes.

    Attributes:
        first, second: decaying sums of gradients and of squared gradients, (K, P).
        weights: the sums of their weights, (2, K, 1), float64.

    >>> from caviar.model.config import NETWORK_DEFAULTS
    >>> parameters, gradients = np.ones((1, 1)), np.full((1, 1), 3.0)
    >>> optimizer = Optimizer("adam", parameters, gradients)
    >>> optimizer.set_hyperparameters([NETWORK_DEFAULTS], rates=[0.1])
    >>> optimizer.step()
    >>> parameters.round(6)
    array([[0.9]])
    """

    def __init__(self, kind: str, parameters: Array, gradients: Array) -> None:
        """Start with moments of zero; `kind` is "adam" or "momentum", `step` destroys the gradients, (K, P)."""
        self.kind, self.parameters, self.gradients = kind, parameters, gradients
        members, dtype = len(parameters), parameters.dtype
        self.first = np.zeros_like(parameters)
        self.second = np.zeros_like(parameters if kind == "adam" else parameters[:, :0])
        self.weights = np.zeros((2, members, 1))
        self.momentum, self.beta2, self.scale, self.epsilon, self.shrink = scalars = np.zeros((5, members, 1), dtype)
        # a single model's scalars are zero-dimensional arrays, which halve the overhead of a call
        self.scalars = [scalar[0, 0, ...] if members == 1 else scalar for scalar in scalars[:4]]

    def select(self, indices: Sequence[int], parameters: Array, gradients: Array) -> "Optimizer":
        """Return an optimizer with copies of some models' moments; call `set_hyperparameters` before its next step."""
        selected = Optimizer(self.kind, parameters, gradients)
        selected.first[:], selected.second[:] = self.first[indices], self.second[indices]
        selected.weights[:] = self.weights[:, indices]
        return selected

    def set_hyperparameters(self, configs: Sequence[Config], rates: Sequence[float]) -> None:
        """Set each model's full config and learning rate, which replaces that of its config, for the next steps."""

        def column(name: str) -> Array:
            return np.array([config[name] for config in configs], np.float64)[:, None]

        self.rate, self.clip = np.array(rates, np.float64)[:, None], column("clip_norm")
        self.betas = np.stack([column("momentum"), column("beta2")])
        self.exact_epsilon = column("epsilon")
        self.momentum[:], self.beta2[:] = self.betas
        self.scale[:], self.shrink[:] = self.rate, 1 - self.rate * column("weight_decay")
        self.clips, self.decays = bool(np.isfinite(self.clip).any()), bool((self.shrink != 1).any())

    def step(self) -> None:
        """Move the parameters one step down the gradients, and destroy the gradients.

        Weight decay is decoupled (Loshchilov & Hutter 2019, Alg. 2) and acts on every parameter, as that of
        torch.optim.AdamW does: parameter *= 1 - rate * weight_decay.
        """
        if self.clips:
            clip_by_norm(self.gradients, self.clip)
        if self.decays:
            np.multiply(self.parameters, self.shrink, out=self.parameters)
        if self.kind == "adam":
            self._correct_bias()
            _adam(self.parameters, self.gradients, self.first, self.second, *self.scalars)
        else:
            momentum, _, scale, _ = self.scalars
            _sgd_momentum(self.parameters, self.gradients, self.first, momentum, scale)

    def clear_denormals(self) -> None:
        """Set the smallest moments to zero, before they become denormal numbers, which are slow."""
        self.first[np.abs(self.first) < _DENORMAL_GUARD] = 0.0

    def _correct_bias(self) -> None:
        """Add the step to the weights, and set the two scalars per model that `_adam` needs."""
        np.multiply(self.weights, self.betas, out=self.weights)
        np.add(self.weights, 1.0, out=self.weights)
        root = np.sqrt(self.weights[1])
        np.multiply(self.exact_epsilon, root, out=self.epsilon)
        np.multiply(root, self.rate, out=root)
        np.divide(root, self.weights[0], out=self.scale)


def _adam(
    parameter: Array, gradient: Array, first: Array, second: Array,
    beta1: Array, beta2: Array, scale: Array, epsilon: Array,
) -> None:  # fmt: skip
    """Make one step of Adam (Kingma & Ba 2015, Alg. 1), bias corrections folded into two scalars per model.

    With the sums w1 = 1 + beta1 + ..., w2 likewise, the paper's m_hat = first / w1 and v_hat = second / w2, so
    rate m_hat / (sqrt(v_hat) + eps) = (rate sqrt(w2) / w1) first / (sqrt(second) + eps sqrt(w2)): scale and epsilon.
    """
    np.multiply(first, beta1, out=first)
    np.add(first, gradient, out=first)
    np.multiply(second, beta2, out=second)
    step = np.multiply(gradient, gradient, out=gradient)  # a new array would only fill the cache
    np.add(second, step, out=second)
    np.sqrt(second, out=step)
    np.add(step, epsilon, out=step)
    np.divide(first, step, out=step)
    np.multiply(step, scale, out=step)
    np.subtract(parameter, step, out=parameter)


def _sgd_momentum(parameter: Array, gradient: Array, first: Array, momentum: Array, rate: Array) -> None:
    """Make one step of gradient descent with momentum: first = momentum first + gradient; parameter -= rate first.

    The momentum is that of torch.optim.SGD: the gradient is not scaled by 1 - momentum.
    """
    np.multiply(first, momentum, out=first)
    np.add(first, gradient, out=first)
    step = np.multiply(first, rate, out=gradient)
    np.subtract(parameter, step, out=parameter)


def clip_by_norm(gradients: Array, limit: Array) -> None:
    """Shrink each model's gradient, (K, P), to a Euclidean norm of at most its limit, (K, 1), in place.

    The result is that of torch.nn.utils.clip_grad_norm_, without the 1e-6 that it adds to the norm.

    >>> gradients = np.array([[3.0, 4.0]])
    >>> clip_by_norm(gradients, limit=np.array([[1.0]]))
    >>> gradients
    array([[0.6, 0.8]])
    """
    squares = np.matmul(gradients[:, None, :], gradients[:, :, None])[:, :, 0]
    norm = np.sqrt(squares, dtype=np.float64)
    factor = np.divide(limit, norm, out=np.ones_like(norm), where=norm > limit)
    np.multiply(gradients, factor.astype(gradients.dtype), out=gradients)
