"""Trainers in processes of this machine: the same results as in this process, and none is lost with its trainer."""

import contextlib
import os
import signal
import sys
import time
from dataclasses import replace

import pytest

from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Report, Started
from caviar.fleet.placement import Placement
from caviar.fleet.process_pool import ProcessPool
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.trial import State
from tests.fleet.pools import NETWORK, curves, ends, network_trials, train

TRIALS = network_trials(6)
STACKS = [tuple(TRIALS[:2]), *((trial,) for trial in TRIALS[2:])]


def pool(workers=2, trainable=NETWORK, settings=PoolSettings()):  # noqa: B008 - it is frozen
    return contextlib.closing(ProcessPool(trainable, "val_accuracy", Placement(workers), settings))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_curves_are_those_of_this_process_whatever_the_workers(workers):
    here = train(LocalPool(NETWORK, "val_accuracy"), STACKS)
    with pool(workers) as trainers:
        events = train(trainers, STACKS)
    assert curves(events) == curves(here)
    assert {end.state for end in ends(events).values()} == {State.FINISHED}


def kill(name):
    os.kill(int(name.rpartition(":")[2]), signal.SIGKILL)


def test_the_trials_of_a_process_that_dies_run_again():
    with pool(workers=1) as trainers:
        (first,) = ends(train(trainers, STACKS[1:2])).values()
        trainers.submit([STACKS[0], *STACKS[2:]])
        kill(first.worker)
        events = []
        while trainers.pending:
            events += trainers.poll()
    assert sorted(ends(events)) == [0, 1, 3, 4, 5]
    assert {end.state for end in ends(events).values()} == {State.FINISHED}
    assert first.worker not in {end.worker for end in ends(events).values()}


def test_a_trial_that_is_given_to_a_process_that_was_dead_already_is_not_blamed():
    with pool(workers=1, settings=PoolSettings(max_losses=1)) as trainers:
        (first,) = ends(train(trainers, STACKS[1:2])).values()
        kill(first.worker)
        time.sleep(0.2)  # until its end of the pipe is closed
        events = train(trainers, STACKS[2:3])
    assert {end.state for end in ends(events).values()} == {State.FINISHED}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_trial_that_kills_its_process_fails_and_the_others_finish():
    long = NetworkTrainable(NETWORK.dataset, epochs=100_000)
    others = set(children())
    with pool(workers=1, trainable=long, settings=PoolSettings(max_losses=2)) as trainers:
        trainers.submit([(TRIALS[0],)])
        events = []
        for _ in range(2):
            while not any(isinstance(event, Report) for event in events):
                events = trainers.poll()
            (process,) = set(children()) - others
            os.kill(process, signal.SIGKILL)
            events = []
            while trainers.pending and not any(isinstance(event, Started) for event in events):
                events += trainers.poll()
    assert ends(events)[0].state is State.FAILED
    assert ends(events)[0].error == "its worker was lost 2 times: its process died"


def children():
    """Return the processes that this one has started."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return list(map(int, file.read().split()))


def test_paused_trials_continue_where_they_are_and_the_rest_is_handed_over():
    paused = [(replace(trial, until=2),) for trial in TRIALS[:2]]
    with pool() as trainers:
        events = train(trainers, paused)
        left = trainers.hand_over([(TRIALS[0],), (TRIALS[5],)])
        assert left == [(TRIALS[5],)]
        trainers.discard([1])
        assert trainers.pending == 1
        while trainers.pending:
            events += trainers.poll()
        assert trainers.hand_over() == []
    epochs = [(event.trial, event.epoch) for event in events if isinstance(event, Report)]
    assert sorted(epochs) == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (1, 2)]
