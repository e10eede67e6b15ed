"""Trainers that are there at once, and how they hand over to others: here to trainers of this process."""

import contextlib
import itertools
import os
import signal
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from caviar.errors import ClusterError
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Done, Report
from caviar.fleet.opening import AfterAWhile
from caviar.fleet.placement import Placement
from caviar.fleet.process_pool import ProcessPool
from caviar.fleet.starting_pool import StartingPool
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.trial import State
from tests.fleet.pools import EPOCHS, NETWORK, curves, ends, network_trials, train


class Late(LocalPool):
    """Trainers that are ready once a test says so."""

    is_ready = False

    def __init__(self):
        super().__init__(NETWORK, "val_accuracy")
        self.handed_over = []

    def submit(self, stacks):
        stacks = list(stacks)
        self.handed_over += [trial.number for stack in stacks for trial in stack]
        super().submit(stacks)


@contextlib.contextmanager
def starting():
    """Yield a pool, and the trainers that it hands over to."""
    late = Late()
    with contextlib.closing(StartingPool(first(), AfterAWhile(lambda: opened(late), 0))) as pool:
        yield pool, late


def first(workers=1):
    return ProcessPool(NETWORK, "val_accuracy", Placement(workers))


@contextlib.contextmanager
def opened(late):
    yield late


def hand_over(pool, stacks, late, after=0):
    """Train stacks and return the events; the late trainers are ready after a number of events."""
    pool.submit(stacks)
    events = []
    while pool.pending:
        late.is_ready = len(events) >= after
        events += pool.poll(0.2)
    return events


def name_of_this():
    return f"{socket.gethostname()}:{os.getpid()}"


@pytest.fixture(scope="module")
def undisturbed():
    return curves(train(LocalPool(NETWORK, "val_accuracy"), [(trial,) for trial in network_trials(6)]))


def test_a_small_study_ends_before_ray_is_there(undisturbed):
    with starting() as (pool, late):
        events = train(pool, [(trial,) for trial in network_trials(6)])
        assert late.handed_over == []
    assert curves(events) == undisturbed
    (name,) = {end.worker for end in ends(events).values()}
    assert int(name.rpartition(":")[2]) != os.getpid()


@example_settings(max_examples=6)
@given(after=st.integers(0, 20), width=st.integers(1, 3))
def test_the_curves_are_the_same_wherever_the_trials_are_handed_over(undisturbed, after, width):
    six = network_trials(6)
    with starting() as (pool, late):
        events = hand_over(pool, [tuple(six[i : i + width]) for i in range(0, 6, width)], late, after)
    assert curves(events) == undisturbed
    assert sorted(event.trial for event in events if isinstance(event, Done)) == [*range(6)]
    assert {end.state for end in ends(events).values()} == {State.FINISHED}


def test_the_trainers_on_ray_get_what_waits_and_then_all_that_is_submitted():
    with starting() as (pool, late):
        events = hand_over(pool, [(trial,) for trial in network_trials(6)], late, after=1)
        assert {end.worker for end in ends(events).values() if end.trial in late.handed_over} == {name_of_this()}
        assert {end.worker for end in ends(events).values() if end.trial not in late.handed_over} != {name_of_this()}
        assert 0 < len(late.handed_over) < 6
        again = train(pool, [(trial,) for trial in network_trials(8)[6:]])
    assert {end.worker for end in ends(again).values()} == {name_of_this()}


def test_a_paused_trial_continues_where_it_is(undisturbed):
    with starting() as (pool, late):
        events = train(pool, [(trial,) for trial in network_trials(4, until=2)])
        assert {end.state for end in ends(events).values()} == {State.PAUSED}
        pool.discard([0])
        events += hand_over(pool, [(trial,) for trial in network_trials(4)[1:]], late)
        assert late.handed_over == []
    reports = sorted((event.trial, event.epoch) for event in events if isinstance(event, Report))
    assert reports == sorted([(0, 1), (0, 2), *itertools.product((1, 2, 3), range(1, EPOCHS + 1))])
    assert curves(events) == {place: undisturbed[place] for place in reports}


def test_what_a_killed_process_had_begun_starts_over_on_ray(undisturbed):
    with starting() as (pool, late):
        events = train(pool, [(network_trials(1)[0],)])
        first = ends(events)[0].worker.rpartition(":")[2]
        pool.submit([tuple(network_trials(6)[1:])])
        os.kill(int(first), signal.SIGKILL)
        late.is_ready = True
        while pool.pending:
            events += pool.poll(0.2)
    assert curves(events) == undisturbed
    assert len(ends(events)) == 6
    assert late.handed_over == [1, 2, 3, 4, 5]


def test_stopping_ends_what_is_in_training():
    long = ProcessPool(NetworkTrainable(NETWORK.dataset, 1_000_000), "val_accuracy", Placement(1))
    with contextlib.closing(StartingPool(long, AfterAWhile(lambda: opened(Late()), 0))) as pool:
        pool.submit([tuple(network_trials(2)), tuple(network_trials(4)[2:])])
        events = []
        while not any(isinstance(event, Report) for event in events):
            events += pool.poll(0.2)
        stopped = pool.stop("the time was over")
        assert pool.pending == 0
    assert [end.trial for end in stopped] == [0, 1]
    assert {end.state for end in stopped} == {State.TIMED_OUT}
    assert {end.error for end in stopped} == {"the time was over"}


def test_a_ray_that_cannot_start_ends_the_study():
    @contextlib.contextmanager
    def failing():
        raise ClusterError("cannot start Ray on this machine")
        yield

    with contextlib.closing(StartingPool(first(), AfterAWhile(failing, 0))) as pool:
        threads = [thread for thread in threading.enumerate() if thread.name == "caviar-ray"]
        for thread in threads:
            thread.join()
        with pytest.raises(ClusterError, match="cannot start Ray"):
            pool.poll(0.2)
