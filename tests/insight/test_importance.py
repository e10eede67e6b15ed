"""Importance against functions whose shares are known, and against Optuna's evaluators on the same trials."""

import math
import sys

import numpy as np
import pytest
from scipy.stats import spearmanr

import caviar
from caviar.errors import InputError
from caviar.insight.importance import MARGIN, importance
from tests.insight.studies import cube, outcome_of


def ishigami(x):
    z = math.pi * (2 * x - 1)
    return np.sin(z[0]) + 7 * np.sin(z[1]) ** 2 + 0.1 * z[2] ** 4 * np.sin(z[0])


def product(x):
    """Sobol's g-function with a = 0, 1, 4.5, 9: the shares of variance fall with a."""
    a = np.array([0, 1, 4.5, 9])
    return float(np.prod((np.abs(4 * x - 2) + a) / (1 + a)))


FUNCTIONS = {
    "sum": (lambda x: 3 * x[0] + 2 * x[1] + x[2], 6),
    "ishigami": (ishigami, 3),
    "g-function": (product, 4),
}
SHARES = {  # first order, from the formulas of the functions
    "sum": np.array([9, 4, 1, 0, 0, 0]) / 14,
    "ishigami": np.array([0.3139, 0.4424, 0.0]),  # Ishigami and Homma 1990, a = 7, b = 0.1
}


def function_outcome(folder, name, trials=200, seed=0):
    """Random trials of one of the functions."""
    function, dimension = FUNCTIONS[name]

    def value(config, _):
        return float(function(np.array(list(config.values()))))

    return outcome_of(folder, cube(dimension), value, trials=trials, seed=seed)


def optuna_study(outcome):
    """The same trials as an Optuna study."""
    import optuna

    table, objective = outcome.table, outcome.settings.objective
    distributions = {name: distribution(outcome.space[name]) for name in outcome.space.names}
    same = optuna.create_study(direction="maximize" if objective.mode == "max" else "minimize")
    for row in table[table["state"] == "finished"].to_dict("records"):
        params = {name: row[name] for name in distributions}
        trial = optuna.trial.create_trial(params=params, distributions=distributions, value=row[objective.metric])
        same.add_trial(trial)
    return same


def distribution(hyperparameter):
    """The distribution of Optuna for a hyperparameter."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if hyperparameter.kind == "choice":
        return CategoricalDistribution(hyperparameter.options)
    kind = IntDistribution if hyperparameter.kind.endswith("randint") else FloatDistribution
    return kind(hyperparameter.low, hyperparameter.high, log=hyperparameter.kind.startswith("log"))


@pytest.mark.parametrize("name", list(SHARES))
def test_shares_match_the_formulas(tmp_path, name):
    table = importance(function_outcome(tmp_path, name, trials=300)).sort_values("hyperparameter")
    assert table["share"].to_numpy() == pytest.approx(SHARES[name], abs=0.16)
    assert table["share"].sum() <= 1 + 1e-9
    assert (table["low"] <= table["share"]).all()
    assert (table["share"] <= table["high"]).all()
    assert table.attrs["fit"] > 0.6


def test_the_same_seed_gives_the_same_table(tmp_path):
    outcome = function_outcome(tmp_path, "ishigami", trials=16)
    table = importance(outcome, seed=3)
    assert table.equals(importance(outcome, seed=3))
    assert not table.equals(importance(outcome, seed=4))


def test_an_interaction_names_its_partner(tmp_path):
    def value(config, _):
        return (config["x0"] - 0.5) * (config["x2"] - 0.5) + 0.1 * config["x1"]

    table = importance(outcome_of(tmp_path, cube(3), value, trials=200)).set_index("hyperparameter")
    assert table.loc["x0", "partner"] == "x2"
    assert table.loc["x2", "partner"] == "x0"
    assert table.loc["x0", "interaction"] > table.loc["x1", "interaction"]


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_ranks_agree_with_optuna_fanova(tmp_path, name):
    from optuna.importance import FanovaImportanceEvaluator

    outcome = function_outcome(tmp_path, name)
    ours = importance(outcome).set_index("hyperparameter")["share"]
    theirs = FanovaImportanceEvaluator(n_trees=24, seed=0).evaluate(optuna_study(outcome))
    matter = [n for n in outcome.space.names if max(ours[n], theirs[n]) > MARGIN]  # the order of the rest is noise
    assert spearmanr([ours[n] for n in matter], [theirs[n] for n in matter]).statistic > 0.9
    assert ours.to_dict() == pytest.approx(theirs, abs=0.15)


def test_the_most_important_agrees_with_ped_anova(tmp_path):
    from optuna.importance import PedAnovaImportanceEvaluator

    outcome = function_outcome(tmp_path, "sum", trials=100)
    theirs = PedAnovaImportanceEvaluator().evaluate(optuna_study(outcome))
    assert importance(outcome)["hyperparameter"][0] == max(theirs, key=theirs.get)


def test_a_tier_that_the_data_disagree_with_is_named(tmp_path):
    space = caviar.Space(first=caviar.uniform(0, 1, tier=1), last=caviar.loguniform(1e-3, 1, tier=3))
    outcome = outcome_of(tmp_path, space, lambda c, _: math.log(c["last"]) + 0.1 * c["first"], trials=64)
    table = importance(outcome).set_index("hyperparameter")
    assert table.loc["last", "disagreement"] == "last (tier 3) clearly matters more than first (tier 1)"
    assert table.loc["first", "disagreement"] == ""


def plateau(config, _):
    """Far from the optimum only x0 matters, near it only x1."""
    return -100.0 * (abs(config["x0"] - 0.5) > 0.3) - (config["x1"] - 0.5) ** 2


def test_the_last_square_has_its_own_shares(tmp_path):
    outcome = outcome_of(tmp_path, cube(2), plateau, trials=105, waves=[75, 15, 15], search="coarse-to-fine")
    table = importance(outcome).set_index("hyperparameter")
    assert table.loc["x0", "share"] > 0.8
    assert table.loc["x1", "square_share"] > 2 * table.loc["x0", "square_share"]


def test_a_study_that_has_converged_still_measures_the_whole_space(tmp_path):
    """Most of its trials are equally good: their spread must not decide which values are outliers."""
    outcome = outcome_of(tmp_path, cube(2), plateau, trials=96, waves=3, search="coarse-to-fine")
    assert importance(outcome).set_index("hyperparameter").loc["x0", "share"] > 0.9


def test_diverged_trials_count_and_failed_ones_do_not(tmp_path):
    space = caviar.Space(rate=caviar.loguniform(1e-4, 1), lucky=caviar.choice(["a", "b"]))

    def value(config, number):
        return "the disk is full" if number % 10 == 0 else math.nan if config["rate"] > 0.03 else 0.9 + number / 1e4

    table = importance(outcome_of(tmp_path, space, value, trials=60))
    assert table["hyperparameter"][0] == "rate"
    assert table["share"][0] > 0.8
    assert table.attrs["trials"] == 54


def test_conditional_hyperparameters_have_shares(tmp_path):
    space = caviar.Space(kind=caviar.choice({"plain": None, "curved": caviar.Space(beta=caviar.uniform(0, 1))}))
    outcome = outcome_of(tmp_path, space, lambda c, _: c.get("beta", 2.0), trials=60)
    assert set(importance(outcome)["hyperparameter"]) == {"kind", "beta"}


def test_a_single_hyperparameter_explains_everything(tmp_path):
    table = importance(outcome_of(tmp_path, cube(1), lambda c, _: c["x0"], trials=30))
    assert table["share"][0] == pytest.approx(1.0)
    assert table["partner"][0] == ""


@pytest.mark.parametrize(("origin", "unit"), [(0.0, 1e-9), (0.0, 1e-200), (0.0, 1e200), (1e6, 1.0), (-1e9, 1.0)])
def test_shares_depend_on_neither_the_origin_nor_the_unit_of_the_metric(tmp_path, origin, unit):
    def table(name, origin, unit):
        def value(config, _):
            return origin + unit * (config["x0"] + config["x1"] / 9)

        return importance(outcome_of(tmp_path / name, cube(2), value, trials=30, epochs=1))

    one, other = table("one", 0.0, 1.0), table("other", origin, unit)
    np.testing.assert_allclose(other["share"], one["share"], atol=0.02)
    assert other.attrs["fit"] == pytest.approx(one.attrs["fit"], abs=0.02)


@pytest.mark.parametrize("penalty", [1e300, sys.float_info.max])
def test_a_penalty_as_large_as_a_number_can_be(tmp_path, penalty):
    def value(config, _):
        return penalty if config["x0"] > 0.6 else config["x0"]

    assert importance(outcome_of(tmp_path, cube(2), value, mode="min", epochs=1))["share"][0] > 0.7


def test_a_constant_metric_has_no_shares(tmp_path):
    assert importance(outcome_of(tmp_path, cube(2), lambda c, _: 1.0, trials=20))["share"].tolist() == [0.0, 0.0]


def test_too_few_trials_are_an_error(tmp_path):
    with pytest.raises(InputError, match=r"importance needs at least 8 trials .*, got 5; try a study with more trials"):
        importance(outcome_of(tmp_path, cube(2), lambda c, _: c["x0"], trials=5))
