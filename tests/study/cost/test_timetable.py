"""Where picks may go, what trains in each wave, and how long that takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.replay import StudyState
from caviar.study.cost.launch import Launch
from caviar.study.cost.picks import imitate
from caviar.study.cost.timetable import makespan
from caviar.study.planner import Planner


def launch_of(tmp_path, **settings):
    space = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1))
    study = caviar.Study(print, space=space, metric="loss", mode="min", workers=0, out=tmp_path / "s", **settings)
    return study, Launch.of(study.record.state, FunctionTrainable(print))


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.integers(1, 8))
def test_a_makespan_lies_between_its_bounds(seconds, workers):
    bound = max(max(seconds), sum(seconds) / workers)
    assert bound * (1 - 1e-9) <= makespan(seconds, workers) <= sum(seconds) / workers + max(seconds)


def test_the_first_wave_is_the_planned_one_with_the_users_configs_in_front(tmp_path):
    study, _ = launch_of(tmp_path, trials=32)
    study.enqueue({"x": 0.25, "y": 0.75})
    launch = Launch.of(study.record.state, FunctionTrainable(print))
    wave = Planner(study.record.state).next_wave(32)
    assert launch.points[: launch.first] == pytest.approx(wave.points)
    assert launch.configs[0] == {"x": 0.25, "y": 0.75}
    assert isinstance(study.record.state, StudyState)
    assert not study.record.state.waves


@pytest.mark.parametrize("settings", [{}, {"early_stopping": "halving", "epochs": 20}, {"waves": "continuous"}])
def test_every_trial_trains_as_often_as_it_should(tmp_path, settings):
    _, launch = launch_of(tmp_path, trials=48, confirm=(2, 3), **settings)
    (table,) = launch.studies(np.zeros(len(launch.points)), 2, 1, np.random.default_rng(0))
    assert sum(len(wave[0]) for wave in table.waves) == 48
    assert len(table.confirm) == 2 * 3
    assert all(job.epochs == launch.settings.epochs for job in table.confirm)
    assert sum(sum(job.epochs for job in wave[-1]) > 0 for wave in table.waves) == len(table.waves)
    if "early_stopping" in settings:
        assert [len(phase) for phase in table.waves[0]] == [8, 7, 7, 7]  # one in eight of 48 trials is not stopped
        assert [len(phase) for phase in table.waves[1]] == [8, 4, 2, 1]  # one in two survives a rung


def test_later_picks_are_better_and_cost_more():
    generator = np.random.default_rng(0)
    points = generator.random((1000, 2))
    logs = points[:, 0]
    cost, loss = [], []
    for _ in range(200):
        picks = imitate(points, logs, 8, (8, 8, 8, 8), True, generator)
        cost.append([logs[wave].mean() for wave in picks.waves])
        loss.append([picks.losses[wave].mean() for wave in picks.waves])
    assert (np.diff(np.mean(loss, axis=0)) < 0).all()
    assert np.mean(cost, axis=0)[3] > logs.mean() + 0.02


def test_a_search_that_does_not_zoom_picks_at_random():
    generator = np.random.default_rng(0)
    points = generator.random((1000, 2))
    means = [imitate(points, points[:, 0], 8, (8, 400), False, generator) for _ in range(20)]
    assert np.mean([p.losses[p.waves[1]].mean() - p.losses.mean() for p in means]) == pytest.approx(0, abs=0.05)
