import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError
from caviar.space import (
    Space,
    choice,
    constant,
    cube,
    default_space,
    distribution,
    lograndint,
    loguniform,
    randint,
    reverseloguniform,
    uniform,
)
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
    dropout=uniform(0, 0.5, step=0.1),
    patience=3,
    noise=distribution("norm", 5.0, 2.0, high=7.5),
    count=distribution("poisson", 4.0, tier=3),
    sizes=constant([32, 64]),
    **{"layers.0 units": randint(8, 64, step=8), "class": choice({"a": {"list": constant([1, [2]])}, "b": None})},
)
SPACES = {"default": default_space(), "conditional": CONDITIONAL, "cube": cube(3)}


def points_of(space):
    return st.lists(
        st.lists(st.floats(0, 1), min_size=space.dimension, max_size=space.dimension), min_size=1, max_size=8
    ).map(np.array)


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
def test_configs_map_back_to_their_points(name, data):
    space = SPACES[name]
    points = data.draw(points_of(space))
    configs = space.configs(points)
    assert np.allclose(space.points(configs), space.snap(points), atol=1e-9)
    assert space.configs(space.snap(points)) == configs


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
def test_two_points_snap_to_the_same_point_exactly_when_their_configs_are_equal(name, data):
    space = SPACES[name]
    finite = np.isfinite(space.levels)
    one, other = (np.where(finite, data.draw(points_of(space))[:1], 0.25) for _ in range(2))
    together = np.array_equal(space.snap(one), space.snap(other))
    assert together == (space.configs(one) == space.configs(other))


@pytest.mark.parametrize("name", SPACES)
def test_plain_data_and_the_repr_recreate_a_space(name):
    space = SPACES[name]
    restored = from_plain(json.loads(json.dumps(to_plain(space))))
    assert restored == space
    kinds = (Space, choice, constant, distribution, lograndint, loguniform, randint, reverseloguniform, uniform)
    assert eval(repr(space), {kind.__name__: kind for kind in kinds}) == space
    assert hash(restored) == hash(space)


def test_a_space_is_a_mapping_from_names_to_hyperparameters_and_constants():
    space = Space(rate=uniform(0, 1), kind="adam")
    assert dict(space) == {"rate": uniform(0, 1), "kind": "adam"}
    assert (list(space), len(space), "rate" in space, space.get("x")) == (["rate", "kind"], 2, True, None)
    with pytest.raises(KeyError):
        space["x"]


def test_a_space_cannot_be_changed():
    space = cube(1)
    for change in (
        lambda: setattr(space, "grow", True),
        lambda: setattr(space, "names", ()),
        lambda: delattr(space, "names"),
    ):
        with pytest.raises(AttributeError, match="immutable"):
            change()
    assert space == cube(1)


@pytest.mark.parametrize("name", ["any name", "self", "class", "names", "clf__C"])
def test_a_hyperparameter_may_have_any_name(name):
    space = Space(**{name: uniform(0.0, 1.0)})
    assert space.configs(np.array([[0.5]])) == [{name: 0.5}]
    assert eval(repr(space), {"Space": Space, "uniform": uniform}) == space


EQUAL = [
    (lambda: Space(a=1, b=uniform(0, 1)), lambda: Space(a=1, b=uniform(0, 1))),
    (lambda: Space(a=np.ones((50, 50))), lambda: Space(a=np.ones((50, 50)))),
    (lambda: Space(a=constant(np.arange(2000))), lambda: Space(a=constant(np.arange(2000)))),
    (lambda: Space(a={"b": [1, 2]}), lambda: Space(a=constant({"b": [1, 2]}))),
    (lambda: Space(a=float("nan")), lambda: Space(a=float("nan"))),
    (lambda: Space(a=np.float64(0.5)), lambda: Space(a=0.5)),
    (lambda: Space(a=choice({1: Space(), 2: None})), lambda: Space(a=choice([1, 2]))),
]
DIFFERENT = [
    (lambda: Space(a=1, b=2), lambda: Space(b=2, a=1)),
    (lambda: Space(a=1), lambda: Space(a=1.0)),
    (lambda: Space(a=1), lambda: Space(a=True)),
    (lambda: Space(a=1.0), lambda: Space(a=True)),
    (lambda: Space(a=constant([1])), lambda: Space(a=constant((1,)))),
    (lambda: Space(a=constant([1])), lambda: Space(a=constant([True]))),
    (lambda: Space(a=constant([1, 2])), lambda: Space(a=[1, 2])),
    (lambda: Space(a=uniform(0, 1)), lambda: Space(a=uniform(0, 1, step=0.5))),
    (lambda: Space(a=choice([1, 2])), lambda: Space(a=choice([True, 2]))),
    (lambda: Space(a=uniform(0, 1)), lambda: Space(a=uniform(0, 1, tier=1))),
    (lambda: Space(a=uniform(0, 1)), lambda: Space(a=loguniform(0.5, 1))),
    (lambda: Space(a=choice({1: Space(x=1), 2: None})), lambda: Space(a=choice({1: Space(x=1.0), 2: None}))),
    (lambda: Space(a=constant(np.arange(2000))), lambda: Space(a=constant(np.arange(2000) % 1999))),
    (lambda: Space(a=np.ones((2, 2))), lambda: Space(a=np.ones((2, 2), dtype=int))),
    (lambda: Space(a=1), lambda: {"a": 1}),
]


@pytest.mark.parametrize(("make", "make_other"), EQUAL)
def test_equal_spaces_have_equal_hashes(make, make_other):
    assert make() == make_other()
    assert hash(make()) == hash(make_other())


@pytest.mark.parametrize(("make", "make_other"), DIFFERENT)
def test_equality_sees_order_types_and_content(make, make_other):
    assert make() != make_other()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda space: pickle.loads(pickle.dumps(space))])
def test_a_space_can_be_copied_and_pickled(duplicate):
    space = Space(**CONDITIONAL, array=constant(np.arange(3)))
    points = np.full((1, space.dimension), 0.3)
    assert duplicate(space) == space
    assert repr(duplicate(space).configs(points)) == repr(space.configs(points))


def test_a_sub_space_is_active_only_under_its_option():
    for config in CONDITIONAL.configs(np.random.default_rng(0).random((200, CONDITIONAL.dimension))):
        adam = config["optimizer"] == "adam"
        assert ("beta" in config) != adam
        assert ("kind" in config) == adam
        assert ("z" in config) == (config.get("kind") == 2)
        assert config["patience"] == 3
        if not adam:
            assert config["beta2"] == 0.5
        assert list(config) == [name for name in CONDITIONAL.names if name in config] or not adam


def test_configs_hold_plain_python_values():
    (config,) = default_space().configs(np.full((1, 6), 0.3))
    assert {name: type(value) for name, value in config.items()} == {
        "learning_rate": float, "momentum": float, "hidden_units": int,
        "batch_size": int, "hidden_layers": int, "lr_decay": float,
    }  # fmt: skip


def test_tiers_fixes_the_others_at_their_defaults():
    space = default_space().tiers(upto=1)
    assert space.dimension == 1
    (config,) = space.configs(np.array([[0.5]]))
    assert config["batch_size"] == 64
    assert config["momentum"] == 0.9
    assert default_space().tiers(upto=3) == default_space()
    assert default_space().tiers(upto=2).dimension == 4


def test_a_choice_that_is_fixed_keeps_the_sub_space_of_its_default():
    space = Space(
        optimizer=choice({"adam": Space(rate=loguniform(0.1, 1, tier=1)), "none": None}, tier=3), x=uniform(0, 1)
    ).tiers(upto=2)
    (config,) = space.configs(np.full((1, space.dimension), 0.5))
    assert list(config) == ["optimizer", "rate", "x"]
    assert config["optimizer"] == "adam"


def test_widened_changes_one_hyperparameter():
    wider = default_space().widened("learning_rate", upper=True)
    assert wider["learning_rate"].high == pytest.approx(100)
    assert wider["momentum"] == default_space()["momentum"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: default_space().points([{"learning_rat": 1}]), "did you mean 'learning_rate'"),
        (lambda: default_space().points([{"learning_rate": 0.1}]), "lacks 'momentum'"),
        (lambda: cube(1).points([{"x0": 3}]), "x0: .* got 3"),
        (lambda: cube(2).configs(np.zeros((1, 3))), r"shape \(n, 2\)"),
        (lambda: cube(1).configs(np.full((1, 1), 1.5)), "unit cube"),
        (lambda: cube(1).tiers(upto=4), "got 4"),
        (lambda: Space(a=choice({"x": Space(a=uniform(0, 1))})), "'a' could appear in a config twice"),
        (lambda: Space(a=choice({1: Space(c=randint(0, 1))}), b=choice({1: Space(c=randint(0, 1))})), "'c' could"),
        (lambda: from_plain({"a": {"lognormal": [1, 2]}}), "'lognormal'"),
        (lambda: from_plain({"a": {"uniform": [1, 2], "teir": 2}}), "did you mean 'tier'"),
        (lambda: from_plain({"a": {"uniform": 3}}), "two bounds"),
        (lambda: from_plain({"a": {"uniform": [0, 1], "randint": [0, 1]}}), "must have one kind"),
        (lambda: from_plain({"a": {"choice": [1, 2], "spaces": [{}]}}), "list of 2 tables"),
        (lambda: from_plain({"a": {"constant": [1, 2], "tier": 1}}), "unknown key 'tier'"),
        (lambda: from_plain({"a": {"loguniform": [0, 1]}}, toml=True), "a: loguniform bounds must be > 0"),
        (lambda: from_plain({"a": [1, 1]}, toml=True), "a: choice options must be different"),
        (
            lambda: from_plain({"a": {"choice": ["x"], "spaces": [{"b": {"uniform": [1, 0]}}]}}),
            "a: b: uniform bounds must be in ascending order",
        ),
        (lambda: from_plain({"a": {"choice": [1, 2], "step": 1}}), "unknown key 'step'"),
        (lambda: from_plain({"a": {"distribution": "norm"}}), "distribution takes a name and parameters"),
        (lambda: Space(**{"": uniform(0, 1)}), "name must be a non-empty string, got ''"),
        (lambda: Space(**{"x\ud800": uniform(0, 1)}), "name must be valid Unicode"),
    ],
)
def test_invalid_input_raises_one_sentence(make, words):
    with pytest.raises(InputError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


def test_tiers_keeps_a_fixed_list_whole():
    space = Space(sizes=choice([[32, 64], [128]], tier=3), x=uniform(0, 1), array=constant([1, 2])).tiers(upto=1)
    assert space.configs(np.empty((1, 0))) == [{"sizes": [32, 64], "x": 0.5, "array": [1, 2]}]


def test_a_bare_list_is_a_constant_in_an_old_journal_and_a_choice_in_a_file():
    plain = {
        "sizes": [32, 64],
        "kind": {"choice": ["a", "b"], "spaces": [{"list": [1, 2]}, {}]},
        "x": {"uniform": [0, 1]},
    }
    old = Space(sizes=constant([32, 64]), kind=choice({"a": {"list": constant([1, 2])}, "b": None}), x=uniform(0, 1))
    assert from_plain(plain) == old
    assert from_plain(json.loads(json.dumps(to_plain(old)))) == old
    new = Space(sizes=[32, 64], kind=choice({"a": {"list": choice([1, 2])}, "b": None}), x=uniform(0, 1))
    assert from_plain(plain, toml=True) == new


values = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
plain_values = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.text(min_size=1, max_size=9)


@given(st.dictionaries(names, plain_values.map(constant) | values, max_size=5))
def test_constants_of_any_name_and_value_come_back_from_a_journal(entries):
    space = Space(**entries)
    assert from_plain(json.loads(json.dumps(to_plain(space)))) == space
    (config,) = space.configs(np.empty((1, 0)))
    assert config == {name: getattr(value, "options", [value])[0] for name, value in entries.items()}
    assert eval(repr(space), {"Space": Space, "constant": constant}) == space


def test_around_narrows_to_a_config_or_a_square():
    space = Space(rate=loguniform(1e-4, 1.0), units=randint(50, 100), kind=choice(["a", "b"]), fixed=3)
    config = {"rate": 1e-2, "units": 52, "kind": "b", "fixed": 3}
    narrow = space.around(config)
    assert narrow.points([config]).shape == (1, 3)
    assert narrow["rate"].low == pytest.approx(1e-3)
    assert narrow["rate"].high == pytest.approx(1e-1)
    assert (narrow["units"].low, narrow["kind"].default) == (50, "b")
    square = pd.DataFrame({"name": ["rate", "kind"], "low": [0.1, None], "high": [9.0, None]}, dtype=object)
    within = space.around(square)
    assert (within["rate"].low, within["rate"].high) == (0.1, 1.0)
    assert within["units"] == space["units"]
    with pytest.raises(InputError, match="within its bounds"):
        space.around({"rate": 5.0})
    for other in (pd.Series([0.1]), "rate", 0.1):
        with pytest.raises(InputError, match="center must be a result, a square or a config of rate, "):
            space.around(other)
    for center in (None, {"momentum": 0.9}, {}, pd.Series([0.1]), "rate"):
        with pytest.raises(InputError, match="a config of"):
            space.around(center)
