"""Shapes, widths of stacks, and what a config may say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.loaders import load_digits
from caviar.errors import InputError
from caviar.model import config as hyperparameters
from caviar.model import shapes
from caviar.model.config import KNOWN, NETWORK_DEFAULTS, check_config
from caviar.model.network import Network
from caviar.model.shapes import parameter_count, shape_of, stack_width

DIGITS = load_digits()


def test_fifty_to_a_hundred_units_make_four_shapes():
    assert {shape_of({"hidden_units": units}).units for units in range(50, 101)} == {64, 80, 96, 112}


def test_a_shape_is_what_a_stack_shares():
    same = {"learning_rate": 0.1, "momentum": 0.5, "lr_decay": 1.0, "weight_decay": 0.1, "warmup": 2, "epsilon": 1.0}
    assert shape_of(same) == shape_of({})
    for name, value in {
        "hidden_layers": 3,
        "batch_size": 32,
        "optimizer": "momentum",
        "activation": "tanh",
        "batch_norm": False,
        "dropout": 0.5,
        "dtype": "float64",
    }.items():
        assert shape_of({name: value}) != shape_of({})


@given(st.integers(0, 4), st.integers(1, 40), st.booleans())
def test_the_parameter_count_is_the_unpadded_networks(layers, units, batch_norm):
    config = {"hidden_layers": layers, "hidden_units": 16 * units, "batch_norm": batch_norm}
    network = Network(shape_of(config), DIGITS.features, DIGITS.outputs, [16 * units])
    assert parameter_count(config, DIGITS) == network.parameters.shape[1]


@given(
    st.integers(0, 4), st.integers(1, 2000), st.sampled_from([32, 256, 1024]), st.integers(1, 64), st.integers(1, 2000)
)
def test_a_stack_leaves_no_worker_idle(layers, units, batch, workers, trials):
    width = stack_width(
        shape_of({"hidden_layers": layers, "hidden_units": units, "batch_size": batch}), DIGITS, workers, trials
    )
    assert 1 <= width <= trials
    assert math.ceil(trials / width) >= min(workers, trials)


def test_wide_networks_make_narrow_stacks(monkeypatch):
    monkeypatch.setattr(shapes, "cache_bytes", lambda: 2**20)
    narrow, wide = (stack_width(shape_of({"hidden_units": units}), DIGITS, 1, 1000) for units in (32, 512))
    assert narrow > wide == 1


def test_the_cache_has_a_size():
    assert 2**16 <= shapes.cache_bytes() <= 2**27


def test_a_config_is_filled_with_defaults():
    assert check_config({}) == NETWORK_DEFAULTS
    full = check_config({"hidden_units": np.int64(50), "learning_rate": np.float32(0.5), "batch_size": 32.0})
    assert (full["hidden_units"], type(full["hidden_units"]), full["batch_size"]) == (50, int, 32)
    with pytest.raises(TypeError):
        NETWORK_DEFAULTS["learning_rate"] = 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"learning_rate": -0.1}, r"learning_rate=-0.1 is out of range; give a finite number from 0"),
        ({"momentum": 1.0}, r"momentum=1.0 is out of range; give a number in \[0, 1\)"),
        ({"hidden_units": 2.5}, "hidden_units=2.5 is out of range; give a whole number from 1"),
        ({"hidden_units": 0}, "hidden_units=0"),
        ({"batch_size": 1}, "a whole number from 2"),
        ({"optimizer": "sgd"}, "optimizer='sgd' is out of range; give one of adam, momentum"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"batch_norm": "maybe"}, "True or False"),
        ({"learnin_rate": 1}, "did you mean 'learning_rate'"),
        ({"zzz": 1}, "it knows learning_rate"),
    ],
)
def test_a_wrong_config_gets_one_sentence(config, message):
    with pytest.raises(InputError, match=message):
        check_config(config)


def test_the_documentation_names_every_hyperparameter():
    rows = [line.split("|")[1].strip() for line in (hyperparameters.__doc__ or "").splitlines() if line[:1] == "|"]
    assert rows[2:] == list(KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_every_default_keeps_its_own_rule(name):
    assert check_config({name: KNOWN[name].default})[name] == KNOWN[name].default
