"""`CaviarSearchCV` and `RandomizedSearchCV` with the same fits: `python -m tests.benchmarks.search_cv [--rounds 3]`.

Seconds of `fit`, without imports and refit, as medians; each search runs in a new process, in turns. The sleepers' fits
only sleep, so that their ratios say what the searches add, on a busy machine too; the others are on scikit-learn's
breast-cancer data. `--only TEXT` measures the cases whose names contain a text.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin


@dataclass(frozen=True)
class Case:
    """An estimator, and how often it is fitted."""

    estimator: str  # "sleeper", "svc" or "forest"
    size: float  # seconds of the sleeper's fit, trees of the forest
    configs: int
    folds: int
    jobs: int

    def __str__(self) -> str:
        names = {"sleeper": f"fits that sleep {self.size:g} s", "svc": "an SVC", "forest": f"{self.size:g} trees"}
        counts = f"{self.configs} configs in {self.folds} folds, {self.jobs} job{'s' * (self.jobs > 1)}"
        return f"{names[self.estimator]}, {counts}"


CASES = [
    *(Case("sleeper", 0.005, 32, 5, jobs) for jobs in (1, 2)),
    *(Case("sleeper", 0.05, 32, 5, jobs) for jobs in (1, 2)),
    *(Case("sleeper", 0.5, 16, 3, jobs) for jobs in (1, 2)),
    Case("sleeper", 0.5, 32, 5, 6),
    *(Case("sleeper", 5, configs, 2, 2) for configs in (3, 4, 8)),
    Case("sleeper", 10, 4, 2, 2),
    *(Case("svc", 0, 32, 5, jobs) for jobs in (1, 2)),
    *(Case("forest", trees, 12, 3, 2) for trees in (40, 300)),
]
SEARCHES = ("CaviarSearchCV", "RandomizedSearchCV")


class Sleeper(ClassifierMixin, BaseEstimator):
    """A classifier whose fit sleeps, and whose score is a parameter."""

    def __init__(self, seconds: float = 0.0, quality: float = 0.5) -> None:
        self.seconds, self.quality = seconds, quality

    def fit(self, X: object, y: object) -> "Sleeper":
        self.classes_ = np.unique(y)
        time.sleep(self.seconds)
        return self

    def score(self, X: object, y: object) -> float:
        return self.quality


def fit(search: str, case: Case) -> float:
    """Return the seconds that a search takes in this process."""
    from scipy.stats import loguniform, randint, uniform
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from caviar.sklearn import CaviarSearchCV
    from tests.benchmarks import search_cv  # processes find its Sleeper there, not in __main__

    if case.estimator == "sleeper":
        estimator, space = search_cv.Sleeper(case.size), {"quality": uniform(0, 1)}
    elif case.estimator == "svc":
        estimator = make_pipeline(StandardScaler(), SVC())
        space = {"svc__C": loguniform(0.01, 100), "svc__gamma": loguniform(1e-4, 1)}
    else:
        estimator = RandomForestClassifier(int(case.size), random_state=0)
        space = {"max_features": uniform(0.05, 0.9), "min_samples_leaf": randint(1, 20)}
    settings = {"n_iter": case.configs, "n_jobs": case.jobs, "cv": case.folds, "random_state": 0, "refit": False}
    kinds = {"CaviarSearchCV": CaviarSearchCV, "RandomizedSearchCV": RandomizedSearchCV}
    x, y = load_breast_cancer(return_X_y=True)
    start = time.perf_counter()
    kinds[search](estimator, space, **settings).fit(x, y)
    return time.perf_counter() - start


def measure(search: str, case: Case) -> float:
    """Return the seconds that a search takes in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.search_cv", "--fit", search, str(CASES.index(case))]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        search, number = options.fit
        print(fit(search, CASES[int(number)]))
        return
    print("| | Caviar | scikit-learn | ratio |\n| --- | --- | --- | --- |")
    for case in CASES:
        if options.only in str(case):
            rounds = [{search: measure(search, case) for search in SEARCHES} for _ in range(options.rounds)]
            own, other = pd.DataFrame(rounds).median()
            print(f"| {case} | {own:.2f} | {other:.2f} | {own / other:.2f} |", flush=True)


if __name__ == "__main__":
    main()
