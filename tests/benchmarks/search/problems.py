"""The problems that searches are compared on: functions, real network-tuning tasks, and tables of real trainings.

A problem is a space with its true values; a measurement may add noise. Functions are shifted and rotated
by seed, so that no search profits from the middle or the axes of the cube.
"""

import functools
import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from caviar.space import Space, cube, lograndint, loguniform, randint, uniform
from caviar.space.scales import Array

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Problem:
    """A function to minimise.

    Args:
        name: in the results.
        family: in the results.
        space: the space to search.
        true: maps points of the unit cube, shape (n, d), to values without noise, shape (n,); NaN: diverged.
        best: the lowest value classic.
        noise: the standard deviation of a measurement.
    """

    name: str
    family: str
    space: Space
    true: Function
    best: float
    noise: float = 0.0

    def measure(self, points: Array, generator: np.random.Generator) -> Array:
        """Return the values that a search sees, shape (n,)."""
        return self.true(points) + self.noise * generator.standard_normal(len(points))


def sphere(z: Array) -> Array:
    return np.sum(z**2, axis=1)


def ellipsoid(z: Array) -> Array:
    return z**2 @ 10.0 ** np.linspace(0, 4, z.shape[1])


def rosenbrock(z: Array) -> Array:
    x = z + 1
    return np.sum(100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2, axis=1)


def rastrigin(z: Array) -> Array:
    return np.sum(z**2 - 10 * np.cos(2 * np.pi * z) + 10, axis=1)


def ackley(z: Array) -> Array:
    smooth = -20 * np.exp(-0.2 * np.sqrt(np.mean(z**2, axis=1)))
    return smooth - np.exp(np.mean(np.cos(2 * np.pi * z), axis=1)) + 20 + np.e


def griewank(z: Array) -> Array:
    waves = np.cos(z / np.sqrt(np.arange(1, z.shape[1] + 1)))
    return np.sum(z**2, axis=1) / 4000 - np.prod(waves, axis=1) + 1


def levy(z: Array) -> Array:
    w = 1 + z / 4
    inner = (w[:, :-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:, :-1] + 1) ** 2)
    last = (w[:, -1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[:, -1]) ** 2)
    return np.sin(np.pi * w[:, 0]) ** 2 + inner.sum(axis=1) + last


WIDTHS: dict[Function, float] = {  # of the domain that the unit cube represents
    sphere: 10.0,
    ellipsoid: 10.0,
    rosenbrock: 4.0,
    rastrigin: 10.24,
    ackley: 65.0,
    griewank: 100.0,
    levy: 20.0,
}
HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann6(u: Array) -> Array:
    squared = (u[:, None, :] - HARTMANN_P) ** 2
    return -np.exp(-np.einsum("nij,ij->ni", squared, HARTMANN_A)) @ np.array([1.0, 1.2, 3.0, 3.2])


def branin(u: Array) -> Array:
    x, y = 15 * u[:, 0] - 5, 15 * u[:, 1]
    bowl = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


def shift_and_rotate(function: Function, dimension: int, seed: int, total: int | None = None) -> Problem:
    """Return a function with its optimum anywhere in the middle 60% of the cube and its axes rotated at random.

    Args:
        function: with its optimum at 0.
        dimension: the number of coordinates that matter.
        seed: of optimum and rotation.
        total: the number of coordinates; default: `dimension`.
    """
    name = f"{function.__name__}-{dimension}" + (f"of{total}" if total else "")
    generator = np.random.default_rng((seed, sum(name.encode())))
    optimum = generator.uniform(0.2, 0.8, dimension)
    rotation = rotation_matrix(dimension, generator)
    active = generator.permutation(total or dimension)[:dimension]

    def true(points: Array) -> Array:
        return function((points[:, active] - optimum) @ rotation.T * WIDTHS[function])

    return Problem(name, "functions", cube(total or dimension), true, 0.0)


def rotation_matrix(dimension: int, generator: np.random.Generator) -> Array:
    """Return a random rotation, shape (d, d)."""
    return np.linalg.qr(generator.standard_normal((dimension, dimension)))[0]


def permute_and_mirror(function: Function, dimension: int, best: float, seed: int) -> Problem:
    """Return a function whose axes are permuted and mirrored at random."""
    generator = np.random.default_rng((seed, dimension))
    axes, mirrored = generator.permutation(dimension), generator.random(dimension) < 0.5

    def true(points: Array) -> Array:
        return function(np.where(mirrored, 1 - points[:, axes], points[:, axes]))

    return Problem(f"{function.__name__}-{dimension}", "functions", cube(dimension), true, best)


def add_noise(problem: Problem) -> Problem:
    """Return the problem with noise of a tenth of the distance from the best to the median value."""
    values = problem.true(np.random.default_rng(0).random((1000, problem.space.dimension)))
    sd = 0.1 * (float(np.nanmedian(values)) - problem.best)
    return replace(problem, name=problem.name + "-noisy", noise=sd)


def add_cliff(problem: Problem, seed: int) -> Problem:
    """Return the problem with about a third of the cube diverging, beyond a plane near the best of 5,000 points."""
    generator = np.random.default_rng((seed, 99))
    sample = generator.random((5000, problem.space.dimension))
    best = sample[np.argmin(problem.true(sample))]
    normal = generator.standard_normal(problem.space.dimension)
    beyond = (sample - best) @ normal
    normal = normal if np.mean(beyond > 0) < 0.5 else -normal
    edge = max(float(np.quantile((sample - best) @ normal, 0.6)), 0.05)

    def true(points: Array) -> Array:
        return np.where((points - best) @ normal > edge, np.nan, problem.true(points))

    return replace(problem, name=problem.name + "-cliff", true=true)


def functions(seed: int) -> list[Problem]:
    """Return family (b): functions in 2, 5 and 10 dimensions, some noisy, some with idle coordinates or cliffs."""
    plain = [shift_and_rotate(function, d, seed) for function in WIDTHS for d in (2, 5, 10)]
    classic = [permute_and_mirror(hartmann6, 6, -3.322368, seed), permute_and_mirror(branin, 2, 0.397887, seed)]
    noisy = [add_noise(shift_and_rotate(function, 5, seed)) for function in (sphere, rosenbrock, ackley, levy)]
    idle = [shift_and_rotate(function, 2, seed, total=8) for function in (ellipsoid, rosenbrock, levy)]
    cliffs = [add_cliff(shift_and_rotate(function, 5, seed), seed) for function in (sphere, ackley, levy)]
    return plain + classic + [*noisy, add_noise(classic[0])] + idle + cliffs


def lcbench_space() -> Space:
    """Return the space of the LCBench surrogate."""
    return Space(
        batch_size=lograndint(16, 512),
        learning_rate=loguniform(1e-4, 0.1),
        momentum=uniform(0.1, 0.99),
        weight_decay=uniform(1e-5, 0.1),
        num_layers=randint(1, 5),
        max_units=lograndint(64, 1024),
        max_dropout=uniform(0, 1),
    )


def lcbench_model(folder: str) -> Any:
    """Return the model of LCBench's curves, which lcbench.py in a folder defines."""
    spec = importlib.util.spec_from_file_location("lcbench", Path(folder) / "lcbench.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no lcbench.py in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["lcbench"] = module
    spec.loader.exec_module(module)
    return module.LCBench()


@functools.cache
def lcbench(folder: str) -> list[Problem]:
    """Return family (a): 17 network-tuning tasks, validation error in percent, with noise of 0, 2 and 5.

    Args:
        folder: with lcbench.py, its model and its list of tasks.
    """
    bench = lcbench_model(folder)
    sample = np.random.default_rng(0).random((20_000, 7))
    problems = []
    for task in json.loads((Path(folder) / "tasks.json").read_text()):
        true = functools.partial(bench.error, task)
        best = float(true(sample).min())
        for noise in (0.0, 2.0, 5.0):
            name = f"lcbench-{task}-noise{noise:g}"
            problems.append(Problem(name, f"lcbench noise {noise:g}", lcbench_space(), true, best, noise))
    return problems
