"""The parts a search is made of: samples, waves, clusters, squares, the Gaussian process."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from caviar.search import Square, edges
from caviar.search.acquisition import TOGETHER, boldness, ladder
from caviar.search.clustering import best_cluster
from caviar.search.gaussian_process import FITTED, GaussianProcess, negative_log_posterior, standardised
from caviar.search.samplers import grid_points, share, sobol_points
from caviar.search.schedule import wave_sizes
from caviar.search.square import whole
from caviar.search.unique import every, fresh
from caviar.space import Space, choice, lograndint, loguniform, randint, uniform

REAL = np.zeros(2, dtype=bool)


def test_sobol_points_are_balanced():
    points = sobol_points(64, 3, np.random.default_rng(0))
    for j in range(3):
        assert (np.bincount((points[:, j] * 64).astype(int), minlength=64) == 1).all()


def test_a_grid_has_every_combination():
    assert len(np.unique(grid_points([3, 2, 4]), axis=0)) == 24


@given(st.integers(1, 5), st.integers(0, 20))
def test_sharing_keeps_the_other_coordinates(group, n):
    points = np.random.default_rng(n).random((n, 3))
    shared = share(points, [1], group)
    np.testing.assert_array_equal(shared[:, [0, 2]], points[:, [0, 2]])
    assert len(np.unique(shared[:, 1])) == -(-n // group)


@given(st.integers(1, 300), st.integers(1, 12), st.sampled_from([None, 1, 4, 16, 500]))
def test_wave_sizes_sum_to_the_trials(trials, dimension, workers):
    for waves in ("auto", "continuous", 1, min(3, trials)):
        sizes = wave_sizes(trials, waves, dimension, workers)
        assert sum(sizes) == trials
        assert min(sizes) >= 1


def test_automatic_waves_keep_workers_busy():
    assert min(wave_sizes(256, "auto", 6, workers=16)) >= 16
    assert len(wave_sizes(256, "auto", 6)) >= 4


def test_every_config_of_a_small_space_once():
    space = Space(units=lograndint(1, 7), kind=choice(["a", "b"]))
    points = every(space)
    assert len({repr(config) for config in space.configs(points)}) == 14
    assert len(fresh(space, points, points[:5])) == 9
    assert every(Space(x=uniform(0, 1))) is None
    assert every(Space(a=randint(1, 1000), b=randint(1, 1000))) is None


def test_the_cluster_is_where_several_good_trials_are():
    generator = np.random.default_rng(0)
    crowd = 0.2 + 0.02 * generator.standard_normal((6, 2))
    points = np.concatenate([[[0.9, 0.9]], crowd, generator.random((60, 2))])
    values = np.concatenate([[0.0], np.linspace(0.1, 0.2, 6), generator.uniform(1, 2, 60)])
    members = best_cluster(points, values, np.ones(2), REAL)
    assert set(members) >= {1, 2, 3, 4, 5, 6}
    assert 0 not in members  # the single best one stands alone
    assert (np.diff(values[members]) >= 0).all()


def test_a_single_trial_is_a_cluster():
    assert best_cluster(np.zeros((1, 2)), np.zeros(1), np.ones(2), REAL).tolist() == [0]


SPACE = Space(rate=loguniform(1e-4, 1), units=randint(50, 100), kind=choice(["a", "b"]))
SQUARE = Square((0.75, 0.0, 0.0), (1.0, 0.5, 1.0), (1.0, 0.25, 0.25), ((), (), (0.9, 0.1)), "because")


def test_a_square_survives_json():
    assert Square.from_dict(json.loads(json.dumps(SQUARE.as_dict()))) == SQUARE


def test_a_square_reads_as_a_table():
    table = pd.DataFrame(SQUARE.describe(SPACE)).set_index("name")
    assert list(table.columns) == ["low", "high", "space_low", "space_high", "share", "options"]
    assert table.loc["rate", "low"] == pytest.approx(0.1)
    assert table.loc["units", ["low", "high", "space_high"]].tolist() == [50, 75, 100]
    assert table.loc["kind", "options"] == "a 90%, b 10%"
    assert SQUARE.share == pytest.approx(0.25 * 0.5 / (2 * 0.82))


def test_points_move_into_the_square():
    points = SQUARE.inside(np.random.default_rng(0).random((1000, 3)))
    assert (points >= SQUARE.low).all()
    assert (points <= SQUARE.high).all()
    assert np.mean(points[:, 2] < 0.5) == pytest.approx(0.9, abs=0.03)
    assert whole(SPACE).share == pytest.approx(1.0)


def test_only_a_centre_at_a_bound_raises_the_alarm():
    assert edges(SQUARE, SPACE) == ["the best values of rate lie at the upper bound 1: widen it"]
    assert edges(whole(SPACE), SPACE) == []


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=30))
def test_standardised_values_keep_their_order(values):
    values = np.array([0.0, *values])
    z, _, _ = standardised(values)
    assert np.isfinite(z).all()
    values[np.isnan(values)] = np.nanmedian(values)  # a failed trial counts as a middling one
    assert (np.diff(z[np.argsort(values, kind="stable")]) >= -1e-9).all()


def test_the_gradient_of_the_posterior():
    generator = np.random.default_rng(0)
    points, z = generator.random((12, 3)), generator.standard_normal(12)
    points[:, 2] = points[:, 2] > 0.5
    loss, centre, _ = negative_log_posterior(points, z, np.array([False, False, True]))
    for _ in range(3):
        theta = centre + 0.5 * generator.standard_normal(5)
        assert check_grad(lambda t: loss(t)[0], lambda t: loss(t)[1], theta) < 1e-4


def test_the_process_goes_through_smooth_values_and_knows_what_it_does_not_know():
    generator = np.random.default_rng(0)
    points = generator.random((60, 2))
    values = np.sin(3 * points[:, 0]) + points[:, 1] ** 2
    process = GaussianProcess.fit(points, values, REAL)
    good = values < np.median(values)  # the poorest are cut
    np.testing.assert_allclose(process.smoothed(points, values)[good], values[good], atol=0.02)
    near, far = (process.signal - (process.posterior(p)[1] ** 2).sum() for p in (points[:1], np.array([[5.0, 5.0]])))
    assert near < 0.01 * far


def test_the_process_smooths_noise():
    generator = np.random.default_rng(0)
    points = generator.random((200, 2))
    true = points.sum(axis=1)
    noisy = true + 0.3 * generator.standard_normal(200)
    smoothed = GaussianProcess.fit(points, noisy, REAL).smoothed(points, noisy)
    assert np.abs(smoothed - true).mean() < 0.7 * np.abs(noisy - true).mean()


def test_the_process_does_not_see_the_order():
    generator = np.random.default_rng(0)
    points, values = generator.random((FITTED + 50, 2)), generator.standard_normal(FITTED + 50)
    mixed = generator.permutation(len(points))
    one, other = GaussianProcess.fit(points, values, REAL), GaussianProcess.fit(points[mixed], values[mixed], REAL)
    np.testing.assert_array_equal(one.alpha, other.alpha)


def test_a_ladder_gets_bolder():
    generator = np.random.default_rng(0)
    points = generator.random((30, 2))
    process = GaussianProcess.fit(points, ((points - 0.5) ** 2).sum(axis=1), REAL)
    found = generator.random((500, 2))
    picks = ladder(process, found, boldness(20))
    assert len(np.unique(picks, axis=0)) == 20
    np.testing.assert_array_equal(picks[0], found[np.argmin(process.mean(found))])
    assert process.mean(picks[10:]).mean() > process.mean(picks[:10]).mean()


def test_a_large_wave_is_spread_too():
    generator = np.random.default_rng(0)
    points = generator.random((30, 2))
    process = GaussianProcess.fit(points, ((points - 0.5) ** 2).sum(axis=1), REAL)
    found = generator.random((4 * TOGETHER, 2))
    picks = ladder(process, found, boldness(2 * TOGETHER + 1))
    assert len(np.unique(picks, axis=0)) == 2 * TOGETHER + 1
    assert process.mean(picks).mean() < process.mean(found).mean()


def test_believing_changes_what_is_known_but_not_what_is_expected():
    generator = np.random.default_rng(0)
    points, asked, others = generator.random((20, 2)), generator.random((3, 2)), generator.random((50, 2))
    process = GaussianProcess.fit(points, points.sum(axis=1), REAL)
    believing = process.believing(asked)
    (mean, told), (same, more) = process.posterior(others), believing.posterior(others)
    np.testing.assert_allclose(same, mean, atol=1e-9)
    assert ((more**2).sum(axis=0) > (told**2).sum(axis=0)).all()
    z = np.concatenate([process.z, process.mean(asked)])  # as if these had been measured
    covariance = process.covariance(believing.points, believing.points) + process.noise * np.eye(len(z))
    np.testing.assert_allclose(covariance @ believing.alpha, z, atol=1e-6)
    np.testing.assert_allclose(believing.lower @ believing.lower.T, covariance, atol=1e-9)


def test_a_running_trial_makes_its_neighbours_less_worth_trying():
    points = np.array([[0.0], [1.0], [0.5]])
    process = GaussianProcess.fit(points, np.array([1.0, 1.0, 1.1]), REAL[:1])
    found = np.array([[0.25], [0.26], [0.76]])
    assert ladder(process.believing(np.array([[0.25]])), found, boldness(1))[0, 0] == 0.76
