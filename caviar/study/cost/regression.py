"""How many seconds training takes: a linear regression of their logarithm, on features that are known before.

It starts from what is expected of any training, and each measurement moves it: those of a moment before a launch, and
trials that have ended while a study runs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.space.scales import Array

_PRIOR_WEIGHT = 4.0  # of the expected noise, in measurements


@dataclass(frozen=True, eq=False)
class Features:
    """What is known about n trainings before they begin.

    Args:
        offset: log of the seconds that are expected, up to a common factor, shape (n,).
        columns: what may change that, shape (n, p).
        mean: of the prior of the columns' weights, shape (p,).
        deviation: its standard deviation, shape (p,).
        noise: the expected standard deviation of what no column explains.
    """

    offset: Array
    columns: Array
    mean: Array
    deviation: Array
    noise: float

    def __getitem__(self, rows: NDArray[Any]) -> "Features":
        return Features(self.offset[rows], self.columns[rows], self.mean, self.deviation, self.noise)


@dataclass(frozen=True, eq=False)
class Regression:
    """The posterior of the weights, normal: Bishop 2006, "Pattern Recognition and Machine Learning", eq. 3.50-3.58.

    >>> rows = Features(np.zeros(3), np.ones((3, 1)), np.zeros(1), np.full(1, 10.0), noise=0.1)
    >>> regression = Regression.fit(rows, np.log([1.9, 2.0, 2.1]))
    >>> round(float(np.exp(regression.expected(rows)[0])), 2)
    2.0
    """

    mean: Array  # (p,)
    root: Array  # of the covariance, (p, p)
    noise: float

    @classmethod
    def fit(cls, features: Features, logs: Array) -> "Regression":
        """Return the posterior after measurements.

        Args:
            features: of what was measured; no rows for the prior.
            logs: of the seconds that were measured, shape (n,).
        """
        x, precision = features.columns, np.diag(features.deviation**-2.0)
        residual = logs - features.offset - x @ features.mean
        variance, shift = features.noise**2, np.zeros(len(features.mean))
        for _ in range(3 if len(logs) else 0):  # the noise and the weights depend on each other
            covariance = np.linalg.inv(precision + x.T @ x / variance)
            shift = covariance @ x.T @ residual / variance
            squares = float(((residual - x @ shift) ** 2).sum())
            variance = (_PRIOR_WEIGHT * features.noise**2 + squares) / (_PRIOR_WEIGHT + len(logs))
        root = np.linalg.cholesky(np.linalg.inv(precision + x.T @ x / variance))
        return cls(features.mean + shift, root, float(np.sqrt(variance)))

    def expected(self, features: Features) -> Array:
        """Return the expected logs of seconds, shape (n,)."""
        expected: Array = features.offset + features.columns @ self.mean
        return expected

    def draw(self, features: Features, count: int, generator: np.random.Generator) -> Array:
        """Return equally likely logs of seconds, shape (count, n), with the noise of each training."""
        weights = self.mean + generator.standard_normal((count, len(self.mean))) @ self.root.T
        noise = self.noise * generator.standard_normal((count, len(features.offset)))
        drawn: Array = features.offset + weights @ features.columns.T + noise
        return drawn
