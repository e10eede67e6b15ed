"""Batch normalization of the pre-activations z, K models at once (Ioffe & Szegedy 2015).

The conventions are those of torch.nn.BatchNorm1d: epsilon is inside the root; the batch is normalized by its biased
variance (divided by B), the running variance averages the unbiased one (divided by B - 1); each batch moves the
running averages towards its own by MOMENTUM = 0.1 of the distance.
"""

from dataclasses import dataclass, field

import numpy as np

from caviar.model.arrays import Array

EPSILON = 1e-5
MOMENTUM = 0.1


@dataclass(frozen=True)
class BatchNorm:
    """One layer's batch norm: parameters, gradients, running averages, and the last batch's statistics.

    All arrays are (K, 1, units): one row per model, to broadcast over its batch.
    """

    gamma: Array
    beta: Array
    gamma_gradient: Array
    beta_gradient: Array
    running_mean: Array
    running_variance: Array
    mean: Array  # of the last training batch
    variance: Array  # of the last training batch, biased
    deviation: Array = field(init=False)  # sqrt(variance + epsilon)
    scale: Array = field(init=False)  # gamma / deviation

    def __post_init__(self) -> None:
        object.__setattr__(self, "deviation", np.ones_like(self.gamma))
        object.__setattr__(self, "scale", np.ones_like(self.gamma))

    def forward(self, z: Array, average: Array, out: Array, *, training: bool) -> None:
        """Write y = gamma z_hat + beta, z_hat = (z - mean) / sqrt(variance + epsilon), into `out` (Alg. 1).

        Args:
            z: pre-activations, (K, B, units); becomes z - mean, which `backward` needs.
            average: (1, B), all 1/B: a mean over the batch is a matmul, whose order does not depend on K.
            out: (K, B, units).
            training: use the statistics of the batch, or else the running averages (Alg. 2).
        """
        if training:
            np.matmul(average, z, out=self.mean)
        np.subtract(z, self.mean if training else self.running_mean, out=z)
        if training:
            np.multiply(z, z, out=out)
            np.matmul(average, out, out=self.variance)  # einsum takes 1.5 times as long
        np.add(self.variance if training else self.running_variance, EPSILON, out=self.deviation)
        np.sqrt(self.deviation, out=self.deviation)
        np.divide(self.gamma, self.deviation, out=self.scale)
        np.multiply(z, self.scale, out=out)
        np.add(out, self.beta, out=out)

    def backward(self, dy: Array, z: Array, ones: Array, scratch: Array, *, training: bool) -> None:
        """Turn dL/dy into dL/dz in place and write the gradients of gamma and beta.

        In training dz = scale * (dy - mean(dy) - z_hat mean(dy z_hat)), the collapsed form of the paper's chain of six
        derivatives. The running averages are constants, so with them dz = scale dy.

        Args:
            dy: dL/dy, (K, B, units); becomes dL/dz.
            z: centred by `forward`, (K, B, units); destroyed.
            ones: (1, B).
            scratch: (K, B, units).
            training: as in `forward`.
        """
        np.matmul(ones, dy, out=self.beta_gradient)  # dL/dbeta = sum dy, and dL/dgamma = sum dy z_hat
        np.multiply(dy, z, out=scratch)
        np.matmul(ones, scratch, out=self.gamma_gradient)
        np.divide(self.gamma_gradient, self.deviation, out=self.gamma_gradient)
        if training:
            share = 1.0 / z.shape[1]
            np.multiply(z, self.gamma_gradient / self.deviation * share, out=z)
            np.subtract(dy, z, out=dy)
            np.subtract(dy, self.beta_gradient * share, out=dy)
        np.multiply(dy, self.scale, out=dy)

    def affine(self, *, training: bool) -> tuple[Array, Array]:
        """Return scale and shift, (K, 1, units), such that y = z scale + shift after `forward`."""
        mean, variance = (self.mean, self.variance) if training else (self.running_mean, self.running_variance)
        scale = self.gamma / np.sqrt(variance + EPSILON)
        return scale, self.beta - mean * scale
