"""Laws that every search keeps, on every kind of space. A new search joins by adding its name to `SEARCHES`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from caviar.errors import InputError
from caviar.search import CoarseToFine, Grid, Random, Sobol
from caviar.space import Space, choice, cube, default_space, lograndint, loguniform, randint, uniform

SEARCHES = [Random, Sobol, Grid, CoarseToFine]
SPACES = {
    "cube": cube(3),
    "default": default_space(),
    "whole numbers": Space(units=randint(1, 30), layers=randint(1, 4), batch=lograndint(1, 64)),
    "conditional": Space(
        optimizer=choice({"adam": Space(beta2=uniform(0.9, 0.999)), "momentum": Space(m=uniform(0, 1)), "plain": None}),
        learning_rate=loguniform(1e-4, 1),
        fixed="constant",
    ),
}


def value(points):
    """Something to minimise that diverges in a corner."""
    values = ((points - 0.3) ** 2).sum(axis=1)
    return np.where(points[:, -1] > 0.9, np.nan, values)


def waves_of(search, waves=99):
    """Run a search for some waves; the points asked, a list of arrays."""
    asked = []
    while not search.done and len(asked) < waves:
        asked.append(search.ask())
        search.tell(asked[-1], value(asked[-1]))
    return asked


def test_the_number_of_cores_changes_no_bit():
    def asked_and_estimated(threads):
        search = CoarseToFine(default_space(), trials=96, waves=3, seed=5)
        with threadpool_limits(threads):
            points = waves_of(search)
            return [*points, search.estimates(), search.recommend()]

    for one, four in zip(asked_and_estimated(1), asked_and_estimated(4), strict=True):
        np.testing.assert_array_equal(one, four)


every_search = pytest.mark.parametrize("make", SEARCHES, ids=lambda make: make.__name__)
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@every_search
@every_space
def test_points_are_snapped_and_in_bounds(make, space):
    for points in waves_of(make(space, trials=24, waves=3)):
        assert points.shape == (8, space.dimension)
        np.testing.assert_array_equal(points, space.snap(points))  # which refuses what lies outside


@every_search
@every_space
def test_no_config_comes_twice(make, space):
    points = np.concatenate(waves_of(make(space, trials=40, waves=4)))
    assert len({repr(config) for config in space.configs(points)}) == 40


@every_search
def test_a_sub_space_lives_under_its_option_alone(make):
    columns = {"adam": {"beta2"}, "momentum": {"m"}, "plain": set()}
    space = SPACES["conditional"]
    for config in space.configs(np.concatenate(waves_of(make(space, trials=40, waves=4)))):
        assert set(config) == {"optimizer", "learning_rate", "fixed"} | columns[config["optimizer"]]
        assert config["fixed"] == "constant"


@every_search
def test_a_small_space_is_used_up_before_anything_is_repeated(make):
    space = Space(
        units=randint(1, 5), optimizer=choice({"adam": None, "momentum": Space(nesterov=choice([True, False]))})
    )
    waves = waves_of(make(space, trials=20, waves=[8, 7, 5]))
    assert len(np.unique(np.concatenate(waves[:2]), axis=0)) == 15  # 5 units x (adam, nesterov, not nesterov)
    assert len(waves[2]) == 5


@every_search
@every_space
def test_the_seed_decides_everything(make, space):
    first, again, other = (waves_of(make(space, trials=24, waves=3, seed=seed)) for seed in (5, 5, 6))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(np.concatenate(first), np.concatenate(other))


@every_search
@every_space
@pytest.mark.parametrize("grow", [False, True])
def test_a_resumed_search_goes_on_where_the_other_stopped(make, space, grow):
    space = Space(**space.hyperparameters)
    space.grow = grow
    undisturbed, resumed = make(space, trials=32, waves=4, seed=1), make(space, trials=32, waves=4, seed=1)
    for points in waves_of(undisturbed, waves=3):
        resumed.tell(points, value(points))  # it never asked
    assert resumed.wave == undisturbed.wave == 3
    assert resumed.square == undisturbed.square
    np.testing.assert_array_equal(resumed.ask(), undisturbed.ask())
    np.testing.assert_array_equal(resumed.recommend(), undisturbed.recommend())


@every_search
def test_asking_again_gives_the_same_points(make):
    search = make(3, trials=24, waves=3)
    waves_of(search, waves=1)
    np.testing.assert_array_equal(search.ask(), search.ask())


@every_search
def test_the_order_of_the_rows_told_does_not_matter(make):
    one, other = make(3, trials=24, waves=2), make(3, trials=24, waves=2)
    points = one.ask()
    one.tell(points, value(points))
    mixed = np.random.default_rng(0).permutation(len(points))
    other.tell(points[mixed], value(points[mixed]))
    np.testing.assert_array_equal(one.ask(), other.ask())
    np.testing.assert_allclose(one.estimates()[mixed], other.estimates())


@every_search
def test_failures_are_no_obstacle(make):
    search = make(3, trials=24, waves=3)
    for _ in range(2):
        points = search.ask()
        search.tell(points, np.full(8, np.nan))
    assert np.isnan(search.estimates()).all()
    with pytest.raises(InputError, match="none of 16 trials finished"):
        search.recommend()
    points = search.ask()
    search.tell(points, np.where(np.arange(8) == 3, 1.0, np.inf))
    np.testing.assert_array_equal(search.recommend(), points[3])
    assert search.done


@every_search
def test_trials_that_were_not_asked_for(make):
    search = make(3, trials=24, waves=3)
    warm = np.random.default_rng(0).random((5, 3))
    search.tell(warm, value(warm), counted=False)
    assert len(search.ask()) == 8  # a warm start is beyond the budget,
    search.tell(warm[:3] / 2, value(warm[:3] / 2))
    assert len(search.ask()) == 5  # an enqueued trial is part of it
    assert len(np.concatenate(waves_of(search))) == 21


@every_search
def test_estimates_stand_in_the_order_told_and_decide_the_winner(make):
    search = make(2, trials=30, waves=3)
    points = np.concatenate(waves_of(search))
    estimates = search.estimates()
    assert estimates.shape == (30,)
    assert np.isnan(estimates).tolist() == np.isnan(value(points)).tolist()
    np.testing.assert_array_equal(search.recommend(), points[np.nanargmin(estimates)])


@every_search
def test_one_point_at_a_time(make):
    search = make(3, trials=12, waves="continuous")
    running = np.concatenate([search.ask(1) for _ in range(4)])
    asked = [*running]
    while not search.done:
        search.tell(running[:1], value(running[:1]))
        running = running[1:]
        if len(asked) < 12:
            running = np.concatenate([running, search.ask(1)])
            asked.append(running[-1])
    assert len(np.unique(asked, axis=0)) == 12


@every_search
def test_a_space_of_constants_has_one_config(make):
    search = make(Space(fixed=1), trials=4, waves=2)
    while not search.done:
        points = search.ask()
        assert points.shape == (2, 0)
        search.tell(points, np.array([1.0, 2.0]))
    assert search.recommend().shape == (0,)


@every_search
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": 0}, "trials=0"),
        ({"trials": 3, "waves": 4}, "waves=4 with trials=3"),
        ({"trials": 3, "waves": [2, 2]}, "sum to 4, not to trials=3"),
        ({"trials": 3, "waves": "often"}, "'often'"),
        ({"trials": 3, "seed": -1}, "seed=-1"),
        ({"trials": 3, "shared": [2]}, "below 2"),
    ],
)
def test_mistakes_are_named(make, arguments, message):
    with pytest.raises(InputError, match=message):
        make(2, **arguments)


@every_search
def test_misuse_is_named(make):
    search = make(2, trials=2, waves=1)
    with pytest.raises(InputError, match="tell one value each"):
        search.tell(np.zeros((2, 2)), np.zeros(3))
    with pytest.raises(InputError, match="ask for 1 point"):
        search.ask(0)
    waves_of(search)
    with pytest.raises(InputError, match="all 2 trials were told"):
        search.ask()


@every_search
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_values_may_be_told(make, data):
    search = make(SPACES["conditional"], trials=12, waves=2, seed=data.draw(st.integers(0, 9)))
    odd = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e300, -1e300, 1e-300]) | st.floats(-10, 10)
    while not search.done:
        points = search.ask()
        search.tell(points, np.array(data.draw(st.lists(odd, min_size=6, max_size=6))))
    assert search.estimates().shape == (12,)
