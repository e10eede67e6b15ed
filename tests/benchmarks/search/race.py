"""One race: a method on a problem, at each budget and width, scored on the true value of its winner."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from caviar.search import Budget, CoarseToFine, Grid, Random, Sobol
from caviar.space.scales import Array
from tests.benchmarks.search.peers import SAMPLERS, Optuna
from tests.benchmarks.search.problems import Problem

BUDGETS = ((32, 16), (64, 16), (128, 32), (256, 64))  # trials, and trials that run at the same time
OWN = {"random": Random, "Sobol'": Sobol, "grid": Grid}
CAVIAR = ("Caviar", "Caviar continuous")  # the second asks for a point whenever a trial ends
METHODS = (*CAVIAR, *OWN, *SAMPLERS)


class Record(NamedTuple):
    """One row of the results."""

    method: str
    family: str
    problem: str
    trials: int
    width: int
    seed: int
    value: float  # true value of the winner that the method picks
    best: float  # the lowest value known


class AskAndTell(Protocol):
    """What all methods have in common."""

    def ask(self, n: int) -> Array: ...
    def tell(self, points: Array, values: Array) -> None: ...


def race(method: str, problem: Problem, seed: int, budgets: tuple[tuple[int, int], ...] = BUDGETS) -> list[Record]:
    """Return the records of one method on one problem with one seed, one per budget."""
    own_seed = zlib.crc32(f"{problem.name}, {seed}".encode())  # else all problems of a seed start with the same points
    widths = {budget: 1 if method == "TPE sequential" else budget[1] for budget in budgets}
    values: dict[tuple[int, int], float] = {}
    for width in set(widths.values()):
        totals = sorted({trials for (trials, _), other in widths.items() if other == width})
        for trials in [[t] for t in totals] if method in (*CAVIAR, "grid") else [totals]:
            true_values = winners(method, problem, own_seed, trials, width)
            values |= zip(((total, width) for total in trials), true_values, strict=True)
    return [
        Record(method, problem.family, problem.name, *budget, seed, values[budget[0], width], problem.best)
        for budget, width in widths.items()
    ]


def winners(method: str, problem: Problem, seed: int, totals: list[int], width: int) -> Iterator[float]:
    """Yield the true value of the winner after each number of trials in `totals`, in waves of `width`."""
    waves = [width] * (totals[-1] // width)
    if method == "Caviar continuous":
        yield continuous(problem, seed, totals[-1], width)
        return
    budget = Budget(totals[-1], waves, seed)
    search: AskAndTell
    if method == "Caviar":
        search = CoarseToFine(problem.space, budget)
    elif method in OWN:
        search = OWN[method](problem.space, budget)
    else:
        search = Optuna(problem.space, SAMPLERS[method](seed))
    generator = np.random.default_rng((seed, 1))
    points, values = np.empty((0, problem.space.dimension)), np.empty(0)
    for wave in waves:
        batch = search.ask(wave)
        measurements = problem.measure(batch, generator)
        search.tell(batch, measurements)
        points, values = np.concatenate([points, batch]), np.concatenate([values, measurements])
        if len(values) in totals:
            winner = search.recommend() if method == "Caviar" else points[np.nanargmin(values)]
            yield float(problem.true(winner[None])[0])


def continuous(problem: Problem, seed: int, trials: int, width: int) -> float:
    """Return the true value of the winner of a search without waves: `width` trials run, and end in order."""
    search = CoarseToFine(problem.space, Budget(trials, "continuous", seed))
    generator = np.random.default_rng((seed, 1))
    running = [search.ask(1) for _ in range(width)]
    for finished in range(trials):
        point = running.pop(0)
        search.tell(point, problem.measure(point, generator))
        if finished + width < trials:
            running.append(search.ask(1))
    return float(problem.true(search.recommend()[None])[0])
