"""One wave's events into results, with simulated trainers."""

import itertools
import time
from types import SimpleNamespace

from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.trial import State, Trial
from caviar.study.wave import Deadline, run_wave
from tests.fleet.simulation import SimulatedTrainers


def train(config):
    yield {"loss": config["x"]}
    yield {"loss": config["x"] / 2}


def run(count, deadline=None, **options):
    trainers = SimulatedTrainers(FunctionTrainable(train), "loss", **options)
    results = []
    stacks = [(Trial(number, 1, {"x": number}, number),) for number in range(count)]
    run_wave(trainers, stacks, results.extend, deadline)
    return trainers, results


def test_every_trial_becomes_one_result_whichever_trainer_dies():
    _, results = run(1000, workers=50, loss_seconds=0.5)
    assert sorted(result.trial for result in results) == list(range(1000))
    finished = [result for result in results if result.state is State.FINISHED]
    assert len(finished) > 500
    assert all(result.metrics == {"loss": result.trial / 2} for result in finished)


def test_a_trial_that_runs_again_keeps_only_its_last_curve():
    trainers, results = run(60, workers=3, loss_seconds=2.0, seed=1)
    assert trainers.starts > 60
    assert {result.epochs for result in results if result.state is State.FINISHED} == {2}


def test_no_trial_ends_before_it_began_though_the_clock_is_set_back(monkeypatch):
    clock = itertools.count(2e9, -3600)
    monkeypatch.setattr("caviar.study.wave.time", SimpleNamespace(time=lambda: next(clock), monotonic=time.monotonic))
    _, results = run(20, workers=3)
    assert all(result.ended >= result.began for result in results)


def test_a_wave_without_trials_ends():
    assert run(0)[1] == []


def test_when_the_deadline_passes_running_trials_time_out_and_others_do_not_begin():
    deadline = Deadline(0.01)
    time.sleep(0.02)
    _, results = run(60, deadline, workers=3)
    assert deadline.passed
    assert 0 < len(results) <= 6
    assert {result.state for result in results} == {State.TIMED_OUT}
    assert {result.error for result in results} == {"the study exceeded its timeout of 0.01 s"}


def test_a_deadline():
    assert not Deadline(None).passed
    assert not Deadline(1000.0).passed
