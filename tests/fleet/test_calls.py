"""Functions of every signature: who takes a seed, and who cannot be called at all."""

import functools

import pytest

from caviar.errors import InputError
from caviar.fleet.worker.calls import check_callable, seed_by, taking_seed


class Model:
    def __call__(self, config, seed):
        return config, seed


def named(config, seed=0):
    return config, seed


def keyword(config, *, folder=None, seed):
    return config, seed


def later(config, folder=None, seed=None):
    assert folder is None
    return config, seed


def positional(config, random_state):
    return config, random_state


def directory(config, checkpoint_dir=None):
    return config, checkpoint_dir


def options(config, *, epochs=3, **others):
    assert not others
    return config, None


WITH_SEED = [Model(), named, keyword, later, positional, lambda config, *more: (config, *more)]
WITHOUT_SEED = [directory, options, functools.partial(named, seed=None)]


@pytest.mark.parametrize("function", WITH_SEED)
def test_a_seed_is_passed_by_its_name_or_to_a_second_argument_without_a_default(function):
    check_callable(function, "train")
    assert taking_seed(function)({"x": 1}, 7) == ({"x": 1}, 7)


@pytest.mark.parametrize("function", WITHOUT_SEED)
def test_no_other_argument_gets_the_seed(function):
    check_callable(function, "train")
    assert taking_seed(function)({"x": 1}, 7) == ({"x": 1}, None)


def test_a_function_without_a_signature_takes_a_config_alone():
    check_callable(max, "max")
    assert seed_by(max) is seed_by(dict)


async def asynchronous(config):
    return {"loss": 0.0}


async def asynchronous_generator(config):
    yield {"loss": 0.0}


class Asynchronous:
    async def __call__(self, config):
        return {"loss": 0.0}


@pytest.mark.parametrize(
    "function", [asynchronous, asynchronous_generator, functools.partial(asynchronous), Asynchronous()]
)
def test_an_asynchronous_function_is_refused(function):
    with pytest.raises(InputError, match=r"train must not be async; try a function that calls asyncio\.run"):
        check_callable(function, "train")


@pytest.mark.parametrize(
    "function",
    [
        lambda: None,
        lambda seed, config: None,
        lambda config, model, seed: None,
        lambda config, seed, *, model: None,
        lambda *, config: None,
    ],
)
def test_a_function_that_cannot_be_called_is_refused_before_anything_starts(function):
    with pytest.raises(InputError, match="must be callable with a config, or a config and a seed; give its other"):
        check_callable(function, "train")
