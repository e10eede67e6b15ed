"""Choices of ascending numbers: searched in their order, by whichever door they come, but not in old journals."""

import json

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.insight.figures.axes import square_corners
from caviar.search import Budget, CoarseToFine
from caviar.search.square import Square, edges
from caviar.space import Choice, Space, choice, loguniform, randint, uniform
from caviar.space.serialization import from_plain, to_plain
from caviar.study.file import study_from_file
from tests.insight.studies import outcome_of
from tests.space.spaces import Level

SIZES = [32, 64, 128, 256]


@pytest.mark.parametrize("options", [SIZES, [0.5, 1], np.array([1, 2, 3]), range(3), {3, 1, 2}, [-1.5, 0]], ids=repr)
def test_ascending_numbers_have_an_order(options):
    (dimension,) = Space(x=options).dimensions
    assert not dimension.hyperparameter.categorical
    assert list(Space(x=options).categorical) == [False]


@pytest.mark.parametrize(
    "options",
    [
        [64, 32],
        ["a", "b"],
        [1, 2, "many"],
        [False, True],
        [Level.LOW, Level.HIGH],
        [1, None],
        {1: None, 2: {"rate": uniform(0, 1)}},
    ],
    ids=repr,
)
def test_anything_else_has_none_and_cannot_be_given_one(options):
    assert choice(options).categorical
    with pytest.raises(InputError, match="ordinal options must be ascending numbers"):
        choice(options, ordinal=True)


def test_a_word_turns_the_order_off():
    names = choice(SIZES, ordinal=False)
    assert names.categorical
    assert names != choice(SIZES)
    assert Space(x=names) != Space(x=SIZES)
    assert eval(repr(names), {"choice": choice}) == names
    with pytest.raises(InputError, match="ordinal must be True or False, got 'yes'"):
        choice(SIZES, ordinal="yes")


def test_a_journal_without_the_word_has_no_order_and_one_with_it_comes_back():
    old = {"size": {"choice": SIZES, "tier": 2}}
    assert list(from_plain(old).categorical) == [True]
    assert list(from_plain(old, toml=True).categorical) == [False]
    for space in (Space(size=SIZES), Space(size=choice(SIZES, ordinal=False)), Space(kind=["a", "b"])):
        assert from_plain(json.loads(json.dumps(to_plain(space)))) == space


def test_an_old_study_goes_on_with_the_same_trials():
    """What it would have asked for when choices had no order."""
    plain = {"rate": {"loguniform": [1e-4, 1.0], "tier": 1}, "size": {"choice": SIZES, "tier": 2}}

    def points(space):
        search = CoarseToFine(space, Budget(24, waves=3))
        while not search.done:
            search.tell(asked := search.ask(), np.sum((asked - 0.3) ** 2, axis=1))
        return search._points

    unordered = Space(rate=loguniform(1e-4, 1.0, tier=1), size=Choice(tuple(SIZES), ordinal=False))
    assert np.array_equal(points(from_plain(plain)), points(unordered))
    assert not np.array_equal(points(from_plain(plain)), points(from_plain(plain, toml=True)))


def test_toml_has_both_words(tmp_path):
    lines = 'data = "digits"\ntrials = 4\n[space]\nlearning_rate = { loguniform = [0.01, 1] }\n'
    for line, ordinal in [
        ("batch_size = [32, 64, 128]", True),
        ("batch_size = { choice = [32, 64, 128] }", True),
        ("batch_size = { choice = [32, 64, 128], ordinal = false }", False),
        ("hidden_units = { randint = [32, 96], step = 32 }", True),
    ]:
        path = tmp_path / "study.toml"
        path.write_text(lines + line, encoding="utf-8")
        space = study_from_file(path, out=tmp_path / "s").settings.space
        assert list(space.categorical) == [False, not ordinal]
        assert list(space.levels) == [np.inf, 3]


def test_it_is_narrowed_around_a_value_and_to_bounds():
    space = Space(size=choice(SIZES, default=32), kind=["a", "b"])
    assert space.around({"size": 128, "kind": "b"}) == Space(
        size=choice([64, 128, 256], default=128), kind=choice(["a", "b"], default="b")
    )
    assert space.around({"size": 128}, share=0.1)["size"] == choice([128], default=128)


def test_the_square_is_in_its_options(tmp_path):
    space = Space(rate=uniform(0, 1), size=SIZES, kind=["a", "b"])
    outcome = outcome_of(tmp_path, space, lambda c, _: -abs(c["size"] - 64) / 64 - c["rate"], trials=40)
    row = outcome.square.set_index("name").loc["size"]
    assert row["low"] <= 64 <= row["high"]
    assert (row["space_low"], row["space_high"], row["options"]) == (32, 256, "")
    assert {row["low"], row["high"]} <= set(SIZES)
    corners = square_corners(outcome.square, space)[:, 1]
    assert corners[0] <= 0.375 <= corners[1]
    assert (corners * 4 == np.round(corners * 4)).all()
    assert outcome.waves["size_low"].isin(SIZES).all()
    assert outcome.space.around(outcome.square)["size"].options[0] == row["low"]
    assert outcome.best.config["size"] == 64


def test_the_best_value_at_its_end_is_a_bound():
    square = Square((0.75,), (1.0,), (0.875,), ((),))
    assert edges(square, Space(size=SIZES)) == [
        "size: the best values lie at the upper bound 256; consider widening it"
    ]


def test_neighbours_tell_of_each_other():
    """What an option is worth is learnt from its neighbours, so the best of many is found with few trials."""
    rounds = [_best_of(choice(range(40), ordinal=ordinal), seed) for ordinal in (True, False) for seed in range(8)]
    assert np.mean(rounds[:8]) < np.mean(rounds[8:])


def _best_of(options, seed):
    space = Space(x=options, y=choice(range(30, 70), ordinal=options.ordinal))
    search = CoarseToFine(space, Budget(24, waves=3, seed=seed))
    while not search.done:
        points = search.ask()
        search.tell(points, [(c["x"] - 11) ** 2 + (c["y"] - 55) ** 2 for c in space.configs(points)])
    return search._values.min()


def test_steps_of_every_door_are_the_same():
    optuna = pytest.importorskip("optuna")
    tune = pytest.importorskip("ray.tune")
    wanted = Space(units=randint(32, 512, step=32), rate=uniform(0, 1, step=0.05))
    toml = {"units": {"randint": [32, 512], "step": 32}, "rate": {"uniform": [0, 1], "step": 0.05}}
    integers, floats = optuna.distributions.IntDistribution, optuna.distributions.FloatDistribution
    assert from_plain(toml, toml=True).levels.tolist() == wanted.levels.tolist() == [16, 21]
    for space in (
        caviar.Space(units=integers(32, 512, step=32), rate=floats(0, 1, step=0.05)),
        caviar.Space(units=tune.qrandint(32, 512, 32), rate=tune.quniform(0, 1, 0.05)),
    ):
        assert space.levels.tolist() == [16, 21]
        assert not space.categorical.any()
        assert space.configs(np.array([[0.99, 0.5]])) == wanted.configs(np.array([[0.99, 0.5]]))
