"""The simulated trainers keep the promises of `Trainers`, so that studies can be tested on them."""

import random

from caviar.fleet.messages import Done, Started
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.trial import State, Trial
from tests.fleet.pools import curves, train
from tests.fleet.simulation import SimulatedTrainers


def curve(config, seed):
    draw = random.Random(seed)
    for _ in range(4):
        yield {"loss": config["x"] + draw.random()}


def simulated(**settings):
    return SimulatedTrainers(FunctionTrainable(curve), "loss", **settings)


def stacks(count, until=None):
    return [(Trial(number, 1, {"x": float(number)}, number, until),) for number in range(count)]


def test_the_same_seed_has_the_same_events():
    first, again = (train(simulated(seed=3, loss_seconds=3.0), stacks(30)) for _ in range(2))
    assert first == again
    assert first != train(simulated(seed=4, loss_seconds=3.0), stacks(30))


def test_trials_end_in_another_order_than_they_start():
    events = train(simulated(), stacks(30))
    started = [event.trial for event in events if isinstance(event, Started)]
    ended = [event.trial for event in events if isinstance(event, Done)]
    assert sorted(ended) == started == list(range(30))
    assert ended != started


def test_workers_and_losses_change_no_report():
    expected = curves(train(simulated(workers=1), stacks(30)))
    assert len(expected) == 30 * 4
    assert curves(train(simulated(workers=7, losses={3: 1, 8: 2}, loss_seconds=20.0), stacks(30))) == expected


def test_a_paused_trial_continues_from_where_it_was():
    trainers = simulated()
    first = train(trainers, stacks(6, until=1))
    assert {event.state for event in first if isinstance(event, Done)} == {State.PAUSED}
    trainers.discard([0, 1])
    rest = train(trainers, stacks(6)[2:])
    assert [event.reports for event in rest if isinstance(event, Started)] == [1] * 4
    assert trainers.epochs == 6 * 1 + 4 * 3
    both = curves(first) | curves(rest)
    assert {key: both[key] for key in curves(rest)} == {
        key: metrics for key, metrics in curves(train(simulated(), stacks(6))).items() if key in curves(rest)
    }


def test_stop_ends_the_trials_in_training():
    trainers = simulated(workers=2)
    trainers.submit(stacks(10))
    started = [event.trial for _ in range(2) for event in trainers.poll()]
    ends = trainers.stop("time is up")
    assert [(end.trial, end.state, end.error) for end in ends] == [
        (trial, State.TIMED_OUT, "time is up") for trial in started
    ]
    assert trainers.pending == 0
