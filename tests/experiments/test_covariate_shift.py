"""Batch norm watched on a small network: same seeds, same data, the same tables every time."""

import numpy as np
import pandas as pd
import pytest

from caviar import InputError, from_arrays
from caviar.data.loaders import load_digits
from caviar.experiments import covariate_shift
from caviar.experiments.racing import advance, endless, steps_to_reach
from caviar.experiments.sweeping import best, decades
from caviar.experiments.watching import typical

SMALL = {"hidden_layers": 2, "hidden_units": 16, "steps": 60, "seeds": 2, "accuracy": 0.6, "rates": [0.1, 1.0, 1000.0]}


@pytest.fixture(scope="module")
def small():
    return covariate_shift(**SMALL)


def test_tables_say_it_all(small):
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


def test_the_first_layer_never_shifts_through_gradients(small):
    layers = small.tables["layers"]
    assert (layers["gradient_change"][layers["layer"] == 1] == 0).all()
    assert (layers["gradient_change"][layers["layer"] > 1] > 0).all()


def test_with_and_without_begin_alike_and_see_the_same_data(small):
    start = small.tables["layers"].query("step == 0 and layer == 1").pivot(index="seed", columns="network")
    assert (start["pre_mean"]["with"] == start["pre_mean"]["without"]).all()
    assert (start["pre_deviation"]["with"] == start["pre_deviation"]["without"]).all()
    config = {"hidden_units": 16, "batch_size": 60, "activation": "sigmoid"}
    trainings = [endless([{**config, "batch_norm": norm}], [1], load_digits()) for norm in (False, True)]
    for training in trainings:
        advance(training, 31)  # into the second epoch
    np.testing.assert_array_equal(trainings[0].batches.x, trainings[1].batches.x)


def test_without_batch_norm_nothing_lies_between(small):
    without = small.tables["layers"].query("network == 'without'")
    assert (without["pre_moved"] == without["input_moved"]).all()


def test_the_same_seeds_give_the_same_tables(small):
    again = covariate_shift(**SMALL)
    for name, table in small.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name], check_exact=True)
    assert again.found == small.found


def test_sentences_follow_from_the_tables(small):
    row = small.table.set_index("network").loc["with"]
    assert f"{row['gradient_relative']:.3g}" in small.found[3]
    verdicts = [next(word for word in ("reduces", "increases", "visibly") if word in text) for text in small.found[2:4]]
    assert ("disagree" in small.found[4]) == (verdicts[0] != verdicts[1])


def test_pictures_are_made_from_the_tables(small):
    accuracy = small.tables["accuracy"]
    drawn = small.picture("accuracy")
    steps = accuracy[accuracy["network"] == "with"]["step"].nunique()
    assert all(len(trace.x) == steps for trace in drawn.data)
    for name in small.drawings:
        assert len(small.picture(name).data) > 0


def test_bands_are_unbroken():
    inf = np.inf
    assert decades(np.array([inf, inf]), [1, 10]) == pytest.approx((0.0, np.nan, np.nan), nan_ok=True)
    assert decades(np.array([5.0, inf]), [1, 10]) == (0.0, 1.0, 1.0)
    assert decades(np.array([5.0, inf, 5, 5, 5]), [1, 10, 100, 1000, 1e4]) == (2.0, 100.0, 1e4)
    assert best(np.array([[inf, inf], [30, 50], [40, 40]])) == 1
    assert best(np.array([[inf, inf]])) is None


def test_steps_are_counted_for_each_network_alone():
    configs = [{"learning_rate": rate, "hidden_units": 16} for rate in (0.0, 0.01, 1e30)]
    until = {"accuracy": 0.5, "steps": 40, "every": 4}
    together = steps_to_reach(configs, [0, 1, 2], load_digits(), **until)
    assert together[0] == together[2] == np.inf
    assert 0 < together[1] <= 40
    assert together[1] % 4 == 0
    assert steps_to_reach(configs[1:2], [1], load_digits(), **until)[0] == together[1]


def test_a_typical_unit_travels_the_median_way():
    inputs = pd.DataFrame({"seed": 0, "unit": [0, 1, 2] * 2, "step": [0] * 3 + [1] * 3, "p50": [0.0, 0, 0, 9, 2, 1]})
    assert set(typical(inputs)["unit"]) == {1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hidden_layers": 1}, "hidden_layers=1"),
        ({"steps": 9}, "steps=9"),
        ({"accuracy": 1.0, "steps": 10, "seeds": 1, "rates": [1e-9]}, "no learning rate reaches accuracy=1.0"),
        ({"data": from_arrays(np.arange(40.0), np.linspace(0, 1, 40))}, "regression"),
        ({"activation": "signoid"}, "signoid"),
    ],
)
def test_a_mistake_is_a_sentence(arguments, words):
    with pytest.raises(InputError, match=words):
        covariate_shift(**arguments)
