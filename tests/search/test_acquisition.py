"""The points of a wave by expected improvement."""

import numpy as np
from scipy.optimize import check_grad

from caviar.search.acquisition import Outlook, Trials, candidates, choose_wave
from caviar.search.gaussian_process import GaussianProcess
from caviar.space import Space, choice, cube, uniform

REAL = np.zeros(2, dtype=bool)


def bowl():
    """A process of 30 trials of a bowl, and the generator that drew them."""
    generator = np.random.default_rng(0)
    points = generator.random((30, 2))
    return GaussianProcess.fit(points, ((points - 0.5) ** 2).sum(axis=1), REAL), generator


def wave(process, pool, count, pending=()):
    pending = np.array(pending).reshape(-1, pool.shape[1])
    return choose_wave(cube(pool.shape[1]), process, pending, pool, count, np.random.default_rng(1))


def test_a_wave_exploits_first_and_explores_later():
    process, generator = bowl()
    batch = wave(process, generator.random((500, 2)), 20)
    assert len(np.unique(batch, axis=0)) == 20
    distances = np.linalg.norm(batch - 0.5, axis=1)
    assert distances[0] < 0.05
    assert distances[10:].mean() > distances[:5].mean()


def outlook(process, pool, pending=()):
    pending = np.array(pending).reshape(-1, pool.shape[1])
    return Outlook(Trials.of(process, pending), pool, len(pool), np.random.default_rng(1))


def test_a_point_is_better_than_every_candidate():
    process, generator = bowl()
    pool = generator.random((50, 2))
    (point,) = wave(process, pool, 1)
    look = outlook(process, pool)
    assert look.improvement(point[None])[0][0] > look.improvement(pool)[0].max()


def test_the_gradient_of_the_improvement_is_right():
    process, generator = bowl()
    look = outlook(process, generator.random((5, 2)))
    look.add(np.array([0.3, 0.4]))
    for point in generator.random((5, 2)):
        value, gradient = (lambda x, i=i: look.improvement(x[None])[i][0] for i in (0, 1))
        assert check_grad(value, gradient, point, epsilon=1e-7) < 1e-3 * max(1, np.abs(gradient(point)).max())


def test_the_best_candidates_follow_what_was_added():
    process, generator = bowl()
    pool = generator.random((20, 2))
    look = outlook(process, pool)
    for point in (*generator.random((3, 2)), pool[4]):
        look.add(point)
    order = np.argsort(-look.improvement(pool)[0])
    np.testing.assert_array_equal(look.best_candidates(5), pool[order[order != 4]][:5])


def test_a_large_wave_spreads_too():
    process, generator = bowl()
    pool = generator.random((1000, 2))
    batch = wave(process, pool, 301)
    assert len(np.unique(batch, axis=0)) == 301
    assert process.mean(batch).mean() < process.mean(pool).mean()


def test_a_wave_has_no_more_points_than_the_pool():
    process, generator = bowl()
    assert wave(process, generator.random((3, 2)), 5).shape == (3, 2)


def test_a_pending_trial_makes_its_neighbours_less_attractive():
    points = np.array([[0.0], [1.0], [0.5]])
    process = GaussianProcess.fit(points, np.array([1.0, 1.0, 1.1]), REAL[:1])
    pool = np.array([[0.25], [0.26], [0.76]])
    alone, beside = outlook(process, pool), outlook(process, pool, [[0.25]])
    assert beside.best_candidates(1)[0, 0] == 0.76
    assert (beside.improvement(pool)[0] < alone.improvement(pool)[0])[1]


def test_candidates_are_near_the_best_and_everywhere():
    process, generator = bowl()
    space = Space(x=uniform(0, 1), y=uniform(0, 1))
    points = candidates(space, process, 400, generator)
    best = process.points[np.argsort(process.mean(process.points))[:10]]
    distances = np.linalg.norm(points[:, None] - best, axis=2).min(axis=1)
    assert np.median(distances[:200]) < 0.1
    assert (np.bincount((points[200:, 0] * 4).astype(int)) > 40).all()


def test_options_are_tried_though_they_have_no_gradient():
    space = Space(kind=choice(["a", "b"]), x=uniform(0, 1))
    points = space.snap(np.random.default_rng(0).random((30, 2)))
    values = (points[:, 1] - 0.4) ** 2 + (points[:, 0] < 0.5)
    process = GaussianProcess.fit(points, values, space.categorical)
    pool = space.snap(np.random.default_rng(2).random((100, 2)))
    batch = choose_wave(space, process, points[:0], pool, 8, np.random.default_rng(1))
    np.testing.assert_array_equal(batch, space.snap(batch))
    assert np.mean(batch[:, 0] > 0.5) > 0.7
