"""Importance against Optuna's evaluators on the same trials: `python -m tests.benchmarks.importance`.

Spearman's rank correlation with its fANOVA and its PED-ANOVA, and the largest difference in a share from its fANOVA, on
200 random trials of each function of the tests, and on 96 random trials of the digits network, three seeds each.

With Optuna 5, ranks agree with its fANOVA by 1.00, 0.77, 1.00 on a sum of six, three of which do nothing, 1.00 each on
Ishigami's function and on Sobol's g, and 0.83, 0.83, 1.00 on the digits; shares differ by at most 0.06 on the functions
and 0.19 on the digits, since leaves of one trial fit noise and ours hold three. PED-ANOVA (Watanabe et al. 2023) asks
what sets the best tenth apart, and agrees less: 0.49 to 0.83, -0.50 to 0.50, 0.40 to 0.80, and 0.49 to 0.71.
"""

import tempfile
from pathlib import Path

import optuna
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from scipy.stats import spearmanr

import caviar
from caviar.insight.importance import importance
from tests.insight.test_importance import FUNCTIONS, function_outcome, optuna_study

SEEDS = (0, 1, 2)


def digits_outcome(folder, seed):
    """96 random trials of the digits network."""
    study = caviar.Study("digits", trials=96, search="random", confirm=False, seed=seed, out=folder, workers=0)
    study.run(progress=False)
    return study.outcome


def compare(outcome):
    """The two rank correlations, and the largest difference in a share."""
    ours = importance(outcome).set_index("hyperparameter")["share"]
    names, same = list(ours.index), optuna_study(outcome)
    fanova = FanovaImportanceEvaluator(seed=0).evaluate(same)
    ped_anova = PedAnovaImportanceEvaluator().evaluate(same)
    ranks = [spearmanr(ours, [theirs[name] for name in names]).statistic for theirs in (fanova, ped_anova)]
    return (*ranks, max(abs(ours[name] - fanova[name]) for name in names))


def main():
    """Print a line for each problem."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print("problem: rank correlation with fANOVA | with PED-ANOVA | largest difference of a share from fANOVA")
    with tempfile.TemporaryDirectory() as root:
        for name in (*FUNCTIONS, "digits"):
            rows = []
            for seed in SEEDS:
                folder = Path(root) / f"{name}-{seed}"
                digits = name == "digits"
                rows.append(
                    compare(digits_outcome(folder, seed) if digits else function_outcome(folder, name, 200, seed))
                )
            columns = [" ".join(f"{value:.2f}" for value in column) for column in zip(*rows, strict=True)]
            print(f"{name}: {' | '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
