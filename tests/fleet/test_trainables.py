"""Training functions of every signature."""

import functools

import pytest

from caviar.fleet.worker.trainables import FunctionTrainable


class Model:
    def __call__(self, config, seed):
        return {"loss": 1.0}


def with_seed(config, seed):
    return {"loss": 1.0}


def without_seed(config, *, epochs=3):
    return {"loss": 1.0}


@pytest.mark.parametrize("function", [with_seed, Model(), lambda config, *more: {"loss": 1.0}])
def test_a_function_of_two_arguments_takes_a_seed(function):
    assert FunctionTrainable(function).takes_seed


@pytest.mark.parametrize("function", [without_seed, functools.partial(with_seed, seed=1), max])
def test_a_function_of_one_argument_or_without_a_signature_takes_no_seed(function):
    assert not FunctionTrainable(function).takes_seed
