"""The laws of dispatching: every trial ends exactly once, whichever trainers are lost, and no trainer idles."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.fleet.dispatch import Blame, Dispatcher
from caviar.fleet.messages import Done
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.trial import State, Trial
from tests.fleet.simulation import SimulatedTrainers


def trials(count):
    return [Trial(number, 1, {}, number) for number in range(count)]


def simulated(workers, **settings):
    return SimulatedTrainers(FunctionTrainable(max), "score", workers, trains=False, **settings)


def train(trainers, count, width=1):
    """Train `count` trials in stacks of `width` and return their ends."""
    numbered = trials(count)
    trainers.submit([tuple(numbered[i : i + width]) for i in range(0, count, width)])
    ends = []
    while trainers.pending:
        ends += [event for event in trainers.poll() if isinstance(event, Done)]
    return ends


def finished(trial, seconds):
    return Done(trial, State.FINISHED, "", seconds, "")


@settings(deadline=None, max_examples=50)
@given(
    workers=st.integers(1, 20),
    count=st.integers(1, 200),
    width=st.integers(1, 8),
    seconds=st.sampled_from([1e-4, 0.01, 1.0]),
    loss_seconds=st.sampled_from([None, 2.0, 20.0]),
    seed=st.integers(0, 1000),
)
def test_every_trial_ends_exactly_once(workers, count, width, seconds, loss_seconds, seed):
    trainers = simulated(workers, seed=seed, duration=lambda trial: seconds, loss_seconds=loss_seconds)
    ends = train(trainers, count, width)
    assert Counter(end.trial for end in ends) == Counter(range(count))
    if loss_seconds is None:
        assert all(end.state is State.FINISHED for end in ends)
        assert trainers.starts == count


def test_a_trial_that_kills_its_trainer_fails_and_no_other_is_blamed():
    trainers = simulated(4, duration=lambda trial: 0.01, losses={7: math.inf, 50: math.inf})
    ends = {end.trial: end for end in train(trainers, 100)}
    assert {number for number, end in ends.items() if end.state is State.FAILED} == {7, 50}
    assert f"lost {PoolSettings().max_losses} times" in ends[7].error


def test_a_trial_that_loses_its_trainer_less_often_runs_again_and_finishes():
    ends = {end.trial: end for end in train(simulated(2, losses={3: 2}), 10)}
    assert ends[3].state is State.FINISHED


def test_short_trials_share_a_lease_and_long_ones_do_not():
    dispatcher = Dispatcher()
    dispatcher.submit([(trial,) for trial in trials(1000)])
    first = dispatcher.next_lease("a", 2)
    assert len(first) == 1  # no duration is known yet
    assert dispatcher.next_lease("a", 2) is None
    dispatcher.receive([finished(0, 0.0001)])
    assert len(dispatcher.next_lease("b", 2)) == PoolSettings().lease_stacks
    assert dispatcher.next_lease("b", 2) is not None  # prefetched
    assert dispatcher.next_lease("b", 2) is None

    slow = Dispatcher()
    slow.submit([(trial,) for trial in trials(1000)])
    slow.next_lease("a", 2)
    slow.receive([finished(0, 2.0)])
    assert len(slow.next_lease("b", 2)) == 1
    assert slow.next_lease("b", 2) is None


def test_of_few_stacks_none_waits_behind_another():
    dispatcher = Dispatcher()
    dispatcher.submit([(trial,) for trial in trials(7)])
    dispatcher.next_lease("a", 2)
    dispatcher.receive([finished(0, 0.1)])
    dispatcher.finish_lease("a")
    assert dispatcher.next_lease("a", 2) is not None
    assert dispatcher.next_lease("a", 2) is None
    assert [dispatcher.next_lease("b", 2) is None for _ in range(2)] == [False, True]


def test_trials_that_were_only_queued_at_a_lost_trainer_are_not_quarantined():
    dispatcher = Dispatcher()
    dispatcher.submit([(trial,) for trial in trials(200)])
    dispatcher.next_lease("a", 1)
    dispatcher.receive([finished(0, 0.02)])
    dispatcher.finish_lease("a")
    running, queued = dispatcher.next_lease("a", 1), dispatcher.next_lease("a", 1)
    assert len(running) > 1
    dispatcher.lose("a", "its process died")
    alone = [dispatcher.next_lease(f"worker {i}", 1) for i in range(len(running))]
    assert alone == [(stack,) for stack in running]
    assert dispatcher.next_lease("next", 1)[0] in queued


def lose_for_memory(dispatcher, *workers):
    return [dispatcher.lose(worker, "it was killed for lack of memory", Blame.SHARED) for worker in workers]


def test_no_other_suspect_runs_beside_the_last_attempt_of_a_trial_that_shares_the_blame():
    dispatcher = Dispatcher()
    greedy, neighbour, other = trials(3)
    dispatcher.submit([(greedy,), (neighbour,), (other,)])
    for _ in range(PoolSettings().max_losses - 1):  # the memory that one takes ends the trainers of both
        assert [dispatcher.next_lease(worker, 2) for worker in "ab"] == [((greedy,),), ((neighbour,),)]
        assert lose_for_memory(dispatcher, "a", "b") == [[], []]
    assert dispatcher.next_lease("a", 2) == ((greedy,),)
    assert dispatcher.next_lease("b", 2) == ((other,),)  # of which nothing is known
    assert dispatcher.next_lease("c", 2) is None
    (failure,) = dispatcher.lose("a", "it was killed for lack of memory")
    assert (failure.trial, failure.state) == (greedy.number, State.FAILED)
    assert dispatcher.next_lease("c", 2) == ((neighbour,),)


def test_a_trial_that_always_shares_the_blame_fails_after_twice_as_many_losses():
    dispatcher = Dispatcher()
    dispatcher.submit([tuple(trials(1))])
    for _ in range(2 * PoolSettings().max_losses - 1):
        dispatcher.next_lease("a", 1)
        assert lose_for_memory(dispatcher, "a") == [[]]
    dispatcher.next_lease("a", 1)
    ((failure,),) = lose_for_memory(dispatcher, "a")
    assert failure.error == "its worker was lost 6 times: it was killed for lack of memory"


def test_a_loss_that_no_trial_caused_blames_none():
    dispatcher = Dispatcher()
    dispatcher.submit([tuple(trials(1))])
    for worker in range(10):
        assert dispatcher.next_lease(worker, 1) is not None
        assert dispatcher.lose(worker, "the node was removed", Blame.NONE) == []
    assert dispatcher.pending == 1


def test_a_paused_trial_continues_where_it_was_and_starts_anew_if_that_trainer_was_lost():
    dispatcher = Dispatcher()
    paused, more = Trial(0, 1, {}, 0, until=1), (Trial(0, 1, {}, 0, until=2),)
    dispatcher.submit([(paused,)])
    dispatcher.next_lease("a", 2)
    dispatcher.receive([Done(0, State.PAUSED, "", 1.0, "")])
    dispatcher.finish_lease("a")
    dispatcher.submit([more])
    assert dispatcher.next_lease("b", 2) is None
    dispatcher.lose("a", "its process died")
    assert dispatcher.next_lease("b", 2) == (more,)


def test_events_of_a_trial_that_ended_before_do_not_count():
    dispatcher = Dispatcher()
    dispatcher.submit([tuple(trials(2))])
    end = finished(0, 1.0)
    assert dispatcher.receive([end, end]) == [end]
    assert dispatcher.receive([end]) == []
    assert dispatcher.pending == 1


@pytest.mark.parametrize("workers", [4, 64])
def test_trainers_stay_busy(workers):
    draw = random.Random(0)
    durations = [draw.uniform(0.2, 2.0) for _ in range(50 * workers)]
    trainers = simulated(workers, duration=lambda trial: durations[trial.number])
    train(trainers, len(durations))
    assert trainers.busy / (workers * trainers.now) > 0.95
