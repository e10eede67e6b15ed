"""What the next wave is worth: against what it brings, with and without noise, and as a law of the search."""

import numpy as np
import pytest

from caviar.search import Budget, CoarseToFine, Random
from caviar.search.forecast import Forecast
from caviar.space import cube


def bowl(points):
    return ((points - 0.3) ** 2).sum(axis=1)


def studies(seeds, noise=0.0, dimension=4):
    """The forecasts of some searches and what their next waves have brought, both shape (seeds, waves - 1)."""
    expected, real = [], []
    for seed in seeds:
        search, generator = CoarseToFine(cube(dimension), Budget(80, waves=5, seed=seed)), np.random.default_rng(seed)
        forecasts, true = [], []
        while not search.done:
            points = search.ask()
            if len(true):
                forecasts.append(search.forecast(points).gain)
            search.tell(points, bowl(points) + noise * generator.standard_normal(len(points)))
            true.append(bowl(search.recommend()[None])[0])
        expected.append(forecasts)
        real.append(-np.diff(true))
    return np.array(expected), np.array(real)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_expected_gains_are_about_what_the_next_waves_bring(noise):
    expected, real = studies(range(10), noise)
    assert (expected >= 0).all()
    assert (np.diff(expected.mean(axis=0))[:2] < 0).all()  # the first waves bring the most
    first, real_first = expected[:, 0].mean(), real[:, 0].mean()
    assert real_first < first < 6 * real_first  # from the first wave alone, the process hopes for too much
    later, real_later = expected[:, 1:].mean(), real[:, 1:].mean()
    assert 0.5 * real_later < later < 2.5 * real_later  # it is up to twice too high for functions


def test_it_is_the_same_for_the_same_trials_and_changes_nothing():
    forecasts = []
    for _ in range(2):
        search = Random(cube(2), Budget(16, waves=2))
        points = search.ask()
        assert search.forecast(points) is None  # nothing is known yet
        search.tell(points, bowl(points))
        following = search.ask()
        forecasts.append(search.forecast(following))
        assert np.array_equal(search.ask(), following)
    first, again = forecasts
    assert np.array_equal(first.gains, again.gains)
    assert first.best == first.expected.min()
    assert 0 <= first.probability(0.01) <= first.probability(0.0) <= 1


def test_measuring_known_points_again_gains_little_and_unknown_ones_more():
    search = CoarseToFine(cube(2), Budget(64, waves=2))
    points = search.ask()
    search.tell(points, bowl(points))
    known = search.forecast(points[np.argsort(bowl(points))[-8:]])
    assert known.gain < 0.1 * search.forecast(search.ask()).gain


def test_what_late_trials_have_gained():
    forecast = Forecast(np.array([3.0, 2.0, 2.5, 1.5]), 0.0, np.zeros(1))
    assert forecast.late(-1) == 0.5
    assert forecast.late(-3) == 1.5


def test_failed_trials_and_large_waves_are_taken():
    search = Random(cube(2), Budget(2000, waves=[16, 1984]))
    points = search.ask()
    search.tell(points, np.where(points[:, 0] > 0.5, np.nan, bowl(points)))
    assert 0 < search.forecast(search.ask()).gain < 1
    same = np.tile(points[:1], (8, 1))  # whose covariance has no inverse
    assert 0 <= search.forecast(same).gain < 1
