"""Learning curves that studies are replayed on: LCBench's, and tables of real trainings of the built-in network.

A table holds the curves of 1,500 configs, points of a Sobol' sequence. The true curve of a point is the mean of its
neighbours there, weighted by inverse squared distance; a measured one adds what one of the neighbours is off by.
`python -m tests.benchmarks.curves` makes the tables again (some minutes on one core).
"""

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import caviar
from caviar.search.samplers import sobol_points
from caviar.space import Config, Space, default_space
from caviar.space.scales import Array
from tests.benchmarks.halving import friedman
from tests.benchmarks.search.problems import lcbench_model, lcbench_space

FOLDER = Path(__file__).parent / "curves"
EPOCHS = 20  # of the tables
ROWS, NEIGHBOURS = 1500, 8
LCBENCH_EPOCHS, LCBENCH_NOISE = 50, 0.5  # points of accuracy, of a trial and again of each of its epochs


@dataclass(frozen=True)
class Task:
    """A task whose trials have curves, lower is better.

    Args:
        name, group: in the results.
        space: the space to search.
        epochs: of a whole trial.
        true: maps points of the unit cube, shape (n, d), to curves without noise, shape (n, epochs).
        measure: the same with the luck of a seed.
    """

    name: str
    group: str
    space: Space
    epochs: int
    true: Callable[[Array], Array]
    measure: Callable[[Array, np.random.Generator], Array]


def lcbench(folder: str) -> list[Task]:
    """Return the 17 tasks of LCBench: validation error in percent.

    Args:
        folder: with lcbench.py, its model and its list of tasks.
    """
    bench = lcbench_model(folder)

    def task(name: str) -> Task:
        def true(points: Array) -> Array:
            return np.stack([bench.error(name, points, epoch=e) for e in range(1, LCBENCH_EPOCHS + 1)], axis=1)

        def measure(points: Array, generator: np.random.Generator) -> Array:
            noise = generator.standard_normal((len(points), LCBENCH_EPOCHS + 1))
            return true(points) + LCBENCH_NOISE * (noise[:, :1] + noise[:, 1:])

        return Task(f"lcbench-{name}", "lcbench", lcbench_space(), LCBENCH_EPOCHS, true, measure)

    return [task(name) for name in json.loads((Path(folder) / "tasks.json").read_text(encoding="utf-8"))]


def digits() -> caviar.Dataset:
    from caviar.data.loaders import load_digits

    return load_digits()


def cancer() -> caviar.Dataset:
    from sklearn.datasets import load_breast_cancer

    return caviar.from_arrays(*load_breast_cancer(return_X_y=True))


def diabetes() -> caviar.Dataset:
    from sklearn.datasets import load_diabetes

    return caviar.from_arrays(*load_diabetes(return_X_y=True), task="regression")


TABLES: dict[str, Callable[[], caviar.Dataset]] = {
    "digits": digits,
    "friedman": friedman,
    "cancer": cancer,
    "diabetes": diabetes,
}


@functools.cache
def tables() -> list[Task]:
    """Return the tasks whose curves are tabulated: the validation loss."""
    return [_task(name) for name in TABLES]


def _task(name: str) -> Task:
    space = default_space()
    with np.load(FOLDER / f"{name}.npz") as table:
        points, curves = table["points"].astype(float), table["curves"].astype(float)
    tree = cKDTree(_spread(points, space))

    def smooth(queries: Array) -> tuple[Array, Array]:
        distances, rows = tree.query(_spread(queries, space), k=NEIGHBOURS)
        weights = 1 / (distances**2 + 1e-2)
        return np.einsum("nk,nke->ne", weights, curves[rows]) / weights.sum(axis=1, keepdims=True), rows

    residuals = curves - smooth(points)[0]

    def measure(queries: Array, generator: np.random.Generator) -> Array:
        mean, rows = smooth(queries)
        return mean + residuals[rows[np.arange(len(rows)), generator.integers(NEIGHBOURS, size=len(rows))]]

    return Task(name, "trainings", space, EPOCHS, lambda queries: smooth(queries)[0], measure)


def _spread(points: Array, space: Space) -> Array:
    """Return the points with the options of a choice so far apart that neighbours share them."""
    return np.where(space.categorical, 100 * np.floor(points * np.where(space.categorical, space.levels, 1)), points)


def make(name: str) -> None:
    """Train all configs of one table and write their curves; those that diverge have the worst value from then on."""
    space, dataset = default_space(), TABLES[name]()
    points = space.snap(sobol_points(ROWS, space.dimension, np.random.default_rng(0)))
    curves = validation_losses(space.configs(points), dataset, EPOCHS)
    curves = np.where(np.isfinite(curves), curves, np.nan)
    curves = np.minimum(curves, 3 * np.nanmedian(curves[:, -1]))  # far off is far off
    curves = np.where(np.isnan(curves), np.nanmax(curves), curves)
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / f"{name}.npz", points=points.astype(np.float32), curves=curves.astype(np.float16))


def validation_losses(configs: list[Config], dataset: caviar.Dataset, epochs: int) -> Array:
    """Train the built-in network, and return its validation losses, shape (n, epochs); NaN: diverged."""
    from caviar.model.shapes import shape_of
    from caviar.model.training import Training

    curves = np.full((len(configs), epochs), np.nan)
    shapes = [shape_of(config) for config in configs]
    for shape in dict.fromkeys(shapes):
        stack = [i for i, other in enumerate(shapes) if other == shape]
        training = Training([configs[i] for i in stack], stack, dataset, epochs=epochs)
        for epoch in range(epochs):
            reports = training.epoch()
            curves[stack, epoch] = [np.nan if report is None else report["val_loss"] for report in reports]
    return curves


if __name__ == "__main__":
    for table in sys.argv[1:] or TABLES:
        make(table)
