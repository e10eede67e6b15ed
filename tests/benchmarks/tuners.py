"""Caviar's sampler in Optuna against Optuna's own: `python -m tests.benchmarks.tuners [--quick] [--json FILE]`.

Every fourth function of the search benchmark, 100 trials one after the other, 5 seeds (`--quick`: 1). The score is the
true value of the best trial, as normalised regret: 0 the best known, 1 the median of random.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from threadpoolctl import threadpool_limits

from caviar.optuna import CaviarSampler
from tests.benchmarks.search.figures import summary, wins
from tests.benchmarks.search.peers import Optuna
from tests.benchmarks.search.problems import Problem, functions
from tests.benchmarks.search.race import Record

TRIALS = 100
SAMPLERS = {
    "CaviarSampler": lambda seed: CaviarSampler(trials=TRIALS, seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "TPE": lambda seed: optuna.samplers.TPESampler(seed=seed),
}


def race(method: str, problem: Problem, seed: int) -> Record:
    """Return the record of one sampler on one function."""
    study, generator = Optuna(problem.space, SAMPLERS[method](seed)), np.random.default_rng((seed, 1))
    pairs, begun = [], time.process_time()
    for _ in range(TRIALS):
        point = study.ask(1)
        measurement = problem.measure(point, generator)
        study.tell(point, measurement)
        pairs.append((measurement[0], float(problem.true(point)[0])))
    seconds = (time.process_time() - begun) / TRIALS  # the measurements take next to nothing
    _, value = min((pair for pair in pairs if not np.isnan(pair[0])), default=(np.nan, np.nan))
    return Record(method, problem.family, problem.name, TRIALS, 1, seed, value, problem.best, seconds)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--json", type=Path, help="write the figures as records")
    options = parser.parse_args()
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    with threadpool_limits(1):
        records = pd.DataFrame(
            [
                race(method, problem, seed)
                for seed in range(1 if options.quick else 5)
                for problem in functions(seed)[::4]
                for method in SAMPLERS
            ]
        )
    table = summary(records).set_index("method")
    shares = wins(records, "CaviarSampler")
    shares = shares[(shares["family"] == "functions") & (shares["trials"] == TRIALS)].set_index("peer")
    print(f"{table['problems'].max()} functions, {table['seeds'].min()} seeds, {TRIALS} trials one after the other\n")
    print("| sampler | normalised regret | CaviarSampler wins |\n| --- | --- | --- |")
    for method in SAMPLERS:
        share = ""
        if method in shares.index:
            share = f"{shares.wins[method]:.0%} [{shares.low[method]:.0%}, {shares.high[method]:.0%}]"
        print(f"| {method} | {table['regret'][method]:.2f} | {share} |")
    if options.json:
        options.json.write_text(json.dumps(table.reset_index().to_dict("records"), indent=1) + "\n")


if __name__ == "__main__":
    main()
