"""What a wave has trained, by what its trials have reported."""

import numpy as np
import pytest

import caviar
from caviar.records.trial import CurvePoint
from caviar.study.cost.trained import Part, TrainedWave
from caviar.study.planner import Planner


@pytest.fixture
def begun(tmp_path):
    """A study of four networks in a wave, which one stack trains."""
    halving = caviar.Halving(factor=3)
    study = caviar.Study("digits", trials=4, waves=1, epochs=9, early_stopping=halving, workers=0, out=tmp_path / "s")
    planner = Planner(study.record.state)
    study.record._apply([planner.next_wave(4)])
    return study.record.state, TrainedWave([tuple(planner.running_trials())], confirms=False)


def report(wave, numbers, epochs, share):
    for epoch in epochs:
        for number in numbers:
            wave.report(number, CurvePoint(epoch, wave.seconds(number) + share, {}), now=10.0)


def test_members_share_the_seconds_of_their_stack(begun):
    state, wave = begun
    report(wave, range(4), [1], 0.5)
    assert wave.began == 8.0
    assert wave.busy_seconds(1) == wave.seconds_passed == 2.0
    assert list(wave.measured(state, by_epoch=True)) == [(Part(0, 4, 1), 2.0)]


def test_the_first_epoch_also_starts_the_stack(begun):
    state, wave = begun
    report(wave, range(4), [1], 0.5)
    report(wave, range(4), [2, 3], 0.25)
    assert list(wave.measured(state, by_epoch=True)) == [(Part(0, 4, 2), 1.0)]


def test_fewer_members_train_for_less_but_not_in_proportion(begun):
    state, wave = begun
    report(wave, range(4), [1, 2, 3], 0.25)
    report(wave, [1, 2], [4, 5], 0.4)
    assert dict(wave.measured(state, by_epoch=True)) == pytest.approx({Part(0, 4, 2): 1.0, Part(0, 2, 2): 0.8})


def test_reports_that_are_on_their_way_are_waited_for(begun):
    state, wave = begun
    report(wave, range(4), [1, 2, 3], 0.25)
    report(wave, [0], [4], 0.25)
    assert list(wave.measured(state, by_epoch=True)) == [(Part(0, 4, 2), 1.0)]


def test_early_stopping_leaves_fewer_at_each_rung(begun):
    state, wave = begun
    report(wave, range(4), [1, 2], 0.25)
    (parts,) = wave.left(state, True, np.random.default_rng(0))
    assert [(part.width, part.units) for part in parts] == [(4, 1), (2, 6)]


def test_trials_that_are_spared_train_to_their_ends(tmp_path):
    settings = {"trials": 16, "waves": 1, "epochs": 9, "early_stopping": "halving", "workers": 0, "out": tmp_path / "s"}
    state = caviar.Study("digits", **settings).record.state
    state.apply(Planner(state).next_wave(16))
    wave = TrainedWave([(trial,) for trial in Planner(state).running_trials()], confirms=False)
    parts = wave.left(state, True, np.random.default_rng(0))
    epochs = [sum(part.units for part in of_trial) for of_trial in parts]
    assert epochs[:2] == [9, 9]  # an eighth of them
    assert sorted(epochs[2:]) == [2] * 7 + [4] * 3 + [9] * 4


def test_a_trial_that_begins_again_forgets_what_it_did(begun):
    _, wave = begun
    report(wave, [0], [1, 2, 3], 1.0)
    wave.report(0, CurvePoint(1, 1.5, {}), now=11.0)
    assert (wave.epoch(0), wave.seconds(0)) == (1, 1.5)
