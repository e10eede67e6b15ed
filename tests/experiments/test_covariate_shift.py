"""Batch norm measured on a small network: equal seeds and data give equal tables."""

import numpy as np
import pandas as pd
import pytest

from caviar import InputError, from_arrays
from caviar.data.loaders import load_digits
from caviar.experiments import covariate_shift
from caviar.experiments.measurement import typical_unit
from caviar.experiments.sweep import Target, fastest, steps_to_reach, stepwise_training, train_steps, widest_band

SMALL = {"hidden_layers": 2, "hidden_units": 16, "steps": 60, "seeds": 2, "accuracy": 0.6, "rates": [0.1, 1.0, 1000.0]}


@pytest.fixture(scope="module")
def small():
    return covariate_shift(**SMALL)


def test_tables_hold_each_network_seed_and_layer(small):
    assert list(small.tables) == ["summary", "bands", "rates", "layers", "accuracy", "inputs"]
    layers = small.tables["layers"]
    networks = set(small.table["network"])
    assert {"without", "with"} <= networks <= {"without", "with", "with, own rate"}
    assert set(layers["network"]) == networks
    assert set(layers["layer"]) == {1, 2, 3}
    assert len(layers) == 3 * len(networks) * 2 * layers["step"].nunique()
    assert layers["step"].min() == 0
    assert layers["step"].max() == 59
    assert np.isfinite(layers.select_dtypes("number").to_numpy()).all()
    assert (small.table["steps_low"] <= small.table["steps"]).all()
    assert (small.tables["inputs"]["p15"] < small.tables["inputs"]["p85"]).all()


def test_the_first_layer_does_not_shift_through_gradients(small):
    layers = small.tables["layers"]
    assert (layers["gradient_change"][layers["layer"] == 1] == 0).all()
    assert (layers["gradient_change"][layers["layer"] > 1] > 0).all()


def test_with_and_without_start_from_equal_weights_and_batches(small):
    start = small.tables["layers"].query("step == 0 and layer == 1").pivot(index="seed", columns="network")
    assert (start["pre_mean"]["with"] == start["pre_mean"]["without"]).all()
    assert (start["pre_deviation"]["with"] == start["pre_deviation"]["without"]).all()
    config = {"hidden_units": 16, "batch_size": 60, "activation": "sigmoid"}
    trainings = [stepwise_training([{**config, "batch_norm": n}], [1], load_digits()) for n in (False, True)]
    for training in trainings:
        train_steps(training, 31)  # into the second epoch
    np.testing.assert_array_equal(trainings[0].batches.x, trainings[1].batches.x)


def test_without_batch_norm_inputs_are_pre_activations(small):
    without = small.tables["layers"].query("network == 'without'")
    assert (without["pre_moved"] == without["input_moved"]).all()


def test_equal_seeds_give_equal_tables(small):
    other = covariate_shift(**SMALL)
    for name, table in small.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)
    assert other.conclusions == small.conclusions


def test_conclusions_follow_from_the_tables(small):
    row = small.table.set_index("network").loc["with"]
    assert f"{row['gradient_relative']:.3g}" in small.conclusions[3]
    effects = ("reduces", "increases", "visibly")
    verdicts = [next(word for word in effects if word in sentence) for sentence in small.conclusions[2:4]]
    assert ("disagree" in small.conclusions[4]) == (verdicts[0] != verdicts[1])


def test_pictures_show_the_tables(small):
    accuracy = small.tables["accuracy"]
    picture = small.picture("accuracy")
    steps = accuracy[accuracy["network"] == "with"]["step"].nunique()
    assert all(len(trace.x) == steps for trace in picture.data)
    for name in small.drawings:
        assert len(small.picture(name).data) > 0


def test_the_widest_band_is_unbroken():
    inf = np.inf
    assert widest_band(np.array([inf, inf]), [1, 10]) == pytest.approx((0.0, np.nan, np.nan), nan_ok=True)
    assert widest_band(np.array([5.0, inf]), [1, 10]) == (0.0, 1.0, 1.0)
    assert widest_band(np.array([5.0, inf, 5, 5, 5]), [1, 10, 100, 1000, 1e4]) == (2.0, 100.0, 1e4)


def test_the_fastest_rate_has_the_lowest_median():
    inf = np.inf
    assert fastest(np.array([[inf, inf], [30, 50], [40, 40]])) == 1
    assert fastest(np.array([[inf, inf]])) is None


def test_steps_do_not_depend_on_other_networks_of_the_stack():
    configs = [{"learning_rate": rate, "hidden_units": 16} for rate in (0.0, 0.01, 1e30)]
    target = Target(accuracy=0.5, steps=40, every=4)
    together = steps_to_reach(configs, [0, 1, 2], load_digits(), target)
    assert together[0] == together[2] == np.inf
    assert 0 < together[1] <= 40
    assert together[1] % 4 == 0
    assert steps_to_reach(configs[1:2], [1], load_digits(), target)[0] == together[1]


def test_no_network_trains_for_more_steps_than_it_may():
    config = {"learning_rate": 0.01, "hidden_units": 16}
    target = Target(accuracy=0.0, steps=10, every=4)
    assert steps_to_reach([config], [0], load_digits(), target)[0] == 4
    assert steps_to_reach([config], [0], load_digits(), target._replace(accuracy=1.0, steps=3))[0] == np.inf
    assert steps_to_reach([config], [0], load_digits(), target._replace(steps=3))[0] == np.inf


def test_a_typical_unit_travels_the_median_distance():
    inputs = pd.DataFrame({"seed": 0, "unit": [0, 1, 2] * 2, "step": [0] * 3 + [1] * 3, "p50": [0.0, 0, 0, 9, 2, 1]})
    assert set(typical_unit(inputs)["unit"]) == {1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hidden_layers": 1}, "hidden_layers must be an integer >= 2, got 1"),
        ({"steps": 9}, "steps must be an integer >= 10, got 9"),
        ({"seeds": 0}, "seeds must be an integer >= 1, got 0"),
        ({"every": 0}, "every must be an integer >= 1, got 0"),
        ({"accuracy": 1.0, "steps": 10, "seeds": 1, "rates": [1e-9]}, "accuracy must be reached .* got accuracy=1.0"),
        ({"data": from_arrays(np.arange(40.0), np.linspace(0, 1, 40))}, "regression"),
        ({"activation": "signoid"}, "signoid"),
    ],
)
def test_invalid_arguments_are_errors(arguments, words):
    with pytest.raises(InputError, match=words):
        covariate_shift(**arguments)
