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


class Optimizer:
    """The moments of K models, the hyperparameters in force, and where the parameters are that they change.

    first, second: decaying sums of gradients and of squared gradients, (K, P);
    weights: the sums of their weights, (2, K, 1), float64.
    """

    def __init__(self, kind: str, parameters: Array, gradients: Array) -> None:
        """Start at rest.

        Args:
            kind: "adam" or "momentum".
            parameters: (K, P), which `step` changes in place.
            gradients: (K, P), which `step` uses up.
        """
        self.kind, self.parameters, self.gradients = kind, parameters, gradients
        members, dtype = len(parameters), parameters.dtype
        self.first = np.zeros_like(parameters)
        self.second = np.zeros_like(parameters if kind == "adam" else parameters[:, :0])
        self.weights = np.zeros((2, members, 1))
        self.momentum, self.beta2, self.scale, self.epsilon, self.shrink = scalars = np.zeros((5, members, 1), dtype)
        # one model's scalars as arrays of no dimension: half the overhead of a call
        self.scalars = [scalar[0, 0, ...] if members == 1 else scalar for scalar in scalars[:4]]

    def take(self, places: Sequence[int], parameters: Array, gradients: Array) -> "Optimizer":
        """Give an optimizer of some of the models (`use` is to be called again), copying their moments."""
        taken = Optimizer(self.kind, parameters, gradients)
        taken.first[:], taken.second[:] = self.first[places], self.second[places]
        taken.weights[:] = self.weights[:, places]
        return taken

    def use(self, configs: Sequence[Mapping[str, Any]], rates: Sequence[float]) -> None:
        """Take on hyperparameters: full configs and the learning rates of now, one of each a model."""

        def column(name: str) -> Array:
            return np.array([config[name] for config in configs], np.float64)[:, None]

        self.rate, self.clip = np.array(rates, np.float64)[:, None], column("clip_norm")
        self.betas = np.stack([column("momentum"), column("beta2")])
        self.exact_epsilon = column("epsilon")
        self.momentum[:], self.beta2[:] = self.betas
        self.scale[:], self.shrink[:] = self.rate, 1 - self.rate * column("weight_decay")
        self.clips, self.decays = bool(np.isfinite(self.clip).any()), bool((self.shrink != 1).any())

    def step(self) -> None:
        """Change the parameters by one step down the gradients, whose array then holds something else.

        Weight decay is decoupled (Loshchilov & Hutter 2019, Alg. 2) and acts on every parameter, as
        torch.optim.AdamW's does: parameter *= 1 - rate * weight_decay.
        """
        if self.clips:
            clip_by_norm(self.gradients, self.clip)
        if self.decays:
            np.multiply(self.parameters, self.shrink, out=self.parameters)
        if self.kind == "adam":
            self._correct_bias()
            adam(self.parameters, self.gradients, self.first, self.second, *self.scalars)
        else:
            momentum, _, scale, _ = self.scalars
            descend(self.parameters, self.gradients, self.first, momentum, scale)

    def _correct_bias(self) -> None:
        """Count the step into the weights, and set the two scalars a model that `adam` needs."""
        np.multiply(self.weights, self.betas, out=self.weights)
        np.add(self.weights, 1.0, out=self.weights)
        root = np.sqrt(self.weights[1])
        np.multiply(self.exact_epsilon, root, out=self.epsilon)
        np.multiply(root, self.rate, out=root)
        np.divide(root, self.weights[0], out=self.scale)


def adam(
    parameter: Array, gradient: Array, first: Array, second: Array,
    beta1: Array, beta2: Array, scale: Array, epsilon: Array,
) -> None:  # fmt: skip
    """One step of Adam (Kingma & Ba 2015, Alg. 1), bias corrections folded into two scalars a model.

    With the sums w1 = 1 + beta1 + ..., w2 likewise, the paper's m_hat = first / w1 and v_hat = second / w2, so
    rate m_hat / (sqrt(v_hat) + eps) = (rate sqrt(w2) / w1) first / (sqrt(second) + eps sqrt(w2)).

    Args:
        parameter, first, second: (K, P), changed in place.
        gradient: the same shape, destroyed.
        beta1, beta2: (K, 1) or ().
        scale: rate * sqrt(w2) / w1, (K, 1) or ().
        epsilon: eps * sqrt(w2), (K, 1) or ().
    """
    np.multiply(first, beta1, out=first)
    np.add(first, gradient, out=first)
    np.multiply(second, beta2, out=second)
    step = np.multiply(gradient, gradient, out=gradient)  # an array of its own would only crowd the cache
    np.add(second, step, out=second)
    np.sqrt(second, out=step)
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
