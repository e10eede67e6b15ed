"""`CaviarSearchCV` and `RandomizedSearchCV` with the same fits: `python -m tests.benchmarks.search_cv [--rounds 3]`.

Seconds of `fit` on scikit-learn's breast-cancer data, as medians; each search runs in a new process, in turns.
"""

import argparse
import subprocess
import sys
import time

import pandas as pd

CASES = {  # name: the kind of estimator, its trees, configs, folds, jobs
    "an SVC, 32 configs in 5 folds, 1 job": ("svc", 0, 32, 5, 1),
    "an SVC, 32 configs in 5 folds, 2 jobs": ("svc", 0, 32, 5, 2),
    "40 trees, 12 configs in 3 folds, 2 jobs": ("forest", 40, 12, 3, 2),
    "300 trees, 12 configs in 3 folds, 2 jobs": ("forest", 300, 12, 3, 2),
}
SEARCHES = ("CaviarSearchCV", "RandomizedSearchCV")


def fit(search: str, case: str) -> float:
    """Return the seconds that a search takes in this process."""
    from scipy.stats import loguniform, randint, uniform
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from caviar.sklearn import CaviarSearchCV

    kind, trees, configs, folds, jobs = CASES[case]
    if kind == "svc":
        estimator = make_pipeline(StandardScaler(), SVC())
        space = {"svc__C": loguniform(0.01, 100), "svc__gamma": loguniform(1e-4, 1)}
    else:
        estimator = RandomForestClassifier(trees, random_state=0)
        space = {"max_features": uniform(0.05, 0.9), "min_samples_leaf": randint(1, 20)}
    kinds = {"CaviarSearchCV": CaviarSearchCV, "RandomizedSearchCV": RandomizedSearchCV}
    x, y = load_breast_cancer(return_X_y=True)
    start = time.perf_counter()
    kinds[search](estimator, space, n_iter=configs, n_jobs=jobs, cv=folds, random_state=0, refit=False).fit(x, y)
    return time.perf_counter() - start


def measure(search: str, case: str) -> float:
    """Return the seconds that a search takes in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.search_cv", "--fit", search, case]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(fit(*options.fit))
        return
    rows = [{s: measure(s, case) for s in SEARCHES} | {"case": case} for case in CASES for _ in range(options.rounds)]
    seconds = pd.DataFrame(rows).groupby("case", sort=False).median()
    print("| | Caviar | scikit-learn | ratio |\n| --- | --- | --- | --- |")
    for case, (own, other) in seconds.iterrows():
        print(f"| {case} | {own:.2f} | {other:.2f} | {own / other:.2f} |")


if __name__ == "__main__":
    main()
