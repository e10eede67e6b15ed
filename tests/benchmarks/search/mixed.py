"""Family (e): functions of which half of the coordinates are choices, whose options lie along an axis in any order."""

import numpy as np

from caviar.space import Space, choice, uniform
from caviar.space.scales import Array
from tests.benchmarks.search.problems import WIDTHS, Function, Problem, rotation_matrix

DIMENSIONS = (4, 8)
FEWEST_OPTIONS, MOST_OPTIONS = 2, 6


def mixed(seed: int) -> list[Problem]:
    """Return family (e): each function in each of `DIMENSIONS`, rotated, with the options of a seed."""
    return [_problem(function, dimension, seed) for function in WIDTHS for dimension in DIMENSIONS]


def _problem(function: Function, dimension: int, seed: int) -> Problem:
    """Return a function with its optimum anywhere in the middle 60% of the cube; one option of each choice is on it."""
    name = f"mixed-{function.__name__}-{dimension}"
    generator = np.random.default_rng((seed, sum(name.encode())))
    optimum = generator.uniform(0.2, 0.8, dimension)
    rotation = rotation_matrix(dimension, generator)
    places = []  # of the options of each choice
    for best in optimum[: dimension // 2]:
        options = generator.random(generator.integers(FEWEST_OPTIONS, MOST_OPTIONS + 1))
        options[generator.integers(len(options))] = best
        places.append(options)
    choices = {f"choice{j}": choice([f"option{k}" for k in range(len(p))]) for j, p in enumerate(places)}
    numbers = {f"number{j}": uniform(0, 1) for j in range(len(places), dimension)}

    def true(points: Array) -> Array:
        x = points.copy()
        for j, options in enumerate(places):
            x[:, j] = options[np.minimum((points[:, j] * len(options)).astype(int), len(options) - 1)]
        return function((x - optimum) @ rotation.T * WIDTHS[function])

    return Problem(name, "mixed", Space(**choices, **numbers), true, 0.0)
