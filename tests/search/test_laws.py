"""Laws that every search obeys, on every kind of space. A new search joins by adding its name to `SEARCHES`."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from caviar.errors import InputError
from caviar.search import Budget, CoarseToFine, Grid, Random, Sobol
from caviar.space import Space, choice, cube, default_space, lograndint, loguniform, randint, uniform

SEARCHES = [Random, Sobol, Grid, CoarseToFine]
SPACES = {
    "cube": cube(3),
    "default": default_space(),
    "integers": Space(units=randint(1, 30), layers=randint(1, 4), batch=lograndint(1, 64)),
    "conditional": Space(
        optimizer=choice({"adam": Space(beta2=uniform(0.9, 0.999)), "momentum": Space(m=uniform(0, 1)), "plain": None}),
        learning_rate=loguniform(1e-4, 1),
        fixed="constant",
    ),
}


def value(points):
    """A function to minimise that diverges in a corner."""
    values = ((points - 0.3) ** 2).sum(axis=1)
    return np.where(points[:, -1] > 0.9, np.nan, values)


def run(search, waves=99):
    """Run a search for some waves; return the points of each."""
    points = []
    while not search.done and len(points) < waves:
        points.append(search.ask())
        search.tell(points[-1], value(points[-1]))
    return points


def test_the_number_of_cores_changes_no_bit():
    def points_and_estimates(threads):
        search = CoarseToFine(default_space(), Budget(96, waves=3, seed=5))
        with threadpool_limits(threads):
            points = run(search)
            return [*points, search.estimates(), search.recommend()]

    for one, four in zip(points_and_estimates(1), points_and_estimates(4), strict=True):
        np.testing.assert_array_equal(one, four)


every_search = pytest.mark.parametrize("make", SEARCHES, ids=lambda make: make.__name__)
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@every_search
@every_space
def test_points_are_snapped_and_in_bounds(make, space):
    for points in run(make(space, Budget(24, waves=3))):
        assert points.shape == (8, space.dimension)
        np.testing.assert_array_equal(points, space.snap(points))  # which rejects points outside the cube


@every_search
@every_space
def test_no_config_repeats(make, space):
    points = np.concatenate(run(make(space, Budget(40, waves=4))))
    assert len({repr(config) for config in space.configs(points)}) == 40


@every_search
def test_a_sub_space_is_active_under_its_option_only(make):
    columns = {"adam": {"beta2"}, "momentum": {"m"}, "plain": set()}
    space = SPACES["conditional"]
    for config in space.configs(np.concatenate(run(make(space, Budget(40, waves=4))))):
        assert set(config) == {"optimizer", "learning_rate", "fixed"} | columns[config["optimizer"]]
        assert config["fixed"] == "constant"


@every_search
def test_a_small_space_is_used_up_before_a_config_repeats(make):
    space = Space(
        units=randint(1, 5), optimizer=choice({"adam": None, "momentum": Space(nesterov=choice([True, False]))})
    )
    waves = run(make(space, Budget(20, waves=[8, 7, 5])))
    assert len(np.unique(np.concatenate(waves[:2]), axis=0)) == 15  # 5 units x (adam, nesterov, not nesterov)
    assert len(waves[2]) == 5


@every_search
@every_space
def test_the_seed_decides_all_points(make, space):
    first, again, other = (run(make(space, Budget(24, waves=3, seed=seed))) for seed in (5, 5, 6))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(np.concatenate(first), np.concatenate(other))


@pytest.mark.parametrize("make", [*SEARCHES, partial(CoarseToFine, grow=True)])
@every_space
def test_a_resumed_search_continues_where_the_other_stopped(make, space):
    uninterrupted, resumed = (make(space, Budget(32, waves=4, seed=1)) for _ in range(2))
    for points in run(uninterrupted, waves=3):
        resumed.tell(points, value(points))  # without asking
    assert resumed.wave == uninterrupted.wave == 3
    assert resumed.square == uninterrupted.square
    assert resumed.space == uninterrupted.space
    np.testing.assert_array_equal(resumed.ask(), uninterrupted.ask())
    np.testing.assert_array_equal(resumed.recommend(), uninterrupted.recommend())


@every_search
def test_asking_again_returns_the_same_points(make):
    search = make(cube(3), Budget(24, waves=3))
    run(search, waves=1)
    np.testing.assert_array_equal(search.ask(), search.ask())


@every_search
def test_the_order_of_the_trials_does_not_matter(make):
    one, other = make(cube(3), Budget(24, waves=2)), make(cube(3), Budget(24, waves=2))
    points = one.ask()
    one.tell(points, value(points))
    order = np.random.default_rng(0).permutation(len(points))
    other.tell(points[order], value(points[order]))
    np.testing.assert_array_equal(one.ask(), other.ask())
    np.testing.assert_allclose(one.estimates()[order], other.estimates())


@every_search
def test_a_search_survives_failed_waves(make):
    search = make(cube(3), Budget(24, waves=3))
    for _ in range(2):
        points = search.ask()
        search.tell(points, np.full(8, np.nan))
    assert np.isnan(search.estimates()).all()
    with pytest.raises(InputError, match="must include a finite one, got none in 16"):
        search.recommend()
    points = search.ask()
    search.tell(points, np.where(np.arange(8) == 3, 1.0, np.inf))
    np.testing.assert_array_equal(search.recommend(), points[3])
    assert search.done


@every_search
def test_trials_that_the_search_did_not_propose(make):
    search = make(cube(3), Budget(24, waves=3))
    warm = np.random.default_rng(0).random((5, 3))
    search.tell(warm, value(warm), counted=False)
    assert len(search.ask()) == 8  # a warm start is not part of the budget,
    search.tell(warm[:3] / 2, value(warm[:3] / 2))
    assert len(search.ask()) == 5  # an enqueued trial is
    assert len(np.concatenate(run(search))) == 21


@every_search
def test_estimates_have_the_order_of_tell_and_decide_the_winner(make):
    search = make(cube(2), Budget(30, waves=3))
    points = np.concatenate(run(search))
    estimates = search.estimates()
    assert estimates.shape == (30,)
    assert np.isnan(estimates).tolist() == np.isnan(value(points)).tolist()
    np.testing.assert_array_equal(search.recommend(), points[np.nanargmin(estimates)])


@every_search
def test_one_point_at_a_time(make):
    search = make(cube(3), Budget(12, waves="continuous"))
    running = np.concatenate([search.ask(1) for _ in range(4)])
    points = [*running]
    while not search.done:
        search.tell(running[:1], value(running[:1]))
        running = running[1:]
        if len(points) < 12:
            running = np.concatenate([running, search.ask(1)])
            points.append(running[-1])
    assert len(np.unique(points, axis=0)) == 12


@every_search
def test_a_space_of_constants_has_one_config(make):
    search = make(Space(fixed=1), Budget(4, waves=2))
    while not search.done:
        points = search.ask()
        assert points.shape == (2, 0)
        search.tell(points, np.array([1.0, 2.0]))
    assert search.recommend().shape == (0,)


@every_search
def test_errors_say_what_is_wrong(make):
    search = make(cube(2), Budget(2, waves=1))
    with pytest.raises(InputError, match=r"values must have shape \(2,\)"):
        search.tell(np.zeros((2, 2)), np.zeros(3))
    with pytest.raises(InputError, match="n must be an integer >= 1, got 0"):
        search.ask(0)
    run(search)
    with pytest.raises(InputError, match="budget of 2 trials is used up"):
        search.ask()


@every_search
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_values_are_accepted(make, data):
    search = make(SPACES["conditional"], Budget(12, waves=2, seed=data.draw(st.integers(0, 9))))
    odd = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e300, -1e300, 1e-300]) | st.floats(-10, 10)
    while not search.done:
        points = search.ask()
        search.tell(points, np.array(data.draw(st.lists(odd, min_size=6, max_size=6))))
    assert search.estimates().shape == (12,)
