"""Family (c): real trainings, tabulated once so that thousands of searches can be raced on them.

A table holds trials at points of a Sobol' sequence. The value of a point is the mean of its neighbours there, weighted
by inverse squared distance: single rows depend on the luck of a seed, and a few hundred trials would see a good part of
all rows. `python -m tests.benchmarks.search.tables` makes the tables again (some minutes on one core).
"""

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from caviar.search.samplers import sobol_points
from caviar.space import Config, Space, choice, default_space, lograndint, loguniform, randint, uniform
from caviar.space.scales import Array
from tests.benchmarks.curves import validation_losses
from tests.benchmarks.search.problems import Problem

FOLDER = Path(__file__).parent / "tables"
DIGITS_EPOCHS = 10
NEIGHBOURS = 8


def boosting_space() -> Space:
    return Space(
        learning_rate=loguniform(0.005, 1.0),
        n_estimators=lograndint(10, 150),
        max_depth=randint(1, 7),
        subsample=uniform(0.2, 1.0),
        max_features=uniform(0.1, 1.0),
        loss=choice(["squared_error", "absolute_error", "huber"]),
    )


def svm_space() -> Space:
    return Space(C=loguniform(1e-3, 1e3), gamma=loguniform(1e-5, 10.0), kernel=choice(["rbf", "poly", "sigmoid"]))


def digits(configs: list[Config]) -> Array:
    """Return the validation loss of the built-in network on the digits; NaN: diverged."""
    from caviar.data.loaders import load_digits

    return validation_losses(configs, load_digits(), DIGITS_EPOCHS)[:, -1]


def boosting(configs: list[Config]) -> Array:
    """Return the root mean squared error of gradient boosting on a held-out third of scikit-learn's diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.model_selection import train_test_split

    x, y = load_diabetes(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=1 / 3, random_state=0)
    models = [
        GradientBoostingRegressor(**config, random_state=i).fit(train_x, train_y) for i, config in enumerate(configs)
    ]
    return np.array([np.sqrt(np.mean((model.predict(test_x) - test_y) ** 2)) for model in models])


def svm(configs: list[Config]) -> Array:
    """Return the error in percent of a support vector machine on a held-out third of 900 of scikit-learn's digits."""
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    x, y = load_digits(return_X_y=True)
    x = x / 16
    errors = [100 - 100 * SVC(**config).fit(x[:600], y[:600]).score(x[600:900], y[600:900]) for config in configs]
    return np.array(errors)


TRAININGS: dict[str, tuple[Callable[[], Space], Callable[[list[Config]], Array], int]] = {
    "digits": (default_space, digits, 3000),
    "boosting": (boosting_space, boosting, 1500),
    "svm": (svm_space, svm, 1500),
}


@functools.cache
def tables() -> list[Problem]:
    """Return the problems of family (c)."""
    return [_problem(name, space()) for name, (space, _, _) in TRAININGS.items()]


def _problem(name: str, space: Space) -> Problem:
    with np.load(FOLDER / f"{name}.npz") as table:
        points, values = table["points"].astype(float), table["values"].astype(float)
    tree = cKDTree(_spread(points, space))

    def true(queries: Array) -> Array:
        distances, rows = tree.query(_spread(queries, space), k=NEIGHBOURS)
        weights = 1 / (distances**2 + 1e-6)
        return np.sum(weights * values[rows], axis=1) / weights.sum(axis=1)

    return Problem(f"{name}-{space.dimension}", "trainings", space, true, float(true(points).min()))


def _spread(points: Array, space: Space) -> Array:
    """Return the points with the options of a choice so far apart that neighbours share them."""
    return np.where(space.categorical, 100 * np.floor(points * np.where(space.categorical, space.levels, 1)), points)


def make(name: str) -> None:
    """Train all trials of one table and write it."""
    space, train, count = TRAININGS[name]
    points = space().snap(sobol_points(count, space().dimension, np.random.default_rng(0)))
    values = train(space().configs(points))
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / f"{name}.npz", points=points.astype(np.float32), values=values.astype(np.float32))


if __name__ == "__main__":
    for table in sys.argv[1:] or TRAININGS:
        make(table)
