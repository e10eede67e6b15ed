"""What coarse to fine is for: it zooms in on what works, in any kind of space."""

import numpy as np

from caviar.search import Budget, CoarseToFine, Random
from caviar.search.square import edges, extended_bounds
from caviar.space import Space, choice, cube, loguniform, randint, uniform


def run(search, function, waves=99):
    """Run a search for some waves; return the points of each."""
    points = []
    while not search.done and len(points) < waves:
        points.append(search.ask())
        search.tell(points[-1], function(points[-1]))
    return points


def bowl(points):
    return ((points - 0.3) ** 2).sum(axis=1)


def test_it_beats_random_search_by_far():
    for seed in range(3):
        coarse_to_fine = CoarseToFine(cube(5), Budget(64, waves=4, seed=seed))
        random = Random(cube(5), Budget(64, seed=seed))
        run(coarse_to_fine, bowl), run(random, bowl)
        assert bowl(coarse_to_fine.recommend()[None])[0] < 0.25 * bowl(random.recommend()[None])[0]


def test_waves_improve_and_squares_shrink():
    search = CoarseToFine(cube(5), Budget(80, waves=4))
    shares, medians = [], []
    while not search.done:
        points = search.ask()
        search.tell(points, bowl(points))
        medians.append(np.median(bowl(points)))
        shares.append(search.square.share)
    assert medians == sorted(medians, reverse=True)
    assert shares[0] > shares[1] > shares[2] == shares[3]  # the last wave's square stays


def test_the_square_contains_the_optimum_and_has_a_reason():
    search = CoarseToFine(cube(2), Budget(80, waves=4))
    run(search, bowl, waves=3)
    assert all(low < 0.3 < high for low, high in zip(search.square.low, search.square.high, strict=True))
    assert "finished trials form the best cluster" in search.square.reason


def test_the_square_stays_wide_where_a_coordinate_does_not_matter():
    search = CoarseToFine(cube(3), Budget(60, waves=3))
    run(search, lambda points: (points[:, 0] - 0.5) ** 2, waves=1)
    shares = search.square.shares
    assert shares[0] < shares[1:].min()


def test_good_options_become_frequent_and_none_is_dropped():
    space = Space(kind=choice(["a", "b", "c", "d"]), x=uniform(0, 1))
    search = CoarseToFine(space, Budget(80, waves=4))

    def function(points):
        return np.where(np.floor(points[:, 0] * 4) == 2, 0.0, 1.0) + (points[:, 1] - 0.6) ** 2

    waves = run(search, function)
    kinds = [config["kind"] for config in space.configs(np.concatenate(waves[1:]))]
    assert kinds.count("c") > 30
    weights = search.square.weights[0]
    assert min(weights) > 0
    assert np.argmax(weights) == 2


def test_integers_are_reached_at_both_ends():
    space = Space(units=randint(1, 50), x=uniform(0, 1))
    for best in (1, 50):
        search = CoarseToFine(space, Budget(60, waves=4))
        run(search, lambda points, best=best: abs(np.floor(points[:, 0] * 50) + 1 - best) + points[:, 1])
        assert space.configs(search.recommend()[None])[0]["units"] == best


def test_a_sub_space_is_searched_under_its_option():
    space = Space(optimizer=choice({"adam": Space(beta=uniform(0, 1)), "plain": None}), rate=loguniform(1e-4, 1))
    search = CoarseToFine(space, Budget(80, waves=4))

    def function(points):
        adam = space.active(points)[:, 1]
        return np.where(adam, (points[:, 1] - 0.8) ** 2, 0.5) + (points[:, 2] - 0.4) ** 2

    run(search, function)
    config = space.configs(search.recommend()[None])[0]
    assert config["optimizer"] == "adam"
    assert abs(config["beta"] - 0.8) < 0.05


def test_the_search_avoids_where_trials_diverge():
    search = CoarseToFine(cube(2), Budget(60, waves=3))

    def function(points):
        return np.where(points[:, 0] > 0.5, np.nan, -points[:, 0])  # ever better up to the cliff

    waves = run(search, function)
    assert np.isnan(function(waves[0])).mean() > 0.4
    assert np.isnan(function(waves[-1])).mean() < 0.3
    assert 0.4 < search.recommend()[0] <= 0.5


def test_values_that_explode_hide_no_optimum():
    def exploding(points):
        beyond = points.sum(axis=1) - 1.2
        return bowl(points) + np.where(beyond > 0, 10 ** np.minimum(60 * beyond, 30), 0)

    for seed in range(3):
        search = CoarseToFine(cube(3), Budget(64, waves=8, seed=seed))
        run(search, exploding)
        assert bowl(search.recommend()[None])[0] < 1e-3


def test_the_winner_is_not_the_luckiest_trial():
    losses = []
    for seed in range(20):
        search = CoarseToFine(cube(2), Budget(80, waves=[60, 20], seed=seed))
        points, generator = search.ask(), np.random.default_rng(seed)
        values = bowl(points) + 0.3 * generator.standard_normal(len(points))
        search.tell(points, values)
        losses.append([bowl(search.recommend()[None])[0], bowl(points[np.argmin(values)][None])[0]])
    winner, luckiest = np.mean(losses, axis=0)
    assert winner < 0.8 * luckiest


def run_beyond_the_bound(grow):
    """Search a rate up to 0.1 whose best value is 1; return the search and the largest rate of each wave."""
    space = Space(rate=loguniform(1e-4, 1e-1), x=uniform(0, 1))
    search, largest = CoarseToFine(space, Budget(60, waves=3), grow=grow), []
    while not search.done:
        points = search.ask()
        rates = np.array([config["rate"] for config in search.space.configs(points)])
        largest.append(rates.max())
        search.tell(points, np.log10(rates) ** 2)
    return space, search, largest


def test_a_growing_search_extends_the_bounds_of_its_space():
    space, search, largest = run_beyond_the_bound(grow=True)
    assert "rate: upper bound extended from 0.1 to " in extended_bounds(space, search.space)[0]
    assert largest[-1] > 0.3
    assert search.space.configs(search.recommend()[None])[0]["rate"] > 0.3


def test_without_growth_a_sentence_names_the_bound():
    space, search, _ = run_beyond_the_bound(grow=False)
    assert edges(search.square, space) == ["rate: the best values lie at the upper bound 0.1; consider widening it"]
    assert search.space == space


def run_continuously(search, workers, trials):
    """Run trials that end in the order they began, one per worker at a time; return the points in that order."""
    points = [search.ask(1) for _ in range(workers)]
    for finished in range(trials):
        search.tell(points[finished], bowl(points[finished]))
        if len(points) < trials:
            points.append(search.ask(1))
    return np.concatenate(points)


def test_a_continuous_search_zooms_in_as_results_come():
    for workers in (1, 8):
        search = CoarseToFine(cube(5), Budget(80, waves="continuous"))
        points = run_continuously(search, workers, 80)
        assert len(np.unique(points, axis=0)) == 80
        assert np.median(bowl(points[25:45])) < 0.2 * np.median(bowl(points[:20]))
        assert search.square.share < 0.1


def test_a_continuous_search_resumes_with_the_same_point():
    points = run_continuously(CoarseToFine(cube(3), Budget(40, waves="continuous", seed=3)), 1, 40)
    resumed = CoarseToFine(cube(3), Budget(40, waves="continuous", seed=3))
    for point in points[:33]:
        resumed.tell(point[None], bowl(point[None]))
    np.testing.assert_array_equal(resumed.ask(1)[0], points[33])


def test_pending_points_are_not_proposed_again():
    space = Space(units=randint(1, 6))
    search = CoarseToFine(space, Budget(6, waves="continuous"))
    pending = space.snap(np.array([[0.1], [0.5], [0.9]]))
    search.expect(pending)
    search.expect(pending[:1])  # already pending
    points = np.concatenate([search.ask(1) for _ in range(3)])
    assert len(np.unique(np.concatenate([pending, points]))) == 6


def test_many_trials_are_searched_well():
    points = np.random.default_rng(0).random((3000, 3))
    search = CoarseToFine(cube(3), Budget(3050, waves=[3000, 50]))
    search.tell(points, bowl(points))
    assert np.median(bowl(search.ask())) < 0.1 * np.median(bowl(points))
