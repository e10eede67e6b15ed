"""Family (d): the 24 noiseless functions of bbob (Hansen, Finck, Ros and Auger 2009), from COCO's package cocoex.

The seed chooses the instance, that is the optimum, the rotations and the distortions of a function. Values are counted
from the lowest one, which differs between instances.
"""

from caviar.space import cube
from caviar.space.scales import Array
from tests.benchmarks.search.problems import Problem

DIMENSIONS = (3, 5, 10)
GROUPS = {  # as the authors number and group the functions
    "separable": range(1, 6),
    "moderate": range(6, 10),
    "ill-conditioned": range(10, 15),
    "multimodal": range(15, 20),
    "weakly structured": range(20, 25),
}


def bbob(seed: int) -> list[Problem]:
    """Return family (d): each function in each of `DIMENSIONS`, with the instance of a seed >= 0."""
    return [
        _problem(group, number, dimension, instance=seed + 1)  # COCO's first instance is 1
        for dimension in DIMENSIONS
        for group, numbers in GROUPS.items()
        for number in numbers
    ]


def _problem(group: str, number: int, dimension: int, instance: int) -> Problem:
    from cocoex import BareProblem

    function = BareProblem("bbob", number, dimension, instance)
    lowest = function.best_value()

    def true(points: Array) -> Array:
        return function(10 * points - 5) - lowest  # the domain is [-5, 5]

    return Problem(f"bbob-f{number}-{dimension}", f"bbob {group}", cube(dimension), true, 0.0)
