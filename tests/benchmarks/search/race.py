"""One race: a method on a problem, at each budget and width, scored on the true value of its winner."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from caviar.search import CoarseToFine, Grid, Random, Sobol
from tests.benchmarks.search.peers import SAMPLERS, Optuna
from tests.benchmarks.search.problems import Problem

Array = NDArray[np.float64]
BUDGETS = ((32, 16), (64, 16), (128, 32), (256, 64))  # trials, and how many run at the same time
OWN = {"random": Random, "Sobol'": Sobol, "grid": Grid}
CAVIAR = ("Caviar", "Caviar continuous")  # the second asks for a point whenever one is told
METHODS = (*CAVIAR, *OWN, *SAMPLERS)


class Record(NamedTuple):
    """One line of the results."""

    method: str
    family: str
    problem: str
    trials: int
    width: int
    seed: int
    value: float  # true value of the winner the method names
    best: float  # the lowest value known


class Asks(Protocol):
    def ask(self, n: int) -> Array: ...
    def tell(self, points: Array, values: Array) -> None: ...


def race(method: str, problem: Problem, seed: int, budgets: tuple[tuple[int, int], ...] = BUDGETS) -> list[Record]:
    """The records of one method on one problem with one seed, one a budget."""
    drawn = zlib.crc32(f"{problem.name}, {seed}".encode())  # else all problems of a seed began with the same points
    asked = {budget: 1 if method == "TPE sequential" else budget[1] for budget in budgets}
    values: dict[tuple[int, int], float] = {}
    for width in set(asked.values()):
        totals = sorted({trials for (trials, _), wide in asked.items() if wide == width})
        for trials in [[t] for t in totals] if method in (*CAVIAR, "grid") else [totals]:
            found = winners(method, problem, drawn, trials, width)
            values |= zip(((total, width) for total in trials), found, strict=True)
    return [
        Record(method, problem.family, problem.name, *budget, seed, values[budget[0], width], problem.best)
        for budget, width in asked.items()
    ]


def winners(method: str, problem: Problem, seed: int, totals: list[int], width: int) -> Iterator[float]:
    """The true value of the winner after each number of trials in `totals`, asking `width` at a time."""
    waves = [width] * (totals[-1] // width)
    if method == "Caviar continuous":
        yield continuous(problem, seed, totals[-1], width)
        return
    if method == "Caviar":
        search = CoarseToFine(problem.space, trials=totals[-1], waves=waves, seed=seed)
    elif method in OWN:
        search = OWN[method](problem.space, totals[-1], waves, seed)
    else:
        search = Optuna(problem.space, SAMPLERS[method](seed))
    generator = np.random.default_rng((seed, 1))
    points, values = np.empty((0, problem.space.dimension)), np.empty(0)
    for wave in waves:
        asked = search.ask(wave)
        measured = problem.measured(asked, generator)
        search.tell(asked, measured)
        points, values = np.concatenate([points, asked]), np.concatenate([values, measured])
        if len(values) in totals:
            # others name the best value they have seen; nothing finished: the worst there is
            named = search.recommend() if method == "Caviar" else points[np.nanargmin(values)]
            yield float(problem.true(named[None])[0])


def continuous(problem: Problem, seed: int, trials: int, width: int) -> float:
    """The true value of the winner of a search without waves: `width` trials run, and end in the order they began."""
    search = CoarseToFine(problem.space, trials=trials, waves="continuous", seed=seed)
    generator = np.random.default_rng((seed, 1))
    running = [search.ask(1) for _ in range(width)]
    for ended in range(trials):
        point = running.pop(0)
        search.tell(point, problem.measured(point, generator))
        if ended + width < trials:
            running.append(search.ask(1))
    return float(problem.true(search.recommend()[None])[0])
