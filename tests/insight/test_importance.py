"""Importance against functions whose shares are known, and against Optuna's evaluators on the same trials."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

import caviar
from caviar.errors import InputError
from caviar.insight.importance import MARGIN, decomposed, importance, leaves
from tests.insight.studies import written


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
    "g-function": None,
}


def cube(dimension):
    return caviar.Space(**{f"x{j}": caviar.uniform(0, 1) for j in range(dimension)})


def study_of(folder, name, trials=300):
    function, dimension = FUNCTIONS[name]
    return written(folder, cube(dimension), lambda c, _: float(function(np.array(list(c.values())))), trials=trials)


def optuna_study(study):
    """The same trials, as Optuna knows them."""
    import optuna

    table, metric = study.table, study.settings.metric
    table = table[table["state"] == "finished"]
    distributions = {name: distribution(study.space.hyperparameters[name]) for name in study.space.names}
    same = optuna.create_study(direction="maximize" if study.settings.mode == "max" else "minimize")
    for row in table.to_dict("records"):
        params = {name: row[name] for name in distributions}
        same.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=row[metric]))
    return same


def distribution(hyperparameter):
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if hyperparameter.kind == "choice":
        return CategoricalDistribution(hyperparameter.options)
    kind = IntDistribution if hyperparameter.kind.endswith("randint") else FloatDistribution
    return kind(hyperparameter.low, hyperparameter.high, log=hyperparameter.kind.startswith("log"))


@pytest.mark.parametrize("name", ["sum", "ishigami"])
def test_shares_of_functions_that_are_known(tmp_path, name):
    found = importance(study_of(tmp_path, name)).sort_values("hyperparameter")
    assert found["share"].to_numpy() == pytest.approx(SHARES[name], abs=0.16)
    assert found["share"].sum() <= 1 + 1e-9
    assert (found["low"] <= found["share"]).all()
    assert (found["share"] <= found["high"]).all()
    assert found.attrs["fit"] > 0.6


def test_an_interaction_names_its_partner(tmp_path):
    study = written(tmp_path, cube(3), lambda c, _: (c["x0"] - 0.5) * (c["x2"] - 0.5) + 0.1 * c["x1"], trials=400)
    found = importance(study).set_index("hyperparameter")
    assert found.loc["x0", "partner"] == "x2"
    assert found.loc["x2", "partner"] == "x0"
    assert found.loc["x0", "interaction"] > found.loc["x1", "interaction"]


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_ranks_agree_with_optuna_fanova(tmp_path, name):
    from optuna.importance import FanovaImportanceEvaluator

    study = study_of(tmp_path, name, trials=200)
    mine = importance(study).set_index("hyperparameter")["share"]
    theirs = FanovaImportanceEvaluator(n_trees=24, seed=0).evaluate(optuna_study(study))
    matter = [n for n in study.space.names if max(mine[n], theirs[n]) > MARGIN]  # the order of the rest is noise
    assert spearmanr([mine[n] for n in matter], [theirs[n] for n in matter]).statistic > 0.9
    assert mine.to_dict() == pytest.approx(theirs, abs=0.15)


def test_the_most_important_is_that_of_ped_anova(tmp_path):
    from optuna.importance import PedAnovaImportanceEvaluator

    study = study_of(tmp_path, "sum", trials=200)
    theirs = PedAnovaImportanceEvaluator().evaluate(optuna_study(study))
    assert importance(study)["hyperparameter"][0] == max(theirs, key=theirs.get)


def test_a_tier_that_the_data_disagree_with_is_named(tmp_path):
    space = caviar.Space(first=caviar.uniform(0, 1, tier=1), last=caviar.loguniform(1e-3, 1, tier=3))
    study = written(tmp_path, space, lambda c, _: math.log(c["last"]) + 0.1 * c["first"], trials=64)
    found = importance(study).set_index("hyperparameter")
    assert found.loc["last", "disagreement"] == "tier 3, yet clearly more than first (tier 1)"
    assert found.loc["first", "disagreement"] == ""


def test_the_final_square_has_shares_of_its_own(tmp_path):
    """Far off only x0 matters; near the optimum only x1 does."""
    space = cube(2)

    def value(config, _):
        return -100.0 * (abs(config["x0"] - 0.5) > 0.3) - (config["x1"] - 0.5) ** 2

    study = written(tmp_path, space, value, trials=160, waves=[100, 20, 20, 20], search="coarse-to-fine")
    found = importance(study).set_index("hyperparameter")
    assert found.loc["x0", "share"] > 0.8
    assert found.loc["x1", "square_share"] > 2 * found.loc["x0", "square_share"]


def test_a_study_that_has_closed_in_still_tells_of_the_whole_space(tmp_path):
    """Most of its trials are equally good: what is far off is not to be measured by their spread."""
    study = written(
        tmp_path, cube(2), lambda c, _: -100.0 * (abs(c["x0"] - 0.5) > 0.3) - (c["x1"] - 0.5) ** 2,
        trials=160, waves=4, search="coarse-to-fine",
    )  # fmt: skip
    assert importance(study).set_index("hyperparameter").loc["x0", "share"] > 0.9


def test_diverged_trials_count_and_failed_ones_do_not(tmp_path):
    space = caviar.Space(rate=caviar.loguniform(1e-4, 1), lucky=caviar.choice(["a", "b"]))

    def value(config, number):
        return "the disk is full" if number % 10 == 0 else math.nan if config["rate"] > 0.03 else 0.9 + number / 1e4

    found = importance(written(tmp_path, space, value, trials=60))
    assert found["hyperparameter"][0] == "rate"
    assert found["share"][0] > 0.8
    assert found.attrs["trials"] == 54


def test_conditional_hyperparameters_and_one_alone(tmp_path):
    under = caviar.Space(beta=caviar.uniform(0, 1))
    space = caviar.Space(kind=caviar.choice({"plain": None, "curved": under}))
    study = written(tmp_path / "a", space, lambda c, _: c.get("beta", 2.0), trials=60)
    assert set(importance(study)["hyperparameter"]) == {"kind", "beta"}
    alone = written(tmp_path / "b", cube(1), lambda c, _: c["x0"], trials=30)
    assert importance(alone)["share"][0] == pytest.approx(1.0)


def test_a_constant_metric_has_no_shares(tmp_path):
    assert importance(written(tmp_path, cube(2), lambda c, _: 1.0, trials=20))["share"].tolist() == [0.0, 0.0]


def test_too_few_trials_are_refused(tmp_path):
    with pytest.raises(InputError, match="needs 8 trials that finished or diverged, this study has 5"):
        importance(written(tmp_path, cube(2), lambda c, _: c["x0"], trials=5))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), dimension=st.integers(1, 3))
def test_a_tree_is_decomposed_exactly(seed, dimension):
    """Against sums over a fine grid: parts are not negative, and with all pairs they make up at most the whole."""
    from sklearn.tree import DecisionTreeRegressor

    generator = np.random.default_rng(seed)
    points, values = generator.random((40, dimension)), generator.random(40)
    region = np.sort(generator.random((2, dimension)), axis=0) * 0.5 + [[0.0], [0.5]]
    tree = DecisionTreeRegressor(max_leaf_nodes=8, random_state=0).fit(points, values)
    found = decomposed(*leaves(tree.tree_, dimension), region)
    if found is None:
        return
    alone, pairs = found
    assert (alone >= 0).all()
    assert alone.sum() + np.triu(pairs).sum() <= 1 + 1e-9
    steps = (np.arange(60) + 0.5) / 60
    axes = [region[0, j] + steps * (region[1, j] - region[0, j]) for j in range(dimension)]
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    if dimension < 3:
        heights = tree.predict(grid).reshape((60,) * dimension)
        marginals = [heights.mean(axis=tuple(k for k in range(dimension) if k != j)) for j in range(dimension)]
        assert alone == pytest.approx([m.var() / heights.var() for m in marginals], abs=0.1)
