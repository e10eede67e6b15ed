"""Shapes of stacks, their widths, and the number of parameters."""

import math

from hypothesis import given
from hypothesis import strategies as st

from caviar.data.loaders import load_digits
from caviar.model.network import Network
from caviar.model.shapes import parameter_count, shape_of, stack_width

DIGITS = load_digits()


def test_fifty_to_a_hundred_units_make_four_shapes():
    assert {shape_of({"hidden_units": units}).units for units in range(50, 101)} == {64, 80, 96, 112}


def test_a_shape_holds_what_a_stack_shares():
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
def test_the_parameter_count_is_that_of_the_network(layers, units, batch_norm):
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


def test_wide_networks_train_in_narrow_stacks():
    of_narrow, of_wide = (
        stack_width(shape_of({"hidden_units": units}), DIGITS, 1, 1000, cache=2**20) for units in (32, 512)
    )
    assert of_narrow > of_wide == 1
