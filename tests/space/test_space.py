import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError
from caviar.space import Space, choice, cube, default_space, lograndint, loguniform, randint, reverseloguniform, uniform
from caviar.space.serialization import from_plain, to_plain

CONDITIONAL = Space(
    optimizer=choice(
        {
            "adam": Space(beta2=reverseloguniform(0.9, 0.999), kind=choice({1: None, 2: Space(z=randint(1, 3))})),
            "momentum": Space(beta=uniform(0, 1), beta2=0.5),
        }
    ),
    learning_rate=loguniform(1e-4, 1, tier=1),
    batch_size=lograndint(16, 512),
    epochs_of_rest=3,
)
SPACES = {"default": default_space(), "conditional": CONDITIONAL, "cube": cube(3)}


def points_of(space):
    return st.lists(
        st.lists(st.floats(0, 1), min_size=space.dimension, max_size=space.dimension), min_size=1, max_size=8
    ).map(np.array)


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
def test_points_to_configs_to_points_comes_back(name, data):
    space = SPACES[name]
    points = data.draw(points_of(space))
    configs = space.configs(points)
    assert np.allclose(space.points(configs), space.snap(points), atol=1e-9)
    assert space.configs(space.snap(points)) == configs


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
def test_two_points_snap_together_exactly_when_their_configs_are_equal(name, data):
    space = SPACES[name]
    finite = np.isfinite(space.levels)
    one, other = (np.where(finite, data.draw(points_of(space))[:1], 0.25) for _ in range(2))
    together = np.array_equal(space.snap(one), space.snap(other))
    assert together == (space.configs(one) == space.configs(other))


@pytest.mark.parametrize("name", SPACES)
def test_a_space_survives_as_plain_data_and_as_its_repr(name):
    space = SPACES[name]
    again = from_plain(json.loads(json.dumps(to_plain(space))))
    assert again == space
    kinds = (Space, choice, lograndint, loguniform, randint, reverseloguniform, uniform)
    assert eval(repr(space), {kind.__name__: kind for kind in kinds}) == space
    assert hash(again) == hash(space)


def test_a_sub_space_lives_only_under_its_choice():
    for config in CONDITIONAL.configs(np.random.default_rng(0).random((200, CONDITIONAL.dimension))):
        adam = config["optimizer"] == "adam"
        assert ("beta" in config) != adam
        assert ("kind" in config) == adam
        assert ("z" in config) == (config.get("kind") == 2)
        assert config["epochs_of_rest"] == 3
        if not adam:
            assert config["beta2"] == 0.5
        assert list(config) == [name for name in CONDITIONAL.names if name in config] or not adam


def test_configs_hold_plain_python_values():
    (config,) = default_space().configs(np.full((1, 6), 0.3))
    assert {name: type(value) for name, value in config.items()} == {
        "learning_rate": float, "momentum": float, "hidden_units": int,
        "batch_size": int, "hidden_layers": int, "lr_decay": float,
    }  # fmt: skip


def test_lower_tiers_are_fixed_at_their_defaults():
    space = default_space().tiers(upto=1)
    assert space.dimension == 1
    (config,) = space.configs(np.array([[0.5]]))
    assert config["batch_size"] == 64
    assert config["momentum"] == 0.9
    assert default_space().tiers(upto=3) == default_space()
    assert default_space().tiers(upto=2).dimension == 4


def test_a_conditional_choice_that_is_fixed_keeps_what_lives_under_it():
    space = Space(
        optimizer=choice({"adam": Space(rate=loguniform(0.1, 1, tier=1)), "none": None}, tier=3), x=uniform(0, 1)
    ).tiers(upto=2)
    (config,) = space.configs(np.full((1, space.dimension), 0.5))
    assert list(config) == ["optimizer", "rate", "x"]
    assert config["optimizer"] == "adam"


def test_widening_one_hyperparameter():
    wider = default_space().widened("learning_rate", upper=True)
    assert wider.hyperparameters["learning_rate"].high == pytest.approx(100)
    assert wider.hyperparameters["momentum"] == default_space().hyperparameters["momentum"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: default_space().points([{"learning_rat": 1}]), "did you mean 'learning_rate'"),
        (lambda: default_space().points([{"learning_rate": 0.1}]), "lacks 'momentum'"),
        (lambda: cube(1).points([{"x0": 3}]), "x0: 3"),
        (lambda: cube(2).configs(np.zeros((1, 3))), r"shape \(n, 2\)"),
        (lambda: cube(1).configs(np.full((1, 1), 1.5)), "unit cube"),
        (lambda: cube(1).tiers(upto=4), "upto=4"),
        (lambda: Space(a=choice({"x": Space(a=uniform(0, 1))})), "'a' could be in force twice"),
        (lambda: Space(a=choice({1: Space(c=randint(0, 1))}), b=choice({1: Space(c=randint(0, 1))})), "'c' could"),
        (lambda: from_plain({"a": {"lognormal": [1, 2]}}), "'lognormal'"),
        (lambda: from_plain({"a": {"uniform": [1, 2], "teir": 2}}), "did you mean 'tier'"),
        (lambda: from_plain({"a": {"uniform": 3}}), "two bounds"),
    ],
)
def test_bad_input_is_one_sentence(make, words):
    with pytest.raises(InputError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_space_around_a_config_or_a_square():
    space = Space(rate=loguniform(1e-4, 1.0), units=randint(50, 100), kind=choice(["a", "b"]), fixed=3)
    config = {"rate": 1e-2, "units": 52, "kind": "b", "fixed": 3}
    narrow = space.around(config)
    assert narrow.points([config]).shape == (1, 3)
    assert narrow.hyperparameters["rate"].low == pytest.approx(1e-3)
    assert narrow.hyperparameters["rate"].high == pytest.approx(1e-1)
    assert (narrow.hyperparameters["units"].low, narrow.hyperparameters["kind"].default) == (50, "b")
    square = pd.DataFrame({"name": ["rate", "kind"], "low": [0.1, None], "high": [9.0, None]}, dtype=object)
    within = space.around(square).hyperparameters
    assert (within["rate"].low, within["rate"].high) == (0.1, 1.0)
    assert within["units"] == space.hyperparameters["units"]
    with pytest.raises(InputError, match="lies outside"):
        space.around({"rate": 5.0})
    for found in (None, {"momentum": 0.9}, {}):
        with pytest.raises(InputError, match="a config of"):
            space.around(found)
