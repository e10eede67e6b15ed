"""Dead units are counted without padding, each model for itself."""

import numpy as np
import pytest

from caviar.data.loaders import load_digits
from caviar.fleet.messages import Done
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.stacks import StackRunner
from caviar.model.evaluation import dead_units
from caviar.model.training import Training
from caviar.records.trial import Trial

DIGITS = load_digits()
FIXED = {"batch_norm": False, "hidden_layers": 2}


def training(**config):
    configs = [{**FIXED, **config, "hidden_units": units} for units in (20, 30)]
    return Training(configs, [1, 2], DIGITS, epochs=1)


def test_a_unit_is_dead_if_it_is_zero_for_every_row():
    made = training()
    made.network.hidden[1].dense.bias[0, 0, :5] = -100.0  # of 20 units of the first model
    (first, second), (_, other) = dead_units(made.network, DIGITS.val_x)
    assert first < 0.25
    assert second == pytest.approx(0.25, abs=0.15)
    assert other < 0.15
    made.network.hidden[1].dense.bias[0, 0, :] = -100.0
    assert dead_units(made.network, DIGITS.val_x)[0][1] == 1.0


def test_only_relu_units_die():
    assert dead_units(training(activation="tanh").network, DIGITS.val_x) == [(), ()]


def test_the_count_does_not_depend_on_the_stack():
    trials = [Trial(n, 1, {**FIXED, "hidden_units": 20 + n, "learning_rate": 3.0}, seed=n) for n in range(3)]

    def ends(*stacks):
        runner = StackRunner(NetworkTrainable(DIGITS, epochs=2), "val_accuracy")
        events = [event for stack in stacks for event in runner.train(stack)]
        return {event.trial: event.dead_units for event in events if isinstance(event, Done)}

    together, alone = ends(tuple(trials)), ends(*((trial,) for trial in trials))
    assert together == alone
    assert all(len(shares) == 2 and 0 <= min(shares) <= max(shares) <= 1 for shares in alone.values())
    assert np.max(list(alone.values())) > 0
