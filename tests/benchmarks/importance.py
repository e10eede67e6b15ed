"""Importance against Optuna's evaluators on the same trials: `python -m tests.benchmarks.importance`.

Spearman's rank correlation with its fANOVA and its PED-ANOVA, and the largest difference of a share from its fANOVA, on
200 random trials of each function of the tests, and on 96 random trials of the digits network, three seeds each.
"""

import tempfile
from pathlib import Path

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from scipy.stats import spearmanr

import caviar
from caviar.fleet.cluster import Placement, connected
from caviar.insight.importance import importance
from tests.insight.studies import written
from tests.insight.test_importance import FUNCTIONS, cube, optuna_study

SEEDS = (0, 1, 2)


def made(name, folder, seed):
    """200 random trials of a function."""
    function, dimension = FUNCTIONS[name]

    def value(config, _):
        return float(function(np.array(list(config.values()))))

    return written(folder, cube(dimension), value, trials=200, seed=seed)


def digits(folder, seed):
    """96 random trials of the digits network."""
    study = caviar.Study("digits", trials=96, search="random", confirm=False, seed=seed, out=folder)
    study.run(progress=False)
    return study


def compared(study):
    """The two rank correlations, and the largest difference of a share."""
    mine = importance(study).set_index("hyperparameter")["share"]
    names, same = list(mine.index), optuna_study(study)
    fanova = FanovaImportanceEvaluator(seed=0).evaluate(same)
    other = PedAnovaImportanceEvaluator().evaluate(same)
    ranks = [spearmanr(mine, [theirs[name] for name in names]).statistic for theirs in (fanova, other)]
    return (*ranks, max(abs(mine[name] - fanova[name]) for name in names))


def main():
    """Print a line a problem."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print("problem: rank correlation with fANOVA | with PED-ANOVA | largest difference of a share from fANOVA")
    with tempfile.TemporaryDirectory() as folder, connected(Placement()):
        for name in (*FUNCTIONS, "digits"):
            rows = []
            for seed in SEEDS:
                place = Path(folder) / f"{name}-{seed}"
                rows.append(compared(digits(place, seed) if name == "digits" else made(name, place, seed)))
            columns = [" ".join(f"{value:.2f}" for value in column) for column in zip(*rows, strict=True)]
            print(f"{name}: {' | '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
