import numpy as np
import pytest

import caviar
from tests.insight.studies import EVIL, mixed_space, mixed_value, outcome_of


@pytest.fixture(scope="session")
def outcome(tmp_path_factory):
    """A study of three waves with trials that failed and diverged, and names that a page must escape."""
    folder = tmp_path_factory.mktemp("insight") / "study"
    return outcome_of(folder, mixed_space(), mixed_value, trials=60, waves=3, search="coarse-to-fine", name=EVIL)


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """A study of the digits with two confirmed trials, whose winner was evaluated."""
    folder = tmp_path_factory.mktemp("insight") / "digits"
    study = caviar.Study("digits", trials=9, waves=1, epochs=1, confirm=(2, 2), out=folder, workers=0)
    study.run(progress=False)
    return study.outcome


@pytest.fixture(scope="session")
def numbers(tmp_path_factory):
    """A study of numbers to predict, whose winner was evaluated."""
    x = np.random.default_rng(0).normal(size=(300, 4))
    folder = tmp_path_factory.mktemp("insight") / "numbers"
    study = caviar.Study((x, 3 * x[:, 1] + x[:, 2]), trials=4, epochs=3, out=folder, workers=0)
    study.run(progress=False)
    return study.outcome
