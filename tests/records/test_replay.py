"""Replay is a pure function of events: however they are cut, the state is the same."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.source import Source, SourceKind
from caviar.errors import StorageError
from caviar.records.early_stopping import Halving
from caviar.records.events import Enqueued, StudyBegan, StudyPaused, TrialEnded, WarmStarted, WaveBegan
from caviar.records.objective import Objective
from caviar.records.ranking import estimates, rank_trials, search_told
from caviar.records.replay import replay
from caviar.records.search_log import Expected, Observed
from caviar.records.settings import Settings
from caviar.records.trial import CurvePoint, Result, State
from caviar.search import Budget
from caviar.space import Space, uniform

SETTINGS = Settings(
    "tiny", Source(SourceKind.ARRAYS), Space(x=uniform(0, 1)), Objective("loss", "min"), Budget(6, (4, 2))
)
POINTS = np.array([[0.1], [0.9], [0.5], [0.3], [0.4], [0.2]])


def began(**changes):
    return StudyBegan(replace(SETTINGS, **changes), {})


def ended(trial, loss=0.5, state=State.FINISHED, wave=1, confirms=None):
    metrics = {"loss": loss}
    return TrialEnded(
        Result(trial, wave, state, {}, metrics, 1, 0.1, 0, "host:1", "", confirms, (CurvePoint(1, 0.1, metrics),))
    )


def observed(state):
    return [
        (entry.trials, [None if np.isnan(value) else value for value in entry.values.tolist()])
        for entry in state.search_log
        if isinstance(entry, Observed)
    ]


@given(order=st.permutations(range(4)))
def test_a_wave_is_observed_as_a_whole_in_the_order_of_its_trials(order):
    losses = [0.4, 0.3, 0.2, 0.1]
    events = [began(), WaveBegan(1, 0, POINTS[:4]), *(ended(trial, losses[trial]) for trial in order)]
    assert observed(replay(events[:-1])) == []
    state = replay(events)
    assert observed(state) == [((0, 1, 2, 3), losses)]
    assert state.best.trial == 3
    assert state.running == set()


def test_without_barriers_each_trial_is_observed_as_it_ends():
    events = [began(budget=Budget(6, "continuous")), WaveBegan(1, 0, POINTS[:3]), ended(2), ended(0)]
    state = replay(events)
    assert [type(entry) for entry in state.search_log] == [Expected, Observed, Observed]
    assert [trials for trials, _ in observed(state)] == [(2,), (0,)]
    assert state.running == {1}


def test_failed_trials_are_nan_and_stopped_ones_no_better_than_the_worst_survivor():
    ends = [ended(0, 0.4), ended(1, 0.1, State.STOPPED), ended(2, 0.2, State.FAILED), ended(3, 0.9, State.STOPPED)]
    state = replay([began(early_stopping=Halving()), WaveBegan(1, 0, POINTS[:4]), *ends])
    assert observed(state) == [((0, 1, 2, 3), [0.4, 0.4, None, 0.9])]
    assert [result.curve for result in state.open_wave] != [()] * 4
    assert all(result.curve == () for result in state.results.values())


def test_what_a_study_is_given_counts_as_it_should():
    events = [
        began(),
        Enqueued(({"x": 0.1}, {"x": 0.9}, {"x": 0.5})),
        WarmStarted(POINTS[:2], np.array([0.5, np.nan])),
        WaveBegan(1, 0, POINTS[:2], configs=({"x": 0.1}, {"x": 0.9})),
        StudyPaused("OSError"),
    ]
    state = replay(events)
    assert state.enqueued == [{"x": 0.5}]
    assert state.requested == 2
    assert state.pauses == ["OSError"]
    (warm,) = state.search_log
    assert not warm.counted
    assert warm.trials == (None, None)


def test_confirming_trials_are_not_observed():
    wave = WaveBegan(1, 0, POINTS[:4])
    confirming = WaveBegan(2, 4, POINTS[[1, 1]], configs=({}, {}), confirms=(1, 1))
    state = replay([began(), wave, *map(ended, range(4)), confirming, ended(4, wave=2, confirms=1)])
    assert len(observed(state)) == 1
    assert state.requested == 4
    assert state.confirms(5) == 1
    assert state.confirms(1) is None
    assert state.point_of(4).tolist() == [0.9]


@given(cut=st.integers(1, 8))
def test_a_state_that_is_continued_equals_the_one_that_was_not_interrupted(cut):
    events = [
        began(),
        WaveBegan(1, 0, POINTS[:4]),
        *map(ended, range(4)),
        WaveBegan(2, 4, POINTS[4:]),
        ended(5, wave=2),
    ]
    whole, continued = replay(events), replay(events[:cut])
    for event in events[cut:]:
        continued.apply(event)
    assert continued.results == whole.results
    assert continued.running == whole.running
    assert observed(continued) == observed(whole)


def test_a_journal_begins_once():
    with pytest.raises(StorageError, match="does not begin with a study"):
        replay([])
    with pytest.raises(StorageError, match="begins twice"):
        replay([began(), began()])


@pytest.mark.parametrize("trials", [(1, 1), (4,)])
def test_a_trial_that_is_not_running_does_not_end(trials):
    with pytest.raises(StorageError, match=f"ends trial {trials[-1]}, which is not running"):
        replay([began(), WaveBegan(1, 0, POINTS[:4]), *map(ended, trials)])


def test_trials_are_ranked_by_estimates_and_those_without_one_last():
    losses = [0.4, 0.1, 0.3, 0.2]
    events = [began(), WaveBegan(1, 0, POINTS[:4]), *(ended(n, loss) for n, loss in enumerate(losses))]
    state = replay([*events, WaveBegan(2, 4, POINTS[4:]), ended(4, 0.0, wave=2)])
    search = search_told(state.settings, state.search_log)
    by_trial = estimates(search, state.search_log)
    assert set(by_trial) == {0, 1, 2, 3}
    ranked = rank_trials(state.results.values(), by_trial, state.settings.objective)
    assert [result.trial for result in ranked] == [*sorted(by_trial, key=by_trial.get), 4]
