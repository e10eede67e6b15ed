"""What the next wave of a search is worth: how much its best trial is likely to gain, by the Gaussian process."""

from dataclasses import dataclass

import numpy as np
import scipy

from caviar.search.gaussian_process import GaussianProcess
from caviar.space.scales import Array

_INCUMBENTS = 20  # trials that may still be the best
_LARGEST_WAVE = 250  # points of a larger wave are thinned out, which understates its gain a little
_SAMPLES = 1024
_LEAST_NOISE = 1e-6  # of the signal's variance, so that points that coincide have a factor


@dataclass(frozen=True, eq=False)
class Forecast:
    """What the next wave may bring, in the unit of the values.

    Args:
        expected: the expected value of each trial so far, shape (n,), without the noise of its measurement.
        noise: the standard deviation of a measurement.
        gains: equally likely differences from `best` to that of the trials after the wave, shape (m,).

    >>> forecast = Forecast(np.array([2.0, 1.0]), 0.1, np.array([0.0, 0.5]))
    >>> forecast.best, forecast.gain, forecast.probability(enough=0.1)
    (1.0, 0.25, 0.5)
    """

    expected: Array
    noise: float
    gains: Array

    @property
    def best(self) -> float:
        """The lowest expected value of a trial."""
        return float(self.expected.min())

    @property
    def gain(self) -> float:
        """The expected gain, >= 0."""
        return max(0.0, float(self.gains.mean()))

    def late(self, first: int) -> float:
        """Return what the trials from the `first` on have gained over those before them, >= 0."""
        return float(self.expected[:first].min() - self.best)

    def probability(self, enough: float) -> float:
        """Return the probability of a gain of more than `enough`."""
        return float(np.mean(self.gains > enough))


def forecast(process: GaussianProcess, trials: Array, points: Array, seed: int) -> Forecast:
    """Return what measuring points, shape (k, d), is likely to gain after trials, (n, d); the same for the same ones.

    What counts is the trial that would be picked before and after: the measurements, with their noise, move the
    posterior mean of old and new trials, and the gain is the difference of its lowest values (the knowledge gradient
    of a batch: Frazier, Powell and Dayanik 2009; Wu and Frazier 2016). So noise that hides the best trial counts too.
    Trials that are all equal promise no gain.
    """
    if process.constant:
        return Forecast(process.shift + process.scale * process.mean(trials), 0.0, np.zeros(1))
    kernel, points = process.kernel, points[:: -(-len(points) // _LARGEST_WAVE)]
    expected = process.mean(trials)
    incumbents = trials[np.argsort(expected, kind="stable")[:_INCUMBENTS]]
    n, k = len(incumbents), len(points)
    both = np.concatenate([incumbents, points])
    mean, v = process.posterior(both)
    covariance = kernel.covariance(both, points) - v.T @ v[:, n:]
    noisy = covariance[n:] + max(kernel.noise_variance, _LEAST_NOISE * kernel.signal_variance) * np.eye(k)
    factor = scipy.linalg.cholesky(noisy, lower=True)
    moves = scipy.linalg.solve_triangular(factor, covariance.T, lower=True)
    generator = np.random.default_rng(np.random.SeedSequence((seed, 2, len(trials))))
    half = generator.standard_normal((_SAMPLES // 2, k))
    after = mean + np.concatenate([half, -half]) @ moves
    gains = process.scale * (mean[:n].min() - after.min(axis=1))
    noise = process.scale * np.sqrt(kernel.noise_variance)
    return Forecast(process.shift + process.scale * expected, float(noise), gains)
