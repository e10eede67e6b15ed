"""The Gaussian process: smoothing, uncertainty, fantasies."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caviar.search.gaussian_process import SUBSET_SIZE, GaussianProcess, standardise

REAL = np.zeros(2, dtype=bool)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=30))
def test_standardised_values_keep_their_order(values):
    values = np.array([0.0, *values])
    z, shift, scale = standardise(values)
    assert np.isfinite([*z, shift, scale]).all()
    values[np.isnan(values)] = np.nanmedian(values)  # a failed trial counts as a middling one
    assert (np.diff(z[np.argsort(values, kind="stable")]) >= -1e-9).all()


def test_smooth_values_are_reproduced_and_uncertainty_grows_with_distance():
    generator = np.random.default_rng(0)
    points = generator.random((60, 2))
    values = np.sin(3 * points[:, 0]) + points[:, 1] ** 2
    process = GaussianProcess.fit(points, values, REAL)
    good = values < np.median(values)  # the poorest are clipped
    np.testing.assert_allclose(process.smooth(points, values)[good], values[good], atol=0.02)
    near, far = (
        process.kernel.signal_variance - (process.posterior(point)[1] ** 2).sum()
        for point in (points[:1], np.array([[5.0, 5.0]]))
    )
    assert near < 0.01 * far


def test_noise_is_smoothed():
    generator = np.random.default_rng(0)
    points = generator.random((200, 2))
    true = points.sum(axis=1)
    noisy = true + 0.3 * generator.standard_normal(200)
    smooth = GaussianProcess.fit(points, noisy, REAL).smooth(points, noisy)
    assert np.abs(smooth - true).mean() < 0.7 * np.abs(noisy - true).mean()


def test_the_order_of_the_trials_does_not_matter():
    generator = np.random.default_rng(0)
    points, values, order = generator.random((70, 2)), generator.standard_normal(70), generator.permutation(70)
    one = GaussianProcess.fit(points, values, REAL, subset_size=60)
    other = GaussianProcess.fit(points[order], values[order], REAL, subset_size=60)
    np.testing.assert_array_equal(one.alpha, other.alpha)


def test_many_trials_are_represented_by_a_subset_with_the_best_half():
    points = np.random.default_rng(0).random((1500, 2))
    values = points.sum(axis=1)
    process = GaussianProcess.fit(points, values, REAL)
    assert len(process.points) == SUBSET_SIZE
    assert set(np.sort(values)[: SUBSET_SIZE // 2]) <= set(process.values)
    assert len(GaussianProcess.fit(points, values, REAL, subset_size=100).points) == 100


@given(st.lists(st.floats(0.1, 10), min_size=8, max_size=30), st.sampled_from([1e8, 1e15, 1e300]))
def test_a_huge_value_does_not_make_the_others_equal(values, huge):
    values = np.array([*values, *np.arange(1.0, 9.0)])
    z, _, _ = standardise(values)
    with_huge, _, _ = standardise(np.append(values, huge))
    assert np.ptp(with_huge[:-1]) > 0.4 * min(np.ptp(z), 4)
