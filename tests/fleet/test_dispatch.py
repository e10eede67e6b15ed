"""The laws of handing out: every trial ends exactly once, whoever dies, and no worker idles."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.fleet.dispatch import LEASE_STACKS, MAX_LOSSES, Dispatcher
from caviar.fleet.messages import Done
from caviar.records.trial import Trial
from tests.fleet.simulation import SimulatedFleet


def trials(count):
    return [Trial(number, 1, {}, number) for number in range(count)]


def run(fleet, count, width=1):
    """Train `count` trials in stacks of `width`; returns their ends."""
    everything = trials(count)
    fleet.submit([tuple(everything[i : i + width]) for i in range(0, count, width)])
    ends = []
    while fleet.pending:
        ends += [event for event in fleet.poll() if isinstance(event, Done)]
    return ends


@settings(deadline=None, max_examples=50)
@given(
    workers=st.integers(1, 20),
    count=st.integers(1, 200),
    width=st.integers(1, 8),
    seconds=st.sampled_from([1e-4, 0.01, 1.0]),
    deaths=st.sampled_from([None, 2.0, 20.0]),
    seed=st.integers(0, 1000),
)
def test_every_trial_ends_exactly_once(workers, count, width, seconds, deaths, seed):
    fleet = SimulatedFleet(workers, lambda trial: seconds, deaths, seed=seed)
    ends = run(fleet, count, width)
    assert Counter(end.trial for end in ends) == Counter(range(count))
    if deaths is None:
        assert all(end.state == "finished" for end in ends)
        assert fleet.starts == count


def test_a_trial_that_kills_its_worker_is_given_up_and_no_other_is_charged():
    fleet = SimulatedFleet(4, lambda trial: 0.01, killers=[7, 50])
    ends = {end.trial: end for end in run(fleet, 100)}
    assert {n for n, end in ends.items() if end.state == "failed"} == {7, 50}
    assert f"lost {MAX_LOSSES} times" in ends[7].error


def test_short_trials_travel_together_and_long_ones_alone():
    dispatcher = Dispatcher()
    dispatcher.submit([(trial,) for trial in trials(1000)])
    first = dispatcher.next_lease("a", 2)
    assert len(first) == 1  # nothing is known yet
    assert dispatcher.next_lease("a", 2) is None
    dispatcher.receive([Done(0, "finished", "", 0.0001, "")])
    assert len(dispatcher.next_lease("b", 2)) == LEASE_STACKS
    assert dispatcher.next_lease("b", 2) is not None  # a second one waits there
    assert dispatcher.next_lease("b", 2) is None

    slow = Dispatcher()
    slow.submit([(trial,) for trial in trials(1000)])
    slow.next_lease("a", 2)
    slow.receive([Done(0, "finished", "", 2.0, "")])
    assert len(slow.next_lease("b", 2)) == 1
    assert slow.next_lease("b", 2) is None


def test_what_was_only_queued_on_a_lost_worker_is_not_suspect():
    dispatcher = Dispatcher()
    dispatcher.submit([(trial,) for trial in trials(200)])
    dispatcher.next_lease("a", 1)
    dispatcher.receive([Done(0, "finished", "", 0.02, "")])
    dispatcher.finished("a")
    running, waiting = dispatcher.next_lease("a", 1), dispatcher.next_lease("a", 1)
    assert len(running) > 1
    dispatcher.lost("a", "gone")
    alone = [dispatcher.next_lease(f"worker {i}", 1) for i in range(len(running))]
    assert alone == [(stack,) for stack in running]
    assert dispatcher.next_lease("next", 1)[0] in waiting


def test_a_loss_that_is_no_trials_doing_charges_nobody():
    dispatcher = Dispatcher()
    dispatcher.submit([tuple(trials(1))])
    for i in range(10):
        assert dispatcher.next_lease(i, 1) is not None
        assert dispatcher.lost(i, "the node was removed", charge=False) == []
    assert dispatcher.pending == 1


def test_events_of_a_trial_that_ended_before_do_not_count():
    dispatcher = Dispatcher()
    dispatcher.submit([tuple(trials(2))])
    end = Done(0, "finished", "", 1.0, "")
    assert dispatcher.receive([end, end]) == [end]
    assert dispatcher.receive([end]) == []
    assert dispatcher.pending == 1


@pytest.mark.parametrize("workers", [4, 64])
def test_workers_stay_busy(workers):
    draw = random.Random(0)
    durations = [draw.uniform(0.2, 2.0) for _ in range(50 * workers)]
    fleet = SimulatedFleet(workers, lambda trial: durations[trial.number])
    run(fleet, len(durations))
    assert fleet.busy / (workers * fleet.now) > 0.95
