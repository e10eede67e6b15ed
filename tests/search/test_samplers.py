"""Random, Sobol' and grid points."""

import numpy as np

from caviar.search.samplers import grid_points, sobol_points


def test_sobol_points_are_balanced():
    points = sobol_points(64, 3, np.random.default_rng(0))
    for j in range(3):
        assert (np.bincount((points[:, j] * 64).astype(int), minlength=64) == 1).all()


def test_a_grid_has_all_combinations():
    assert len(np.unique(grid_points([3, 2, 4]), axis=0)) == 24
