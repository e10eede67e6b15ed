"""Optuna's published suite for importance evaluators, run on the functional ANOVA of Caviar behind Optuna's interface.

The suite's studies have three to ten trials: leaves hold one trial here, while `importance` wants three in each and at
least eight trials. The cases with several objectives are not run, nor those where parameters are missing from some
trials without a choice that explains it: no study of Caviar has them.
"""

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.importance import BaseImportanceEvaluator
from optuna.importance._base import (
    _get_distributions,
    _get_filtered_trials,
    _get_target_values,
    _sort_dict_by_importance,
)

import caviar
from caviar.insight.functional_anova import fit_forest, forest_shares

pytest_importance = pytest.importorskip("optuna.testing.pytest_importance", reason="Optuna has it from 5.0 on")


def hyperparameter(distribution):
    """A distribution of Optuna as a hyperparameter of Caviar."""
    if isinstance(distribution, CategoricalDistribution):
        return caviar.choice(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return (caviar.lograndint if distribution.log else caviar.randint)(distribution.low, distribution.high)
    return (caviar.loguniform if distribution.log else caviar.uniform)(distribution.low, distribution.high)


class Evaluator(BaseImportanceEvaluator):
    """The shares that each parameter explains alone, over the whole space."""

    def evaluate(self, study, params=None, *, target=None):
        distributions = _get_distributions(study, params=params)
        varied = {name: hyperparameter(d) for name, d in distributions.items() if not d.single()}
        trials = _get_filtered_trials(study, params=list(distributions), target=target)
        if len(trials) <= 1 or not varied:
            return dict.fromkeys(distributions, 0.0)
        columns = [h.units([trial.params[name] for trial in trials]) for name, h in varied.items()]
        trees, _ = fit_forest(np.stack(columns, axis=1), _get_target_values(trials, target), trees=12, leaf=1)
        alone = forest_shares(trees, np.tile([[0.0], [1.0]], len(varied))).alone
        shares = dict.fromkeys(distributions, 0.0) | dict(zip(varied, map(float, alone), strict=True))
        return _sort_dict_by_importance(shares)


class Suite:
    @pytest.fixture
    def evaluator(self):
        return Evaluator


class TestBasic(Suite, pytest_importance.BasicImportanceEvaluatorTestCase):
    pass


class TestNonConditional(Suite, pytest_importance.NonConditionalImportanceEvaluatorTestCase):
    pass
