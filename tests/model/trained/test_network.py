"""A trained network computes what the network that trained computed, to the last bit."""

import math

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.model.trained.files import networks_from_bytes, networks_to_bytes
from caviar.model.trained.network import Origin, TrainedNetwork
from caviar.model.training import Training
from tests.model.trained.stored_model import dataset

SHAPES = [
    {"hidden_units": 20, "activation": "relu"},
    {"hidden_units": 17, "activation": "sigmoid", "dtype": "float64"},
    {"hidden_units": 33, "activation": "tanh", "batch_norm": False, "hidden_layers": 3},
    {"hidden_layers": 0},
]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("config", SHAPES, ids=str)
def test_a_network_of_a_stack_gives_the_numbers_of_its_training_and_its_metric(task, config):
    data = dataset(task)
    configs = [{**config, "learning_rate": rate} for rate in (0.01, 0.02, 0.03)]
    training = Training(configs, [1, 2, 3], data, epochs=2)
    training.epoch()
    training.stop(1)
    reports = training.epoch()
    for index in (0, 2):
        network = TrainedNetwork.of(training, index, Origin(configs[index], 2, index + 1))
        (again,) = networks_from_bytes(networks_to_bytes([network]), "memory")
        for trained in (network, again):
            np.testing.assert_array_equal(trained.predict(data.val_x), training.predict(index, data.val_x), strict=True)
            logits = trained.logits(data.val_x)
            if task == "classification":
                assert (logits.argmax(axis=1) == data.val_y).mean() == reports[index]["val_accuracy"]
            else:
                errors = np.ascontiguousarray(logits[:, 0]) - (data.val_y - data.target_mean) / data.target_scale
                rmse = math.sqrt(float(errors @ errors) / len(errors)) * data.target_scale
                assert rmse == reports[index]["val_rmse"]


def test_many_rows_are_computed_in_the_blocks_of_the_evaluation():
    digits = caviar.load_digits()
    training = Training([{}], [0], digits, epochs=1)
    training.epoch()
    network = TrainedNetwork.of(training, 0, Origin({}, 1, 0))
    np.testing.assert_array_equal(network.predict(digits.train_x), training.predict(0, digits.train_x))


def test_a_number_is_predicted_to_more_digits_than_float32_has():
    training = Training([{}], [0], dataset("regression"), epochs=1)
    predicted = TrainedNetwork.of(training, 0, Origin({}, 1, 0)).predict(dataset("regression").val_x)
    assert predicted.dtype == np.float64


def test_a_model_that_was_stopped_has_no_network():
    training = Training([{}, {}], [0, 1], dataset("regression"), epochs=1)
    training.stop(0)
    with pytest.raises(InputError, match="not in training"):
        TrainedNetwork.of(training, 0, Origin({}, 1, 0))
