"""The laws of searches: waves, points, reproducibility, estimates, failures."""

from collections.abc import Callable

import numpy as np

from caviar.errors import InputError
from caviar.search import Budget, Search
from caviar.space import Space, choice, cube, loguniform, randint, uniform
from caviar.space.scales import Array
from caviar.testing.laws import raises, require

SEED = 5
SPACES = {
    "the plain cube": cube(2),
    "a space of many kinds": Space(
        optimizer=choice({"adam": Space(beta2=uniform(0.9, 0.999)), "plain": None}),
        learning_rate=loguniform(1e-4, 1),
        units=randint(1, 30),
        constant="fixed",
    ),
    "a space of 15 configs": Space(units=randint(1, 5), activation=choice(["relu", "tanh", "sigmoid"])),
    "a space of constants": Space(constant=1),
}


def check_search(make_search: Callable[[Space, Budget], Search]) -> None:
    """Check a search: its waves, its points, its reproducibility, its estimates, and how it handles failures.

    Args:
        make_search: the class of the search, or a function of a space and a budget that returns one.

    >>> from caviar.search import Random
    >>> check_search(Random)
    """
    for name, space in SPACES.items():
        _check_waves(make_search, space, name)
    _check_failures(make_search(cube(2), Budget(12, waves=3, seed=SEED)))
    _check_other_trials(make_search(cube(2), Budget(12, waves=3, seed=SEED)))
    _check_single_points(make_search(cube(2), Budget(8, waves="continuous", seed=SEED)))


def _check_waves(make_search: Callable[[Space, Budget], Search], space: Space, name: str) -> None:
    budget = Budget(18, waves=3, seed=SEED)
    search, other, resumed = searches = [make_search(space, budget) for _ in range(3)]
    points = np.empty((0, space.dimension))
    for size in budget.sizes(space.dimension):
        wave = search.ask()
        require(wave.shape == (size, space.dimension), f"ask() must return the rest of the wave, on {name}")
        require(bool(((wave >= 0) & (wave <= 1)).all()), f"points must lie in the unit cube, on {name}")
        require(np.array_equal(wave, space.snap(wave)), f"points must be snapped by the space, on {name}")
        require(np.array_equal(wave, search.ask()), f"ask() must repeat its points until tell(), on {name}")
        require(np.array_equal(wave, other.ask()), f"equal budgets and values must give equal points, on {name}")
        points = np.concatenate([points, wave])
        if len(points) == budget.trials:
            require(np.array_equal(wave, resumed.ask()), f"a search must resume from tell() alone, on {name}")
        for each in searches:
            each.tell(wave, _value(wave))
    new = min(len(points), float(np.prod(space.levels)))
    configs = {repr(config) for config in space.configs(points)}
    require(len(configs) == new, f"no config may repeat while there are new ones, on {name}")
    require(search.done, f"a search must be done when its budget is used up, on {name}")
    require(raises(InputError, search.ask), "ask() must raise InputError when the budget is used up")
    estimates = search.estimates()
    same = np.array_equal(np.isnan(estimates), np.isnan(_value(points)))
    require(same, f"estimates() must have one value per trial, NaN only for failed ones, on {name}")
    best = points[np.nanargmin(estimates)]
    require(np.array_equal(search.recommend(), best), f"recommend() must have the lowest estimate, on {name}")


def _check_failures(search: Search) -> None:
    for _ in range(2):
        points = search.ask()
        search.tell(points, np.full(len(points), np.nan))
    require(bool(np.isnan(search.estimates()).all()), "estimates() must be NaN while all trials have failed")
    require(raises(InputError, search.recommend), "recommend() must raise InputError while all trials have failed")
    points = search.ask()
    search.tell(points, np.array([-np.inf, 1.0, np.inf, np.nan]))
    require(np.array_equal(search.recommend(), points[1]), "values that are not finite must count as failures")


def _check_other_trials(search: Search) -> None:
    """Check trials that the search did not propose: a warm start and enqueued configs."""
    points = np.random.default_rng(SEED).random((3, 2))
    search.tell(points, _value(points), counted=False)
    require(len(search.ask()) == 4, "trials told with counted=False must not use up the budget")
    search.tell(points / 2, _value(points / 2))
    require(len(search.ask()) == 1, "trials that the search did not propose must count as part of the wave")
    require(len(search.ask(2)) == 2, "ask(n) must return n points")


def _check_single_points(search: Search) -> None:
    points = np.concatenate([search.ask() for _ in range(3)])
    for i in range(search.trials):  # two others are still running
        search.tell(points[i : i + 1], _value(points[i : i + 1]))
        if len(points) < search.trials:
            points = np.concatenate([points, search.ask(1)])
    require(len(np.unique(points, axis=0)) == search.trials, "a search without waves must not repeat running points")


def _value(points: Array) -> Array:
    """Return values to minimise, shape (n,); NaN near the upper end of the last coordinate."""
    values = ((points - 0.3) ** 2).sum(axis=1)
    return values if points.shape[1] == 0 else np.where(points[:, -1] > 0.95, np.nan, values)
