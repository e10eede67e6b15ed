"""The pool that trains in this process, and shares with others once they pay."""

import contextlib
import os
import threading
import time

import pytest

from caviar.errors import ClusterError, InputError
from caviar.fleet import sharing_pool
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Done, Report
from caviar.fleet.placement import Placement
from caviar.fleet.process_pool import ProcessPool
from caviar.fleet.sharing_pool import SharingPool
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.trial import State, Trial
from tests.fleet.pools import curves, ends, train


def sleeping(config):
    """Two reports, each of which takes some seconds."""
    for step in (1, 2):
        time.sleep(config["seconds"])
        yield {"loss": config["x"] * step}


TRAINABLE = FunctionTrainable(sleeping)


def trials(count, seconds, until=None):
    return [(Trial(n, 1, {"x": 0.5 + n, "seconds": seconds}, seed=n, until=until),) for n in range(count)]


@contextlib.contextmanager
def processes(workers=2):
    with contextlib.closing(ProcessPool(TRAINABLE, "loss", Placement(workers))) as pool:
        yield pool


@contextlib.contextmanager
def sharing(opening=processes, count=20):
    local = LocalPool(TRAINABLE, "loss")
    with contextlib.closing(SharingPool(local, opening, count)) as pool:
        yield pool
    assert not [thread for thread in threading.enumerate() if thread.name == "caviar-sharing"]


@pytest.fixture
def soon(monkeypatch):
    """Others pay at once."""
    monkeypatch.setattr(sharing_pool, "_FIRST_LOOK", 0.0)
    monkeypatch.setattr(sharing_pool, "_WORTHWHILE", 0.0)


def trained_here(events):
    return {trial for trial, end in ends(events).items() if end.worker.endswith(f":{os.getpid()}")}


def test_short_trials_are_trained_here_and_open_nothing():
    opened = []
    with sharing(opened.append, 5) as pool:
        events = train(pool, trials(5, 0.1))
    assert trained_here(events) == {0, 1, 2, 3, 4}
    assert opened == []


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.2])
def test_the_curves_are_the_same_wherever_the_trials_are_shared(soon, seconds):
    alone = curves(train(LocalPool(TRAINABLE, "loss"), trials(12, 0.0)))
    with sharing() as pool:
        events = train(pool, trials(12, seconds))
    assert curves(events) == alone
    assert sorted(event.trial for event in events if isinstance(event, Done)) == [*range(12)]


def test_others_train_while_this_process_is_in_a_fit(soon):
    with sharing() as pool:
        events = train(pool, trials(4, 3.0)[:1] + trials(4, 0.1)[1:])
        assert pool.workers == 2
    assert trained_here(events) == {0}
    assert [event.trial for event in events if isinstance(event, Done)] == [1, 2, 3, 0]


def test_a_trial_that_is_paused_here_continues_here(soon):
    with sharing() as pool:
        events = train(pool, trials(1, 0.0, until=1))
        events += train(pool, trials(6, 0.5))
    assert {0} <= trained_here(events) < {*range(6)}
    assert len([event for event in events if isinstance(event, Report)]) == 12


def test_stopping_ends_what_is_in_training_everywhere(soon):
    with sharing() as pool:
        pool.submit(trials(8, 1.5))
        events = []
        while pool.workers == 1 or not any(isinstance(event, Report) for event in events):
            events += pool.poll(0.1)
        while len({event.trial for event in events}) < 2:
            events += pool.poll(0.1)
        stopped = pool.stop("the time was over")
        assert pool.pending == 0
    assert {end.state for end in ends(stopped).values() if end.trial not in ends(events)} == {State.TIMED_OUT}


def failing(error):
    @contextlib.contextmanager
    def opening():
        raise error
        yield

    return opening


def test_it_goes_on_alone_if_others_cannot_start(soon, caplog):
    with sharing(failing(ClusterError("there is no Python"))) as pool:
        events = train(pool, trials(8, 0.1))
    assert trained_here(events) == {*range(8)}
    assert "goes on in this process alone, since others cannot start: there is no Python" in caplog.text


def test_a_mistake_that_keeps_others_from_opening_is_raised(soon):
    with sharing(failing(InputError("cannot be sent"))) as pool, pytest.raises(InputError, match="cannot be sent"):
        train(pool, trials(8, 0.1))
