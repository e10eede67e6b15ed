"""The built-in network as estimators: scikit-learn's conformance suite, and what is specific to Caviar."""

import inspect
import math
import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from caviar.data.loaders import load_digits
from caviar.errors import InputError
from caviar.model.config import NETWORK_DEFAULTS
from caviar.model.training import Training
from caviar.sklearn import BatchNormMLPClassifier, BatchNormMLPRegressor


def unequal(estimator):
    """As in scikit-learn's own networks: a row of weight 2 is not exactly two rows, in mini-batches and batch norm."""
    return {} if estimator.batch_norm is False else {"check_sample_weight_equivalence_on_dense_data": "batch norm"}


WHOLE = {"batch_norm": False, "batch_size": 10**6, "dtype": "float64", "epochs": 20}  # where the weights are exact
ESTIMATORS = [kind(**settings) for kind in (BatchNormMLPClassifier, BatchNormMLPRegressor) for settings in ({}, WHOLE)]


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=unequal)
def test_conformance(estimator, check):
    check(estimator)


def test_each_hyperparameter_of_the_network_is_an_argument_with_its_default():
    defaults = {name: p.default for name, p in inspect.signature(BatchNormMLPClassifier).parameters.items()}
    assert dict(NETWORK_DEFAULTS) == {name: defaults[name] for name in NETWORK_DEFAULTS}
    assert set(defaults) - set(NETWORK_DEFAULTS) == {"epochs", "random_state", "class_weight"}
    of_regressor = {name: p.default for name, p in inspect.signature(BatchNormMLPRegressor).parameters.items()}
    assert of_regressor == {name: default for name, default in defaults.items() if name != "class_weight"}
    assert BatchNormMLPClassifier(momentum=0.5, class_weight="balanced").get_params()["momentum"] == 0.5


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize(("batch_norm", "hidden_layers"), [(True, 2), (False, 1), (True, 0)])
def test_the_folded_network_predicts_what_the_trained_one_does(activation, batch_norm, hidden_layers):
    digits = load_digits()
    config = {
        "activation": activation,
        "batch_norm": batch_norm,
        "hidden_layers": hidden_layers,
        "hidden_units": 20,
        "learning_rate": 0.01,
    }
    model = BatchNormMLPClassifier(epochs=3, random_state=0, **config).fit(digits.train_x, digits.train_y)
    widths = [64, *[20] * hidden_layers, 10]
    assert [w.shape for w in model.coefs_] == list(pairwise(widths))
    seed = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))
    mean, scale = digits.train_x.mean(axis=0, dtype=float), digits.train_x.std(axis=0, dtype=float)
    x = (digits.train_x - mean) / np.where(scale > 0, scale, 1.0)
    training = Training([config], [seed], replace(digits, train_x=x.astype(np.float32)), 3)
    for _ in range(3):
        training.epoch()
    expected = training.predict(0, x.astype(np.float32))
    np.testing.assert_allclose(model.predict_proba(digits.train_x), expected, atol=1e-4)


def test_estimators_learn_labels_and_targets_in_any_unit():
    digits = load_digits()
    x, y = np.concatenate([digits.train_x, digits.val_x]), np.concatenate([digits.train_y, digits.val_y])
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    model = BatchNormMLPClassifier(epochs=20, learning_rate=0.01, random_state=0).fit(x, names[y])
    assert model.score(digits.test_x, names[digits.test_y]) > 0.95
    assert model.loss_curve_[0] > 10 * model.loss_curve_[-1]
    x, y = load_diabetes(return_X_y=True)
    regressor = BatchNormMLPRegressor(hidden_units=16, epochs=20, learning_rate=0.01, random_state=0)
    assert cross_val_score(regressor, 1e6 + 100 * x, 1e-3 * y, cv=3).mean() > 0.3


def test_rows_of_weight_zero_are_as_absent():
    x, y = load_iris(return_X_y=True)
    weights = np.linspace(0.5, 2, len(y)) * (np.arange(len(y)) % 3 > 0)
    settings = {"epochs": 3, "random_state": 0, "class_weight": "balanced", "label_smoothing": 0.1}
    whole = BatchNormMLPClassifier(**settings).fit(x, y, sample_weight=weights)
    some = BatchNormMLPClassifier(**settings).fit(x[weights > 0], y[weights > 0], sample_weight=weights[weights > 0])
    assert (whole.predict_proba(x) == some.predict_proba(x)).all()


@pytest.mark.parametrize("by", ["class_weight", "sample_weight"])
def test_weights_move_the_decision_to_a_rare_class(by):
    generator = np.random.default_rng(0)
    y = np.array(["often"] * 360 + ["rare"] * 40)
    x = generator.normal(size=(400, 2)) + (y == "rare")[:, None]
    settings = {"epochs": 20, "random_state": 0}
    plain = BatchNormMLPClassifier(**settings).fit(x, y)
    if by == "class_weight":
        models = [BatchNormMLPClassifier(**settings, class_weight=w).fit(x, y) for w in ("balanced", {"rare": 9})]
    else:
        models = [BatchNormMLPClassifier(**settings).fit(x, y, sample_weight=np.where(y == "rare", 9.0, 1.0))]
    for model in models:
        assert balanced_accuracy_score(y, model.predict(x)) > balanced_accuracy_score(y, plain.predict(x)) + 0.1


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.r_[-1.0, np.ones(149)], "sample_weight must be >= 0, got -1.0"),
        (np.ones(3), r"one weight for each of the 150 rows, got shape \(3,\)"),
        (np.r_[np.ones(1), np.zeros(149)], "zero in all rows but 1"),
    ],
)
def test_wrong_weights_are_one_sentence(weights, words):
    x, y = load_iris(return_X_y=True)
    for estimator in (BatchNormMLPClassifier(), BatchNormMLPRegressor()):
        with pytest.raises(InputError, match=words):
            estimator.fit(x, y, sample_weight=weights)


@pytest.mark.parametrize("unit", [2.0**-1020, 2.0**1023])
def test_weights_of_any_size_count_by_their_ratio(unit):
    x, y = load_iris(return_X_y=True)
    weights = np.where(y == 0, 1.0, 0.25)
    for estimator in (
        BatchNormMLPClassifier(epochs=2, random_state=0),
        BatchNormMLPRegressor(epochs=2, random_state=0),
    ):
        one, other = (clone(estimator).fit(x, y, sample_weight=weights * by).predict(x) for by in (1.0, unit))
        assert (one == other).all()
    number = BatchNormMLPClassifier(epochs=2, random_state=0).fit(x, y, sample_weight=2.0)
    assert (number.predict(x) == BatchNormMLPClassifier(epochs=2, random_state=0).fit(x, y).predict(x)).all()


@pytest.mark.parametrize("weight", [-1.0, math.nan])
def test_a_wrong_class_weight_is_one_sentence(weight):
    x, y = load_iris(return_X_y=True)
    with pytest.raises(InputError, match=r"class_weight must be numbers >= 0, got \{0: "):
        BatchNormMLPClassifier(class_weight={0: weight, 1: 1.0, 2: 1.0}).fit(x, y)


def test_targets_whose_squares_do_not_fit_are_refused():
    x, y = load_iris(return_X_y=True)
    with pytest.raises(InputError, match=r"y has numbers as far as 2e\+200, whose squares do not fit; divide it"):
        BatchNormMLPRegressor().fit(x, y * 1e200)


def test_equal_random_states_give_equal_networks_to_the_bit():
    x, y = load_iris(return_X_y=True)
    models = [BatchNormMLPClassifier(epochs=2, random_state=7).fit(x, y) for _ in range(2)]
    other = BatchNormMLPClassifier(epochs=2, random_state=8).fit(x, y)
    assert all((a == b).all() for a, b in zip(models[0].coefs_, models[1].coefs_, strict=True))
    assert (models[0].coefs_[0] != other.coefs_[0]).any()
    copy = pickle.loads(pickle.dumps(models[0]))
    assert (copy.predict_proba(x) == models[0].predict_proba(x)).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'float64', got 'float16'"),
        ({"epochs": 1.5}, "epochs must be an integer >= 1, got 1.5"),
        ({"learning_rate": -1.0}, "learning_rate must be .* got -1.0"),
        ({"learning_rate": 1e30, "batch_norm": False, "optimizer": "momentum"}, "diverged in epoch .* try a lower"),
    ],
)
def test_invalid_settings_and_divergence_are_errors(settings, words):
    x, y = load_iris(return_X_y=True)
    with np.errstate(all="ignore"), pytest.raises(InputError, match=words):
        BatchNormMLPClassifier(**{"epochs": 5, "random_state": 0, **settings}).fit(x, y)
