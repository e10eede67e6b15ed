"""Batch normalization of the pre-activations z, K models at once (Ioffe & Szegedy 2015).

The conventions are those of torch.nn.BatchNorm1d: epsilon is inside the root; the batch is normalized by its biased
variance (divided by B), the running variance averages the unbiased one (divided by B - 1); each batch moves the
running averages by MOMENTUM = 0.1 of the distance to its own.
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

    def forward(self, z: Array, average: Array, out: Array) -> None:
        """Write y = gamma z_hat + beta, z_hat = (z - mean) / sqrt(variance + epsilon), into `out` (Alg. 1).

        Args:
            z: pre-activations, (K, B, units); becomes z - mean, which `backward` needs.
            average: (1, B) of 1/B: a mean over the batch is a matmul, whose order does not depend on K.
            out: (K, B, units).
        """
        np.matmul(average, z, out=self.mean)
        np.subtract(z, self.mean, out=z)
        np.multiply(z, z, out=out)
        np.matmul(average, out, out=self.variance)  # einsum takes 1.5 times as long
        self._scale(self.variance)
        np.multiply(z, self.scale, out=out)
        np.add(out, self.beta, out=out)

    def forward_inference(self, z: Array, out: Array) -> None:
        """Write y into `out` as `forward` does, with the running averages as mean and variance (Alg. 2)."""
        np.subtract(z, self.running_mean, out=z)
        self._scale(self.running_variance)
        np.multiply(z, self.scale, out=out)
        np.add(out, self.beta, out=out)

    def backward(self, dy: Array, z: Array, ones: Array, scratch: Array) -> None:
        """Turn dL/dy into dL/dz in place and write the gradients of gamma and beta.

        The collapsed form of the paper's chain of six derivatives:
        dz = gamma / sqrt(variance + eps) * (dy - mean(dy) - z_hat mean(dy z_hat)).

        Args:
            dy: dL/dy, (K, B, units); becomes dL/dz.
            z: centred by `forward`, (K, B, units); destroyed.
            ones: (1, B).
            scratch: (K, B, units).
        """
        self._parameter_gradients(dy, z, ones, scratch)
        share = 1.0 / z.shape[1]
        np.multiply(z, self.gamma_gradient / self.deviation * share, out=z)
        np.subtract(dy, z, out=dy)
        np.subtract(dy, self.beta_gradient * share, out=dy)
        np.multiply(dy, self.scale, out=dy)

    def backward_inference(self, dy: Array, z: Array, ones: Array, scratch: Array) -> None:
        """Compute what `backward` does, after `forward_inference`: the averages are constants, so dz = scale dy."""
        self._parameter_gradients(dy, z, ones, scratch)
        np.multiply(dy, self.scale, out=dy)

    def batch_affine(self) -> tuple[Array, Array]:
        """Return scale and shift, (K, 1, units), with which y = z scale + shift for the last training batch."""
        scale = self.gamma / np.sqrt(self.variance + EPSILON)
        return scale, self.beta - self.mean * scale

    def inference_affine(self) -> tuple[Array, Array]:
        """Return scale and shift, (K, 1, units), with which y = z scale + shift for the running averages."""
        scale = self.gamma / np.sqrt(self.running_variance + EPSILON)
        return scale, self.beta - self.running_mean * scale

    def _scale(self, variance: Array) -> None:
        np.add(variance, EPSILON, out=self.deviation)
        np.sqrt(self.deviation, out=self.deviation)
        np.divide(self.gamma, self.deviation, out=self.scale)

    def _parameter_gradients(self, dy: Array, z: Array, ones: Array, scratch: Array) -> None:
        """Write dL/dbeta = sum dy and dL/dgamma = sum dy z_hat, over the batch; z is centred."""
        np.matmul(ones, dy, out=self.beta_gradient)
        np.multiply(dy, z, out=scratch)
        np.matmul(ones, scratch, out=self.gamma_gradient)
        np.divide(self.gamma_gradient, self.deviation, out=self.gamma_gradient)
