"""What the time of a training is expected to depend on."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.study.cost.features import stack_features, trial_features
from caviar.study.cost.regression import Regression

DIGITS = NetworkTrainable(caviar.load_digits(), epochs=1)


def expected(features):
    return Regression.fit(features[np.arange(0)], np.zeros(0)).expected(features)


@given(st.integers(1, 63))
def test_a_wider_stack_takes_longer_but_less_for_each_network(width):
    narrow, wide = np.exp(expected(stack_features([({}, width), ({}, width + 1)], DIGITS)))
    assert narrow < wide < narrow * (width + 1) / width


def test_small_batches_and_large_networks_take_longer():
    configs = [{}, {"batch_size": 16}, {"hidden_units": 1024}]
    usual, small, large = expected(stack_features([(config, 1) for config in configs], DIGITS))
    assert usual < small
    assert usual < large


def test_a_function_is_expected_to_take_longer_for_larger_integers_only():
    space = caviar.Space(trees=caviar.lograndint(10, 1000), rate=caviar.loguniform(1e-4, 1), kind=["a", "b"])
    few, many, fast, other = expected(trial_features(space, np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])))
    assert few == fast == other < many


@given(st.integers(0, 2**32))
def test_every_space_has_finite_features(seed):
    space = caviar.Space(
        n=caviar.randint(-3, 5),
        x=caviar.uniform(-1, 1),
        m=caviar.reverseloguniform(0.9, 0.999),
        kind=caviar.choice({"a": {"depth": caviar.randint(1, 9)}, "b": None}),
        size=[32, 64, 128],
        tiny=caviar.loguniform(1e-320, 1e-300),
        huge=caviar.loguniform(1e-300, 1e300),
        near=[10**20, 10**20 + 1],
        endless=[1.0, math.inf],
        vast=[1, 10**400],
    )
    features = trial_features(space, np.random.default_rng(seed).random((5, space.dimension)))
    assert np.isfinite(features.columns).all()
    assert features.columns.shape[1] == len(features.mean) == len(features.deviation)
