"""Random, Sobol' and grid points."""

import numpy as np

from caviar.search import Budget, Grid
from caviar.search.samplers import sobol_points
from caviar.space import Space, choice, randint, uniform


def test_sobol_points_are_balanced():
    points = sobol_points(64, 3, np.random.default_rng(0))
    for j in range(3):
        assert (np.bincount((points[:, j] * 64).astype(int), minlength=64) == 1).all()


def test_a_grid_has_all_combinations():
    space = Space(units=randint(1, 3), kind=choice(["a", "b"]), x=uniform(0, 1))
    points = Grid(space, Budget(trials=24, waves=1)).ask()
    assert [len(np.unique(column)) for column in points.T] == [3, 2, 4]
    assert len(np.unique(points, axis=0)) == 24
