"""The hyperparameters of the network: defaults, ranges, and errors."""

import math

import numpy as np
import pytest

from caviar.errors import InputError
from caviar.model import config
from caviar.model.config import NETWORK_DEFAULTS, SPECIFICATIONS, check_config


def test_a_config_is_completed_with_the_defaults():
    assert check_config({}) == NETWORK_DEFAULTS
    full = check_config({"hidden_units": np.int64(50), "learning_rate": np.float32(0.5), "batch_size": 32.0})
    assert (full["hidden_units"], type(full["hidden_units"]), full["batch_size"]) == (50, int, 32)
    with pytest.raises(TypeError):
        NETWORK_DEFAULTS["learning_rate"] = 1


@pytest.mark.parametrize(
    ("invalid", "message"),
    [
        ({"learning_rate": -0.1}, r"learning_rate must be a number in \[0, inf\), got -0.1"),
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1.0"),
        ({"hidden_units": 2.5}, "hidden_units must be an integer >= 1, got 2.5"),
        ({"hidden_units": 0}, "got 0"),
        ({"hidden_units": "64"}, "got '64'"),
        ({"hidden_units": [64]}, r"got \[64\]"),
        ({"batch_size": 1}, "an integer >= 2"),
        ({"epsilon": 0}, r"epsilon must be a number in \(0, inf\), got 0"),
        ({"clip_norm": 0}, r"clip_norm must be a number in \(0, inf\], got 0"),
        ({"optimizer": "sgd"}, "optimizer must be one of 'adam', 'momentum', got 'sgd'"),
        ({"learning_rate": "fast"}, "got 'fast'"),
        ({"learning_rate": math.nan}, "got nan"),
        ({"batch_norm": "maybe"}, "one of True, False"),
        ({"learnin_rate": 1}, "did you mean 'learning_rate'"),
        ({"lr": 1}, "did you mean 'learning_rate'"),
        ({"beta1": 1}, "did you mean 'momentum'"),
        ({"zzz": 1}, "choose one of learning_rate"),
    ],
)
def test_an_invalid_config_raises_one_sentence(invalid, message):
    with pytest.raises(InputError, match=message) as error:
        check_config(invalid)
    assert "\n" not in str(error.value)


def test_the_documentation_lists_every_hyperparameter():
    rows = [line.split("|")[1].strip() for line in (config.__doc__ or "").splitlines() if line[:1] == "|"]
    assert rows[2:] == list(SPECIFICATIONS)


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_default_obeys_its_rule(name):
    assert check_config({name: SPECIFICATIONS[name].default})[name] == SPECIFICATIONS[name].default
