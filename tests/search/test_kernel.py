"""The kernel of the Gaussian process, and how it is fitted."""

import numpy as np
from scipy.optimize import check_grad

from caviar.search.kernel import negative_log_posterior, squared_distances


def test_the_gradient_of_the_posterior_is_right():
    generator = np.random.default_rng(0)
    points, z = generator.random((12, 3)), generator.standard_normal(12)
    points[:, 2] = points[:, 2] > 0.5
    loss, median, _ = negative_log_posterior(points, z, np.array([False, False, True]))
    for _ in range(3):
        theta = median + 0.5 * generator.standard_normal(5)
        assert check_grad(lambda t: loss(t)[0], lambda t: loss(t)[1], theta) < 1e-3


def test_options_of_a_choice_are_all_one_apart():
    points = np.array([[0.125], [0.375], [0.875]])
    np.testing.assert_array_equal(squared_distances(points, points, np.array([True]))[0], 1 - np.eye(3))
