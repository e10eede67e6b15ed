"""How true the answer about random search is: `python -m tests.benchmarks.answers.counterfactual`.

Studies are run on problems whose true values are known: 34 functions (`b`), three tables of trainings (`c`), and, with
`--lcbench FOLDER`, the 17 tasks of LCBench without noise and with noise of 2 points (`a`). For each, `random_search`
says what a random search would have reached, and many random searches are run. Printed are, by family, over the studies
about which it tells something, and over those about which it does not:

    bias       of what random search reaches, told minus true, in units of the distance from there to the median config
    inside     the share of random searches that end inside the interval, which should hold 80%
    few        the same for random searches of four trials, which order statistics of the first wave tell if it has 16
    gain       of the study over random search, true and told, in the same unit
    trials     the share of random searches that need a number of trials inside the interval of `equal_trials`

With `--search random` the studies are random searches themselves, so that the true gain is about 0.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

import caviar
from caviar.insight.counterfactual import Counterfactual, random_search
from caviar.insight.estimate import Estimate
from caviar.records.early_stopping import Confirm
from caviar.search import Budget, Random
from caviar.space.scales import Array
from tests.benchmarks.search.problems import Problem, functions, lcbench
from tests.benchmarks.search.tables import tables

NOISELESS_SEARCHES, NOISY_SEARCHES = 2000, 40  # random searches on a problem; those with noise need a process each
SAMPLE = 20_000  # random configs of a problem
NOISES = (0.0, 2.0)  # of LCBench
CONFIRM = Confirm(3, 4)  # of problems with noise


class Row(NamedTuple):
    """One study, and how true what is said about it is."""

    family: str
    problem: str
    seed: int
    told: bool
    bias: float
    inside: float
    few: float  # NaN for problems with noise
    true_gain: float
    told_gain: float
    trials: float  # NaN for problems with noise


def main() -> None:
    """Run studies, print the table, and write a row a study to a file."""
    options = _options()
    rows: list[Row] = []
    for seed in range(options.seeds):
        for problem in [*problems(options.families, options.lcbench, seed)][options.first :: options.every]:
            rows.append(row(problem, seed, options))
            if options.out:  # after each, since all take long
                pd.DataFrame(rows).to_csv(options.out, index=False)
    show(pd.DataFrame(rows))


def show(table: pd.DataFrame) -> None:
    """Print the means of rows, and the medians of the bias."""
    groups = table.drop(columns=["problem", "seed"]).groupby(["family", "told"])
    medians = groups["bias"].median().rename("median bias")
    print(groups.mean().join(medians).round(3).assign(studies=groups.size()).to_string())


def problems(families: str, folder: str, seed: int) -> Iterator[Problem]:
    """Yield the problems of some families."""
    if "a" in families:
        yield from (problem for problem in lcbench(folder) if problem.noise in NOISES)
    if "b" in families:
        yield from functions(seed)
    if "c" in families:
        yield from tables()


def row(problem: Problem, seed: int, options: argparse.Namespace) -> Row:
    """Run a study and return how true what is said about it is."""
    with tempfile.TemporaryDirectory() as folder:
        confirm = (CONFIRM.top, CONFIRM.replicates) if problem.noise else False
        search, waves, trials = options.search, options.waves or "auto", options.trials
        outcome = run_study(problem, seed, trials, Path(folder), confirm=confirm, search=search, waves=waves)
        found = random_search(outcome)
        winner = true_value(problem, outcome.best.config)
    sample = problem.true(problem.space.snap(np.random.default_rng(5).random((SAMPLE, problem.space.dimension))))
    reached = random_winners(problem, trials, sample)
    middle = float(np.median(reached))
    unit = float(np.median(sample[np.isfinite(sample)])) - middle
    return Row(
        problem.family + (" with noise" if problem.noise and problem.family == "functions" else ""),
        problem.name,
        seed,
        not found.doubt,
        (found.random.value - middle) / unit,
        share_inside(found.random, reached),
        float("nan") if problem.noise else share_inside(dict(found.sizes)[4], random_winners(problem, 4, sample)),
        (middle - winner) / unit,
        found.gain.value / unit,
        float("nan") if problem.noise else _trials_inside(found, sample, winner),
    )


def run_study(
    problem: Problem,
    seed: int,
    trials: int,
    folder: Path,
    *,
    confirm: bool | tuple[int, int],
    search: str = "coarse-to-fine",
    waves: int | Literal["auto"] = "auto",
    again: int = 0,
) -> caviar.Outcome:
    """Run a study of a problem in this process; another `again` gives other noise."""

    def train(config: Mapping[str, Any], seed: int) -> dict[str, float]:
        noise = problem.noise * np.random.default_rng((seed, again)).standard_normal()
        return {"reached": true_value(problem, config) + noise}

    study = caviar.Study(
        train, space=problem.space, metric="reached", mode="min", trials=trials, waves=waves, seed=seed, search=search,
        out=folder, confirm=confirm, name=problem.name, workers=0, isolation="none",
    )  # fmt: skip
    study.run(progress=False, failures=float("inf"))
    return study.outcome


def true_value(problem: Problem, config: Mapping[str, Any]) -> float:
    """Return the value of a config without noise."""
    return float(problem.true(problem.space.points([config]))[0])


def random_winners(problem: Problem, trials: int, sample: Array) -> Array:
    """Return the true values of the winners of many random searches."""
    generator = np.random.default_rng(1)
    if not problem.noise:
        values = np.where(np.isfinite(sample), sample, np.inf)
        return values[generator.integers(len(values), size=(NOISELESS_SEARCHES, trials))].min(axis=1)
    return np.array([_noisy_winner(problem, trials, seed, generator) for seed in range(NOISY_SEARCHES)])


def _noisy_winner(problem: Problem, trials: int, seed: int, generator: np.random.Generator) -> float:
    """Return the true value of a random search's winner, which is picked and confirmed as in a study."""
    search = Random(problem.space, Budget(trials, 1, seed))
    points = search.ask()
    search.tell(points, problem.measure(points, generator))
    best = points[np.argsort(search.estimates())[: CONFIRM.top]]
    again = problem.measure(np.repeat(best, CONFIRM.replicates, axis=0), generator)
    means = again.reshape(CONFIRM.top, CONFIRM.replicates).mean(axis=1)
    return float(problem.true(best)[np.argmin(means)])


def share_inside(interval: Estimate, values: Array) -> float:
    """Return the share of values inside an interval."""
    return float(np.mean((values >= interval.low) & (values <= interval.high)))


def _trials_inside(found: Counterfactual, sample: Array, winner: float) -> float:
    """Return the probability that a random search first reaches the winner's value inside the interval of trials."""
    better = float(np.mean(sample <= winner))
    low, high = min(found.equal_trials.low, found.most_trials + 1), found.equal_trials.high
    return (1 - better) ** (low - 1) - (0.0 if np.isinf(high) else (1 - better) ** high)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default="bc", help="any of a, b, c")
    parser.add_argument("--lcbench", metavar="FOLDER", help="with lcbench.py, for family a")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--every", type=int, default=1, help="take every n-th problem,")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    parser.add_argument("--waves", type=int, help="how many; by default as many as a study has")
    parser.add_argument("--search", default="coarse-to-fine")
    parser.add_argument("--out", metavar="FILE", help="a CSV file with a row a study")
    return parser.parse_args()


if __name__ == "__main__":
    main()
