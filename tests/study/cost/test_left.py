"""The time that is left, from what has trained so far."""

import numpy as np
import pytest

import caviar
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.events import TrialEnded
from caviar.records.trial import CurvePoint, Result, State
from caviar.study.cost.left import TimeLeft
from caviar.study.planner import Planner


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("caviar.study.cost.left.time.monotonic", lambda: self.now)


def seconds_of(config):
    return 10.0 * config["size"]


def end_all(record, planner, left, clock, count=None):
    """End the trials that run, one after the other, on one trainer, until `count` have ended."""
    for trial in planner.running_trials()[:count]:
        seconds = seconds_of(trial.config)
        clock.now += seconds
        left.report(trial.number, CurvePoint(1, seconds, {"loss": 0.0}), 1)
        metrics, config = {"loss": float(trial.number)}, trial.config
        result = Result(trial.number, trial.wave, State.FINISHED, config, metrics, 1, seconds, trial.seed, "host:1")
        record._apply([TrialEnded(result)])


@pytest.fixture
def study(tmp_path):
    space = caviar.Space(size=caviar.lograndint(1, 64), x=caviar.uniform(0, 1))
    settings = {"metric": "loss", "mode": "min", "trials": 32, "search": "random", "waves": 4}
    return caviar.Study(print, space=space, **settings, workers=0, isolation="none", out=tmp_path / "s")


def begin(study):
    planner = Planner(study.record.state)
    study.record._apply([planner.next_wave(32)])
    return planner


def test_nothing_is_known_before_the_first_report(study, monkeypatch):
    Clock(monkeypatch)
    begin(study)
    assert TimeLeft(study.record.state, FunctionTrainable(print)).span(1, 32) is None


def test_the_rest_follows_from_the_configs(study, monkeypatch):
    clock, planner = Clock(monkeypatch), begin(study)
    left = TimeLeft(study.record.state, FunctionTrainable(print))
    end_all(study.record, planner, left, clock)
    study.record._apply([planner.next_wave(32)])
    end_all(study.record, planner, left, clock, count=4)
    rest = sum(seconds_of(trial.config) for trial in planner.running_trials())
    span = left.span(1, 12 + 4)  # as if it were the last wave
    assert span.median == pytest.approx(rest, rel=0.1)
    assert span.low < rest < span.high


def test_later_waves_are_uncertain(study, monkeypatch):
    clock, planner = Clock(monkeypatch), begin(study)
    left = TimeLeft(study.record.state, FunctionTrainable(print))
    end_all(study.record, planner, left, clock)
    near, far = left.span(1, 16), None
    clock.now += 0.0
    left._next = 0.0
    far = left.span(1, 32)
    assert 2 < far.median / near.median < 4
    assert far.high / far.low > 1.2


def test_nothing_is_left_at_the_end(study, monkeypatch):
    clock, planner = Clock(monkeypatch), begin(study)
    left = TimeLeft(study.record.state, FunctionTrainable(print))
    end_all(study.record, planner, left, clock)
    assert left.span(1, 8) == (0.0, 0.0, 0.0)


def test_without_waves_trials_count_in_groups(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    space = caviar.Space(size=caviar.lograndint(1, 64))
    settings = {"space": space, "metric": "loss", "mode": "min", "trials": 24, "waves": "continuous"}
    study = caviar.Study(print, **settings, workers=0, isolation="none", out=tmp_path / "s")
    planner, left = Planner(study.record.state), TimeLeft(study.record.state, FunctionTrainable(print))
    for _ in range(12):
        study.record._apply([planner.next_wave(1)])
        end_all(study.record, planner, left, clock)
    span = left.span(1, 24)
    assert span.low < span.median < span.high < 4 * clock.now


def test_a_trial_that_has_reported_is_partly_done(study, monkeypatch):
    clock, planner = Clock(monkeypatch), begin(study)
    left = TimeLeft(study.record.state, FunctionTrainable(print))
    end_all(study.record, planner, left, clock, count=7)
    before = left.span(1, 8)
    (last,) = planner.running_trials()
    clock.now += 0.7 * seconds_of(last.config)
    left.report(last.number, CurvePoint(1, 0.7 * seconds_of(last.config), {"loss": 0.0}), 1)
    assert left.span(1, 8).median < 0.6 * before.median


def test_epochs_count_while_networks_train(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    study = caviar.Study("digits", trials=2, waves=1, epochs=10, workers=0, out=tmp_path / "s")
    begin(study)
    trainable = study.target.trainable(10, "val_accuracy", study.placement)
    left = TimeLeft(study.record.state, trainable)
    for epoch in (1, 2):
        clock.now += 2.0
        for number in (0, 1):
            left.report(number, CurvePoint(epoch, float(epoch), {"val_accuracy": 0.5}), 1)
    assert left.span(1, 2).median == pytest.approx(16.0, rel=0.3)  # the clock began with the first report


def left_after_an_epoch(study, clock, trials):
    """What is left after the first epoch of a wave of networks, each of which took a second of one trainer."""
    begin(study)
    left = TimeLeft(study.record.state, study.target.trainable(20, "val_accuracy", study.placement))
    for number in range(trials):
        clock.now += 1.0
        left.report(number, CurvePoint(1, 1.0, {"val_accuracy": 0.5}), 1)
    return left.span(1, trials).median


def test_early_stopping_ends_most_trials(tmp_path, monkeypatch):
    clock, options = Clock(monkeypatch), {"trials": 9, "waves": 1, "epochs": 20, "workers": 0, "keep": 1}
    spans = [
        left_after_an_epoch(
            caviar.Study("digits", early_stopping=stopping, out=tmp_path / str(stopping), **options), clock, 9
        )
        for stopping in (None, caviar.Halving(factor=3, predicted=False))
    ]
    assert np.divide(*spans) > 3


def test_a_winner_whose_network_was_not_kept_trains_again(tmp_path, monkeypatch):
    clock, options = Clock(monkeypatch), {"trials": 9, "waves": 1, "epochs": 20, "workers": 0}
    kept, again = (
        left_after_an_epoch(caviar.Study("digits", keep=keep, out=tmp_path / str(keep), **options), clock, 9)
        for keep in (1, None)
    )
    assert 5 < again - kept < 60  # about the 20 epochs of one of the nine


def test_the_last_trials_are_laid_out_on_the_trainers(study, monkeypatch):
    clock, planner = Clock(monkeypatch), begin(study)
    left = TimeLeft(study.record.state, FunctionTrainable(print))
    end_all(study.record, planner, left, clock, count=6)
    rest = [seconds_of(trial.config) for trial in planner.running_trials()]
    one, two = left.span(1, 8).median, None
    left._next = 0.0
    two = left.span(2, 8).median
    assert one == pytest.approx(sum(rest), rel=0.15)
    assert one / 2.5 < two < one


def test_choosing_the_next_configs_counts_as_long_as_it_took(study, monkeypatch):
    clock, planner = Clock(monkeypatch), begin(study)
    hasty, slow = (TimeLeft(study.record.state, FunctionTrainable(print)) for _ in range(2))
    for left in (hasty, slow):  # both see the first wave
        clock.now = 0.0
        for trial in planner.running_trials():
            clock.now += seconds_of(trial.config)
            left.report(trial.number, CurvePoint(1, seconds_of(trial.config), {"loss": 0.0}), 1)
    end_all(study.record, planner, hasty, clock)
    study.record._apply([planner.next_wave(32)])
    first, begun = planner.running_trials()[0], clock.now
    for left, pause in ((hasty, 0.0), (slow, 4000.0)):
        clock.now = begun + pause + seconds_of(first.config)
        left.report(first.number, CurvePoint(1, seconds_of(first.config), {"loss": 0.0}), 1)
    assert slow.span(1, 32).median - hasty.span(1, 32).median > 2000
