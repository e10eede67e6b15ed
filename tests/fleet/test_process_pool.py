"""Trainers in processes of this machine: the same results as in this process, and none is lost with its trainer."""

import contextlib
import os
import signal
import sys
import time
from dataclasses import replace

import pytest

from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Printed, Report, Started
from caviar.fleet.placement import Placement
from caviar.fleet.process_pool import ProcessPool
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.trial import State, Trial
from tests.fleet.pools import NETWORK, curves, ends, network_trials, train
from tests.fleet.processes.studies import ended, numbers_in

TRIALS = network_trials(6)
STACKS = [tuple(TRIALS[:2]), *((trial,) for trial in TRIALS[2:])]


def pool(workers=2, trainable=NETWORK, settings=PoolSettings()):  # noqa: B008 - it is frozen
    return contextlib.closing(ProcessPool(trainable, "val_accuracy", Placement(workers), settings))


def function_pool(function, workers=2, trial_timeout=None):
    placement = Placement(workers, trial_timeout=trial_timeout)
    return contextlib.closing(ProcessPool(IsolatedFunction.of(function, "loss", placement), "loss", placement))


def function_trials(*values):
    return [(Trial(number, 1, {"x": x}, seed=number),) for number, x in enumerate(values)]


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


def end_somehow(config):
    match config["x"]:
        case "return":
            return 0.5
        case "raise":
            raise ValueError("no")
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
    return iter((1.0, 0.5))


def test_trials_of_a_function_end_as_in_this_process():
    stacks = function_trials("return", "raise", "exit", "kill", "yield")
    isolated = IsolatedFunction.of(end_somehow, "loss", Placement(0))
    with contextlib.closing(LocalPool(isolated, "loss")) as here:
        expected = train(here, stacks)
    with function_pool(end_somehow) as trainers:
        events = train(trainers, stacks)
    assert curves(events) == curves(expected)
    assert {n: (end.state, end.error) for n, end in ends(events).items()} == {
        n: (end.state, end.error) for n, end in ends(expected).items()
    }


@pytest.mark.parametrize("name", ["random", "logging", "string", "socket", "pickle", "caviar"])
def test_a_module_of_the_user_is_not_taken_for_one_that_a_trainer_needs(tmp_path, monkeypatch, name):
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('not this one')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with function_pool(lambda config: {"loss": config["x"]}, workers=1) as trainers:
        (end,) = ends(train(trainers, function_trials(0))).values()
    assert (end.state, end.error) == (State.FINISHED, "")


def test_what_a_trial_prints_arrives_while_it_runs():
    def speak(config):
        print("the first epoch", flush=True)
        time.sleep(60)

    with function_pool(speak, workers=1) as trainers:
        trainers.submit(function_trials(0))
        texts = []
        while not texts:
            texts = [event.text for event in trainers.poll() if isinstance(event, Printed)]
        assert texts == ["the first epoch\n"]


def test_a_trial_that_exceeds_its_time_limit_ends():
    with function_pool(lambda config: time.sleep(config["x"]) or 0.0, trial_timeout=1.0) as trainers:
        states = [end.state for _, end in sorted(ends(train(trainers, function_trials(0, 60))).items())]
    assert states == [State.FINISHED, State.TIMED_OUT]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_of_a_trial_stays_when_the_pool_closes(tmp_path):
    def wait(config):
        (tmp_path / f"{os.getpid()}").touch()
        time.sleep(60)

    with function_pool(wait) as trainers:
        trainers.submit(function_trials(0, 1))
        while len(numbers_in(tmp_path)) < 2:
            trainers.poll(0.1)
    assert all(ended(number) for number in numbers_in(tmp_path))
