"""How true comparisons of studies are: `python -m tests.benchmarks.answers.comparison`.

Studies of one function that differ in their seeds alone are compared, so that what is found between them is chance, and
the truth about their winners is known. Functions have noise and are confirmed, have noise and are not, or have none.
Printed are, for each kind, over problems and pairs:

    winners    one study a side: the share of 95% intervals that hold the true difference of the two winners
    sure       the share of pairs in which one winner is said to be better with more than 95%
    right      in how many of these it is
    studies    three studies a side: the share of 95% intervals that hold 0, as they do where only chance differs
    pairs      the same, where both sides have the same seeds and their measurements differ

and, on a sum of squares whose every term is known, the share of 95% intervals of `gains` that hold what the step from
one winner to the other gains.
"""

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from caviar.insight.attribution import gains_between
from caviar.insight.comparison import compare
from caviar.space import cube
from caviar.space.scales import Array
from tests.benchmarks.answers.counterfactual import run_study, true_value
from tests.benchmarks.search.problems import Problem, functions

Confirmed = bool | tuple[int, int]
KINDS: tuple[tuple[str, Confirmed], ...] = (("noise", False), ("noise, confirmed", (3, 4)))
STUDIES, A_SIDE = 6, 3  # of a problem, and of a side where several are compared
WEIGHTS, CENTRE = np.array([1.0, 0.5, 0.25, 0.0]), np.array([0.3, 0.6, 0.5, 0.5])  # of the sum of squares


def main() -> None:
    """Run studies, and print the tables."""
    options = _options()
    rows = []
    for problem in functions(0)[options.first : options.last : options.every]:
        for kind, confirm in KINDS if problem.noise else (("no noise", False),):
            with tempfile.TemporaryDirectory() as folder:
                rows.append({"kind": kind} | compared(problem, options.trials, Path(folder), confirm))
    groups = pd.DataFrame(rows).groupby("kind")
    print(groups.mean().round(3).assign(problems=groups.size()).to_string())
    with tempfile.TemporaryDirectory() as folder:
        inside = attributed(options.trials, Path(folder))
    print(f"\ngains of hyperparameters inside their intervals: {np.mean(inside):.1%} of {len(inside)}")


def compared(problem: Problem, trials: int, folder: Path, confirm: Confirmed) -> dict[str, float]:
    """Return how true the comparisons of studies of a problem are."""
    same_seeds = range(STUDIES) if problem.noise else range(STUDIES, 2 * STUDIES)
    runs = [*((seed, 0) for seed in range(STUDIES)), *((seed, 1) for seed in same_seeds)]
    outcomes = [
        run_study(problem, seed, trials, folder / f"{seed}-{again}", confirm=confirm, again=again)
        for seed, again in runs
    ]
    first, second = outcomes[:STUDIES], outcomes[STUDIES:]
    winners = [true_value(problem, outcome.best.config) for outcome in outcomes]
    inside, sure = [], []
    for i, j in itertools.pairwise(range(len(outcomes))):
        found, truth = compare(outcomes[i], outcomes[j]), winners[i] - winners[j]
        inside.append(found.gain.low <= truth <= found.gain.high)
        if abs(found.probability - 0.5) > 0.45:
            sure.append((found.probability > 0.5) == (truth > 0))
    several = [compare(side[:A_SIDE], side[A_SIDE:]) for side in (first, second)]
    pairs = [compare(first[k : k + A_SIDE], second[k : k + A_SIDE]) for k in (0, A_SIDE)] if problem.noise else []
    return {
        "winners": float(np.mean(inside)),
        "sure": len(sure) / len(inside),
        "right": float(np.mean(sure)) if sure else float("nan"),
        "studies": float(np.mean([found.gain.low <= 0 <= found.gain.high for found in several])),
        "pairs": float(np.mean([found.gain.low <= 0 <= found.gain.high for found in pairs])) if pairs else float("nan"),
    }


def attributed(trials: int, folder: Path) -> list[bool]:
    """Return for each gain of a hyperparameter, on the sum of squares, whether its interval holds the truth."""

    def true(points: Array) -> Array:
        return ((points - CENTRE) ** 2) @ WEIGHTS

    problem = Problem("squares", "squares", cube(len(WEIGHTS)), true, 0.0, noise=0.01)
    names = problem.space.names
    outcomes = [
        run_study(problem, seed, trials, folder / str(seed), confirm=False, search="random") for seed in range(STUDIES)
    ]
    inside = []
    for a, b in itertools.combinations(outcomes, 2):
        old, new = (np.array([outcome.best.config[name] for name in names]) for outcome in (a, b))
        truth = dict(zip(names, WEIGHTS * ((old - CENTRE) ** 2 - (new - CENTRE) ** 2), strict=True))
        for each in gains_between(a, b):
            inside.append(each.gain.low <= truth[each.hyperparameter] <= each.gain.high)
    return inside


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--first", type=int, default=0, help="the first of the 34 functions; 23 to 27 have noise")
    parser.add_argument("--last", type=int, help="the one after the last")
    parser.add_argument("--every", type=int, default=1, help="take every n-th")
    return parser.parse_args()


if __name__ == "__main__":
    main()
