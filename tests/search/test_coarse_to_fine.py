"""What coarse to fine is for: it zooms in, on what works, in any kind of space."""

import numpy as np
import pytest

from caviar.search import CoarseToFine, Random, edges
from caviar.space import Space, choice, cube, loguniform, randint, uniform


def run(search, function, waves=99):
    asked = []
    while not search.done and len(asked) < waves:
        asked.append(search.ask())
        search.tell(asked[-1], function(asked[-1]))
    return asked


def bowl(points):
    return ((points - 0.3) ** 2).sum(axis=1)


def test_it_beats_random_search_by_far():
    for seed in range(3):
        ours, random = CoarseToFine(5, trials=64, waves=4, seed=seed), Random(5, 64, seed=seed)
        run(ours, bowl), run(random, bowl)
        assert bowl(ours.recommend()[None])[0] < 0.25 * bowl(random.recommend()[None])[0]


def test_waves_come_closer_and_squares_shrink():
    search = CoarseToFine(5, trials=80, waves=4)
    shares = []
    medians = []
    while not search.done:
        points = search.ask()
        search.tell(points, bowl(points))
        medians.append(np.median(bowl(points)))
        shares.append(search.square.share)
    assert medians == sorted(medians, reverse=True)
    assert shares[0] > shares[1] > shares[2] == shares[3]  # the last wave's square stays


def test_the_square_lies_around_the_best_and_says_why():
    search = CoarseToFine(2, trials=80, waves=4)
    run(search, bowl, waves=3)
    assert all(low < 0.3 < high for low, high in zip(search.square.low, search.square.high, strict=True))
    assert "finished trials form the best cluster" in search.square.reason


def test_the_square_stays_wide_where_a_coordinate_does_not_matter():
    search = CoarseToFine(3, trials=60, waves=3)
    run(search, lambda points: (points[:, 0] - 0.5) ** 2, waves=1)
    shares = search.square.shares
    assert shares[0] < shares[1:].min()


def test_options_that_work_come_more_often_but_none_is_given_up():
    space = Space(kind=choice(["a", "b", "c", "d"]), x=uniform(0, 1))
    search = CoarseToFine(space, trials=80, waves=4)

    def function(points):
        return np.where(np.floor(points[:, 0] * 4) == 2, 0.0, 1.0) + (points[:, 1] - 0.6) ** 2

    waves = run(search, function)
    kinds = [config["kind"] for config in space.configs(np.concatenate(waves[1:]))]
    assert kinds.count("c") > 30
    weights = search.square.weights[0]
    assert min(weights) > 0
    assert np.argmax(weights) == 2


def test_whole_numbers_are_reached_at_both_ends():
    space = Space(units=randint(1, 50), x=uniform(0, 1))
    for best in (1, 50):
        search = CoarseToFine(space, trials=60, waves=4)
        run(search, lambda points, best=best: abs(np.floor(points[:, 0] * 50) + 1 - best) + points[:, 1])
        assert space.configs(search.recommend()[None])[0]["units"] == best


def test_a_sub_space_is_searched_under_its_option():
    space = Space(optimizer=choice({"adam": Space(beta=uniform(0, 1)), "plain": None}), rate=loguniform(1e-4, 1))
    search = CoarseToFine(space, trials=80, waves=4)

    def function(points):
        adam = space.active(points)[:, 1]
        return np.where(adam, (points[:, 1] - 0.8) ** 2, 0.5) + (points[:, 2] - 0.4) ** 2

    run(search, function)
    config = space.configs(search.recommend()[None])[0]
    assert config["optimizer"] == "adam"
    assert abs(config["beta"] - 0.8) < 0.05


def test_diverged_trials_push_away():
    search = CoarseToFine(2, trials=60, waves=3)

    def function(points):
        return np.where(points[:, 0] > 0.5, np.nan, -points[:, 0])  # better and better up to the cliff

    waves = run(search, function)
    assert np.isnan(function(waves[0])).mean() > 0.4
    assert np.isnan(function(waves[-1])).mean() < 0.3
    assert 0.4 < search.recommend()[0] <= 0.5


def test_a_winner_is_not_named_for_luck():
    losses = []
    for seed in range(20):
        search = CoarseToFine(2, trials=80, waves=[60, 20], seed=seed)
        points, generator = search.ask(), np.random.default_rng(seed)
        values = bowl(points) + 0.3 * generator.standard_normal(len(points))
        search.tell(points, values)
        losses.append([bowl(search.recommend()[None])[0], bowl(points[np.argmin(values)][None])[0]])
    ours, lucky = np.mean(losses, axis=0)
    assert ours < 0.8 * lucky


def test_the_edge_alarm_and_growth():
    space = Space(rate=loguniform(1e-4, 1e-1), x=uniform(0, 1))
    space.grow = True
    search = CoarseToFine(space, trials=60, waves=3)
    seen = []

    def function(rates):
        return (np.log10(rates) - 0.0) ** 2  # the best rate is 1, beyond the bound

    while not search.done:
        points = search.ask()
        configs = search.space.configs(points)
        seen.append(max(config["rate"] for config in configs))
        search.tell(points, function(np.array([config["rate"] for config in configs])))
    assert search.space.hyperparameters["rate"].high > 1e-1
    assert seen[-1] > 0.3
    assert search.space.configs(search.recommend()[None])[0]["rate"] > 0.3


def test_without_growth_the_alarm_is_a_sentence():
    space = Space(rate=loguniform(1e-4, 1), x=uniform(0, 1))
    search = CoarseToFine(space, trials=60, waves=3)
    run(search, lambda points: -points[:, 0] + (points[:, 1] - 0.5) ** 2)
    assert edges(search.square, space) == ["the best values of rate lie at the upper bound 1: widen it"]
    assert search.space == space


@pytest.mark.parametrize("group", [2, 4])
def test_groups_share_coordinates(group):
    search = CoarseToFine(cube(4), trials=48, waves=3, shared=[1, 3], group=group)
    for points in run(search, bowl):
        grouped = points.reshape(-1, group, 4)
        assert (grouped[:, :, [1, 3]] == grouped[:, :1, [1, 3]]).all()
        assert len(np.unique(points, axis=0)) == 16


def test_groups_stay_whole_where_configs_run_out():
    space = Space(layers=randint(1, 2), units=randint(1, 6), kind=choice(["a", "b"]))
    search = CoarseToFine(space, trials=24, waves=[8, 8, 8], shared=[1], group=2)
    waves = run(search, bowl)
    assert len(np.unique(np.concatenate(waves), axis=0)) == 24
    shares = [(points[::2, 1] == points[1::2, 1]).mean() for points in waves[:2]]
    assert min(shares) > 0.7


def continuous_run(search, running, trials):
    """Trials that end in the order they began, so many at a time; the points in that order."""
    asked = [search.ask(1) for _ in range(running)]
    for told in range(trials):
        search.tell(asked[told], bowl(asked[told]))
        if len(asked) < trials:
            asked.append(search.ask(1))
    return np.concatenate(asked)


def test_without_waves_it_zooms_in_as_results_come():
    for running in (1, 8):
        search = CoarseToFine(5, trials=80, waves="continuous")
        points = continuous_run(search, running, 80)
        assert len(np.unique(points, axis=0)) == 80
        assert np.median(bowl(points[-20:])) < 0.2 * np.median(bowl(points[:20]))
        assert search.square.share < 0.1


def test_one_worker_without_waves_gets_the_same_points_again_though_it_was_interrupted():
    points = continuous_run(CoarseToFine(3, trials=40, waves="continuous", seed=3), 1, 40)
    resumed = CoarseToFine(3, trials=40, waves="continuous", seed=3)
    for point in points[:33]:
        resumed.tell(point[None], bowl(point[None]))
    np.testing.assert_array_equal(resumed.ask(1)[0], points[33])


def test_many_trials_are_summed_up_by_few():
    from caviar.search.gaussian_process import KEPT

    points = np.random.default_rng(0).random((5000, 3))
    search = CoarseToFine(3, trials=5100, waves=[5000, 100])
    search.tell(points, bowl(points))
    assert len(search._fitted().points) == KEPT
    assert np.median(bowl(search.ask())) < 0.1 * np.median(bowl(points))
