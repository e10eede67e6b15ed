"""One race: a method on a problem, at each budget and width, scored on the true value of its winner."""

import time
import zlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from caviar.search import Budget, CoarseToFine, Grid, Random, Sobol
from caviar.space.scales import Array
from tests.benchmarks.search.peers import SAMPLERS, Optuna
from tests.benchmarks.search.problems import Problem
from tests.benchmarks.search.rivals import RIVALS

BUDGETS = ((32, 16), (64, 16), (200, 50))  # trials, and trials that run at the same time
OWN = {"random": Random, "Sobol'": Sobol, "grid": Grid}
CAVIAR = ("Caviar", "Caviar continuous")  # the second asks for a point whenever a trial ends
METHODS = (*CAVIAR, *OWN, *SAMPLERS, *RIVALS)


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
    seconds: float  # of CPU, to ask and tell, for each trial


class AskAndTell(Protocol):
    """What all methods have in common."""

    def ask(self, n: int) -> Array: ...
    def tell(self, points: Array, values: Array) -> None: ...


def race(method: str, problem: Problem, seed: int, budgets: tuple[tuple[int, int], ...] = BUDGETS) -> list[Record]:
    """Return the records of one method on one problem with one seed, one per budget."""
    own_seed = zlib.crc32(f"{problem.name}, {seed}".encode())  # else all problems of a seed start with the same points
    widths = {budget: 1 if method == "TPE sequential" else budget[1] for budget in budgets}
    scores: dict[tuple[int, int], tuple[float, float]] = {}
    for width in set(widths.values()):
        totals = sorted({trials for (trials, _), other in widths.items() if other == width})
        for trials in [[t] for t in totals] if method in (*CAVIAR, *RIVALS, "grid") else [totals]:
            results = winners(method, problem, own_seed, trials, width)
            scores |= zip(((total, width) for total in trials), results, strict=True)
    return [
        Record(method, problem.family, problem.name, *budget, seed, value, problem.best, seconds)
        for budget, width in widths.items()
        for value, seconds in [scores[budget[0], width]]
    ]


def winners(method: str, problem: Problem, seed: int, totals: list[int], width: int) -> Iterator[tuple[float, float]]:
    """Yield the true value of the winner after each number of trials in `totals`, and the seconds for each trial."""
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
    elif method in RIVALS:
        search = RIVALS[method](problem.space, seed, totals[-1])
    else:
        search = Optuna(problem.space, SAMPLERS[method](seed))
    generator = np.random.default_rng((seed, 1))
    points, values, seconds = np.empty((0, problem.space.dimension)), np.empty(0), 0.0
    for wave in waves:
        begun = time.process_time()
        batch = search.ask(wave)
        seconds += time.process_time() - begun
        measurements = problem.measure(batch, generator)
        begun = time.process_time()
        search.tell(batch, measurements)
        seconds += time.process_time() - begun
        points, values = np.concatenate([points, batch]), np.concatenate([values, measurements])
        if len(values) in totals:
            winner = search.recommend() if method in ("Caviar", *RIVALS) else points[np.nanargmin(values)]
            yield float(problem.true(winner[None])[0]), seconds / len(values)


def continuous(problem: Problem, seed: int, trials: int, width: int) -> tuple[float, float]:
    """Return what `winners` yields for a search without waves: `width` trials run, and end in order."""
    search = CoarseToFine(problem.space, Budget(trials, "continuous", seed))
    generator = np.random.default_rng((seed, 1))
    begun = time.process_time()
    running = [search.ask(1) for _ in range(width)]
    for finished in range(trials):
        point = running.pop(0)
        search.tell(point, problem.measure(point, generator))
        if finished + width < trials:
            running.append(search.ask(1))
    seconds = time.process_time() - begun  # the measurements take next to nothing
    return float(problem.true(search.recommend()[None])[0]), seconds / trials
