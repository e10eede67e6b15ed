"""Optimizers: how a gradient becomes a step, for K models at once on flat (K, P) arrays, in place.

Both keep plain decaying sums, first = momentum * first + gradient, as torch.optim.SGD does (Caviar's
`momentum` is its `momentum`; no dampening). Adam's averages are such sums divided by the sum of their own
weights, 1 + beta + beta^2 + ...: the paper's bias correction, exact also when a beta changes midway.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BLOCK = 16_384  # numbers of each array at a time: parameter, gradient and moments stay in cache over all calls


class Optimizer:
    """The moments of K models, and the hyperparameters in force.

    first, second: decaying sums of gradients and of squared gradients, (K, P);
    weights: the sums of their weights, (2, K, 1), float64.
    """

    def __init__(self, kind: str, members: int, count: int, dtype: Any) -> None:
        """Start at rest; kind: "adam" or "momentum"; count: parameters of one model."""
        self.kind, self.dtype = kind, np.dtype(dtype)
        self.first = np.zeros((members, count), dtype)
        self.second = np.zeros((members, count if kind == "adam" else 0), dtype)
        self.weights = np.zeros((2, members, 1))

    def take(self, places: Sequence[int]) -> "Optimizer":
        """Give an optimizer of some of the models (again `use` is to be called), copying their moments."""
        taken = Optimizer(self.kind, 0, 0, self.dtype)
        taken.first, taken.second = self.first[places], self.second[places]
        taken.weights = self.weights[:, places]
        return taken

    def use(self, configs: Sequence[Mapping[str, Any]], rates: Sequence[float]) -> None:
        """Take on hyperparameters: full configs and the learning rates of now, one of each a model."""

        def column(name: str) -> Array:
            return np.array([[config[name]] for config in configs], np.float64)

        self.betas = np.stack([column("momentum"), column("beta2")])
        self.rate, self.epsilon, self.clip = np.array(rates)[:, None], column("epsilon"), column("clip_norm")
        self.clips = bool(np.isfinite(self.clip).any())
        self.momentum, self.beta2 = self.betas.astype(self.dtype)
        shrink = 1 - self.rate * column("weight_decay")
        self.decays, self.shrink = bool((shrink != 1).any()), shrink.astype(self.dtype)

    def step(self, parameters: Array, gradients: Array) -> None:
        """Change the parameters by one step down the gradients, both (K, P); the gradients are destroyed.

        Weight decay is decoupled (Loshchilov & Hutter 2019, Alg. 2) and acts on every parameter, as
        torch.optim.AdamW's does: parameter *= 1 - rate * weight_decay.
        """
        if self.clips:
            clip_by_norm(gradients, self.clip)
        if self.decays:
            np.multiply(parameters, self.shrink, out=parameters)
        scale, epsilon = self._scale()
        width = max(1024, BLOCK // len(parameters))
        for start in range(0, parameters.shape[1], width):
            part = np.s_[:, start : start + width]
            parameter, gradient, first = parameters[part], gradients[part], self.first[part]
            if self.kind == "adam":
                adam(parameter, gradient, first, self.second[part], self.momentum, self.beta2, scale, epsilon)
            else:
                descend(parameter, gradient, first, self.momentum, scale)

    def _scale(self) -> tuple[Array, Array]:
        """Count the step, and give Adam's two scalars a model, (K, 1); for momentum the rate and 0."""
        if self.kind != "adam":
            return self.rate.astype(self.dtype), np.zeros((1, 1), self.dtype)
        np.multiply(self.weights, self.betas, out=self.weights)
        np.add(self.weights, 1.0, out=self.weights)
        root = np.sqrt(self.weights[1])
        return (self.rate * root / self.weights[0]).astype(self.dtype), (self.epsilon * root).astype(self.dtype)


def adam(
    parameter: Array, gradient: Array, first: Array, second: Array,
    beta1: Array, beta2: Array, scale: Array, epsilon: Array,
) -> None:  # fmt: skip
    """One step of Adam (Kingma & Ba 2015, Alg. 1), bias corrections folded into two scalars a model.

    With the sums w1 = 1 + beta1 + ..., w2 likewise, the paper's m_hat = first / w1 and v_hat = second / w2, so
    rate m_hat / (sqrt(v_hat) + eps) = (rate sqrt(w2) / w1) first / (sqrt(second) + eps sqrt(w2)).

    Args:
        parameter, gradient, first, second: (K, n), all changed in place.
        beta1, beta2: (K, 1).
        scale: rate * sqrt(w2) / w1, (K, 1).
        epsilon: eps * sqrt(w2), (K, 1).
    """
    np.multiply(first, beta1, out=first)
    np.add(first, gradient, out=first)
    np.multiply(second, beta2, out=second)
    np.multiply(gradient, gradient, out=gradient)
    np.add(second, gradient, out=second)
    step = np.sqrt(second, out=gradient)
    np.add(step, epsilon, out=step)
    np.divide(first, step, out=step)
    np.multiply(step, scale, out=step)
    np.subtract(parameter, step, out=parameter)


def descend(parameter: Array, gradient: Array, first: Array, momentum: Array, rate: Array) -> None:
    """One step of gradient descent with momentum: first = momentum first + gradient; parameter -= rate first."""
    np.multiply(first, momentum, out=first)
    np.add(first, gradient, out=first)
    step = np.multiply(first, rate, out=gradient)
    np.subtract(parameter, step, out=parameter)


def clip_by_norm(gradients: Array, limit: Array) -> None:
    """Shrink each model's gradient, (K, P), to a Euclidean norm of at most its limit, (K, 1), in place.

    As torch.nn.utils.clip_grad_norm_, without the 1e-6 that it adds to the norm.
    """
    squares = np.matmul(gradients[:, None, :], gradients[:, :, None])[:, :, 0]
    norm = np.sqrt(squares, dtype=np.float64)
    factor = np.divide(limit, norm, out=np.ones_like(norm), where=norm > limit)
    np.multiply(gradients, factor.astype(gradients.dtype), out=gradients)
