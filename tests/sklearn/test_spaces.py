"""Search spaces of scikit-learn users become a `Space`, and its configs become parameters again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

import caviar
from caviar.errors import InputError
from caviar.sklearn.spaces import translate

DISTRIBUTIONS = {
    "uniform": stats.uniform(-3, 5),
    "loguniform": stats.loguniform(1e-3, 1e2),
    "scaled loguniform": stats.loguniform(1, 10, scale=0.01),
    "moved loguniform": stats.loguniform(1e-3, 1e2, loc=1),
    "randint": stats.randint(2, 9),
    "moved randint": stats.randint(2, 9, loc=-4),
    "norm": stats.norm(5, 2),
    "expon": stats.expon(scale=0.1),
    "beta": stats.beta(2, 3),
    "poisson": stats.poisson(4),
    "binom": stats.binom(5, 0.4),
    "histogram": stats.rv_histogram(np.histogram([1, 2, 2, 3, 5], bins=4)),
}


def parameters(translation, point):
    (config,) = translation.space.configs(np.atleast_2d(point))
    return translation.parameters(config)


@pytest.mark.parametrize(
    ("distribution", "hyperparameter"),
    [
        (stats.uniform(-3, 5), caviar.uniform(-3.0, 2.0)),
        (stats.loguniform(1e-3, 1e2), caviar.loguniform(1e-3, 1e2)),
        (stats.reciprocal(1e-3, 1e2), caviar.loguniform(1e-3, 1e2)),
        (stats.randint(2, 9), caviar.randint(2, 8)),
    ],
)
def test_a_distribution_with_a_counterpart_becomes_that_hyperparameter(distribution, hyperparameter):
    assert translate({"x": distribution}).space == caviar.Space(param_x=hyperparameter)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@given(unit=st.floats(0, 1))
@settings(max_examples=30)
def test_values_follow_the_distribution(name, unit):
    distribution = DISTRIBUTIONS[name]
    value = parameters(translate({"x": distribution}), [unit])["x"]
    low, high = distribution.support()
    assert low <= value <= high
    if hasattr(distribution, "pmf"):
        assert isinstance(value, int)
        assert distribution.cdf(value - 1) - 1e-6 <= unit <= distribution.cdf(value) + 1e-6
    else:
        assert distribution.cdf(value) == pytest.approx(unit, abs=2e-6)


def test_options_are_returned_unchanged():
    models = [SVC(), SVC(), LogisticRegression(C=3.0), None, "passthrough", "SVC()"]
    ranges, mixed = [(1, 1), (1, 2)], [1, 1.0, True, 1, float("nan"), np.float64(2.5)]
    space = {"model": models, "range": ranges, "mixed": mixed, "array": np.logspace(0, 2, 3), "one": [np.ones(3)]}
    translation = translate(space)
    for name, options in space.items():
        if len(options) == 1:
            continue
        axis = [d.name for d in translation.space.dimensions].index(f"param_{name}")
        for i, option in enumerate(options):
            point = np.full(translation.space.dimension, 0.5)
            point[axis] = (i + 0.5) / len(options)
            value = parameters(translation, point)[name]
            assert value is option or value == option or (value != value and option != option)
            assert isinstance(value, bool) == isinstance(option, bool)
    np.testing.assert_array_equal(parameters(translation, point)["one"], np.ones(3))
    assert translation.size == 6 * 2 * 6 * 3


def test_a_caviar_space_may_hold_objects_and_conditions():
    svm, linear = SVC(), LogisticRegression()
    space = caviar.Space(
        model=caviar.choice({svm: caviar.Space(model__gamma=caviar.loguniform(1e-3, 1)), linear: None}, default=linear),
        scale=True,
    )
    translation = translate(space)
    assert parameters(translation, [0.1, 0.0]) == {"model": svm, "model__gamma": 1e-3, "scale": True}
    assert parameters(translation, [0.9, 0.0]) == {"model": linear, "scale": True}


def test_a_config_is_from_one_of_several_spaces():
    normal = stats.norm(1, 1)
    space = [{"C": normal, "kernel": ["rbf"]}, {"C": stats.norm(100, 1)}, caviar.Space(C=caviar.uniform(5, 6))]
    translation = translate(space)
    assert parameters(translation, [0.1, 0.5, 0.0, 0.0]) == {"C": pytest.approx(1.0), "kernel": "rbf"}
    assert parameters(translation, [0.5, 0.0, 0.5, 0.0]) == {"C": 100.0}
    assert parameters(translation, [0.9, 0.0, 0.0, 1.0]) == {"C": 6.0}


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"C": 3}, r"C must be a list.*got 3; try \[3\]"),
        ({"kernel": "rbf"}, r"try \['rbf'\]"),
        ({"C": []}, r"C must list at least one value, got \[\]"),
        ({"C": stats.multivariate_normal([0, 0])}, "C must have ppf and support"),
        ({"C": stats.Normal()}, r"C must have ppf and support.* try one such as scipy.stats.norm\(0, 1\)"),
        ({"C": stats.uniform(2, 0)}, "C must be one distribution, but is from nan to nan; check its parameters"),
        ({"C": stats.uniform([0, 1], [1, 2])}, r"C must be one distribution, but is from \[0. 1.\] to"),
        ([], r"space must contain at least one space, got \[\]"),
        (7, "space must be a caviar.Space or a dict, got 7"),
    ],
)
def test_an_invalid_space_is_an_error(space, words):
    with pytest.raises(InputError, match=words):
        translate(space)


def test_ascending_numbers_are_searched_in_their_order():
    space = {"depth": [1, 2, 4], "size": np.logspace(0, 2, 3), "kind": ["a", "b"], "neighbours": range(1, 9)}
    assert translate(space).space.categorical.tolist() == [False, False, True, False]
    ours = caviar.Space(depth=caviar.choice([1, 2, 4], ordinal=False), units=caviar.randint(32, 96, step=32))
    assert translate(ours).space.categorical.tolist() == [True, False]
    assert translate(ours).space.levels.tolist() == [3, 3]
    assert translate([{"depth": [1, 2]}, {"depth": [3, 4]}]).space.categorical.tolist() == [True, False, False]
