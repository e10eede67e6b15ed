"""What users of other tuners write in a space is taken for what it is there."""

import subprocess
import sys
from collections import deque

import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray import tune
from scipy import stats

from caviar import Space, choice, constant, distribution, lograndint, loguniform, randint, uniform
from caviar.errors import InputError

LISTS = {
    "list": [32, 64],
    "tuple": (32, 64),
    "range": range(32, 65, 32),
    "set": {64, 32},
    "array": np.array([32, 64]),
    "series": pd.Series([32, 64]),
    "keys": {32: 0, 64: 0}.keys(),
    "deque": deque([32, 64]),
    "grid search of Ray Tune": tune.grid_search([32, 64]),
    "choice of Ray Tune": tune.choice([32, 64]),
    "choice of Optuna": optuna.distributions.CategoricalDistribution((32, 64)),
}
NUMBERS = {
    "uniform of SciPy": (stats.uniform(-3, 5), uniform(-3.0, 2.0)),
    "loguniform of SciPy": (stats.loguniform(1e-3, 1e2), loguniform(1e-3, 1e2)),
    "randint of SciPy": (stats.randint(2, 9), randint(2, 8)),
    "norm of SciPy": (stats.norm(5, scale=2), distribution("norm", 5.0, 2.0)),
    "moved loguniform of SciPy": (stats.loguniform(1e-3, 1, loc=1), distribution("loguniform", 1e-3, 1.0, 1.0, 1.0)),
    "beta of SciPy": (stats.beta(b=3, a=2), distribution("beta", 2.0, 3.0, 0.0, 1.0)),
    "poisson of SciPy": (stats.poisson(4), distribution("poisson", 4.0, 0.0)),
    "uniform of Ray Tune": (tune.uniform(0, 1), uniform(0, 1)),
    "quniform of Ray Tune": (tune.quniform(0.5, 2.5, 0.5), uniform(0.5, 2.5, step=0.5)),
    "loguniform of Ray Tune": (tune.loguniform(1e-4, 1), loguniform(1e-4, 1)),
    "qloguniform of Ray Tune": (tune.qloguniform(0.1, 1, 0.1), loguniform(0.1, 1.0, step=0.1)),
    "randn of Ray Tune": (tune.randn(5, 2), distribution("norm", 5.0, 2.0)),
    "randint of Ray Tune": (tune.randint(3, 6), randint(3, 5)),
    "lograndint of Ray Tune": (tune.lograndint(1, 9), lograndint(1, 8)),
    "qrandint of Ray Tune": (tune.qrandint(10, 30, 10), randint(10, 30, step=10)),
    "qlograndint of Ray Tune": (tune.qlograndint(5, 20, 5), lograndint(5, 20, step=5)),
    "float of Optuna": (optuna.distributions.FloatDistribution(0, 1), uniform(0.0, 1.0)),
    "log float of Optuna": (optuna.distributions.FloatDistribution(1e-4, 1, log=True), loguniform(1e-4, 1.0)),
    "float in steps of Optuna": (optuna.distributions.FloatDistribution(0, 1, step=0.1), uniform(0.0, 1.0, step=0.1)),
    "int of Optuna": (optuna.distributions.IntDistribution(1, 9), randint(1, 9)),
    "log int of Optuna": (optuna.distributions.IntDistribution(1, 9, log=True), lograndint(1, 9)),
    "int in steps of Optuna": (optuna.distributions.IntDistribution(1, 9, step=4), randint(1, 9, step=4)),
}


class Own(stats.rv_continuous):
    def _cdf(self, x):
        return x


@pytest.mark.parametrize("kind", LISTS)
def test_options_in_a_space_are_a_choice(kind):
    space = Space(batch_size=LISTS[kind])
    assert space == Space(batch_size=choice([32, 64]))
    assert {type(config["batch_size"]) for config in space.configs(np.array([[0.0], [1.0]]))} == {int}
    under = Space(kind=choice({"a": Space(batch_size=LISTS[kind]), "b": {"batch_size": LISTS[kind]}}))
    assert under == Space(kind=choice({"a": {"batch_size": choice([32, 64])}, "b": {"batch_size": choice([32, 64])}}))


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_distribution_in_a_space_is_the_same_hyperparameter_here(kind):
    distribution, hyperparameter = NUMBERS[kind]
    assert Space(x=distribution) == Space(x=hyperparameter)


@given(st.sets(st.integers() | st.text(max_size=3) | st.booleans(), min_size=1))
def test_the_options_of_a_set_have_an_order_of_their_own(options):
    assert Space(x=options) == Space(x=frozenset(options))
    assert eval(repr(Space(x=options)), {"Space": Space, "choice": choice, "constant": constant}) == Space(x=options)


def test_the_options_of_a_set_have_the_same_order_in_every_process():
    program = "import caviar; print(caviar.Space(x={'a', 'b', 'c', 3, 20}))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs == ["Space(x=choice([3, 20, 'a', 'b', 'c']))\n"] * 2


@pytest.mark.parametrize("value", [3, 0.5, "adam", None, True, b"adam", np.float64(0.5), np.int64(3)])
def test_a_single_value_stays_a_constant(value):
    assert Space(x=value)["x"] is value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Own(name="own")(), "<.*> is not one number of scipy.stats; try uniform"),
        (stats.norm([1, 2]), "is not one number of scipy.stats"),
        (stats.multivariate_normal([0, 0]), "is not one number of scipy.stats; try uniform"),
        (stats.Normal(), "is not one number of scipy.stats; try uniform"),
        (tune.qrandn(0, 1, 0.5), "a .* Float of Ray Tune has no bounds"),
        (tune.sample_from(lambda spec: 1), "Function of Ray Tune has no bounds"),
        (lambda: 3, r"x: a function in a space is not called.* or constant\("),
        ([tune.uniform(0, 1)], "inside a list or dict is not searched"),
        (choice([uniform(0, 1), 2]), r"x: uniform\(0, 1\) inside a list or dict is not searched"),
        ({"rate": uniform(0, 1)}, r"uniform\(0, 1\) inside a list or dict.*'optimizer.rate'"),
        ({"deep": [{"rate": stats.uniform()}]}, "inside a list or dict"),
        (tune.choice([{"y": tune.uniform(0, 1)}]), "inside a list or dict"),
        ([], "x: choice must have at least one option"),
        ([1, 1], "x: choice options must be different"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(value, words):
    with pytest.raises(InputError, match=words) as error:
        Space(x=value)
    assert "\n" not in str(error.value)


def test_another_tuner_s_hyperparameter_is_named():
    foreign = type("Real", (), {"__module__": "skopt.space.space", "__repr__": lambda self: "Real(0, 1)"})()
    with pytest.raises(InputError, match=r"x: Real\(0, 1\) is of skopt; try uniform"):
        Space(x=foreign)


def test_a_space_imports_none_of_these_packages():
    program = (
        "import sys, caviar; caviar.Space(x=[1, 2], y=range(3)); print({'scipy', 'ray', 'optuna'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
