"""Which trials continue at which rung, with simulated trainers, and with paused networks and generators."""

import logging
import math
import random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.early_stopping import Halving
from caviar.records.objective import Objective
from caviar.records.trial import State, Trial
from caviar.study.halving import run_halving, survivors
from caviar.study.wave import Deadline
from tests.fleet.simulation import SimulatedTrainers
from tests.study.test_study import Interrupted

CLOCK = ["seconds", "began", "ended", "worker"]


def score(number, epoch):
    """Trial 0 is the best in the end; curves cross now and then."""
    return number + random.Random(number * 100 + epoch).gauss(0, 20 / epoch)


def train(config):
    for epoch in range(1, 10):
        yield {"score": score(config["x"], epoch)}


def simulated(workers, **options):
    return SimulatedTrainers(FunctionTrainable(train), "score", workers, **options)


def trials(count, width=1):
    numbered = [Trial(number, 1, {"x": number}, number) for number in range(count)]
    return [tuple(numbered[i : i + width]) for i in range(0, count, width)]


def run(trainers, stacks, halving, ended=(), **options):
    results = []
    objective = Objective("score", "min")
    run_halving(
        trainers, stacks, results.extend, Deadline(), halving=halving, epochs=9, objective=objective, ended=ended,
        **options,
    )  # fmt: skip
    return {result.trial: result for result in results}


def essence(results):
    return {number: (r.state, r.epochs, r.metrics, r.error) for number, r in results.items()}


@given(
    losses=st.dictionaries(st.integers(0, 50), st.floats(-10, 10), max_size=20),
    died=st.integers(0, 9),
    factor=st.integers(2, 5),
)
def test_survivors_are_the_best_of_those_that_came_to_the_rung(losses, died, factor):
    entered = len(losses) + died
    room = Halving(factor).room(entered)
    continuing = survivors(losses, room)
    assert room == math.ceil(entered / factor)
    assert len(continuing) == min(len(losses), room)
    assert all(losses[a] <= losses[b] for a in continuing for b in losses.keys() - continuing)


def test_one_in_three_continues_from_where_it_was():
    trainers = simulated(4)
    results = run(trainers, trials(27), Halving(3, first=1))
    by_epochs = pd.Series([result.epochs for result in results.values()]).value_counts().to_dict()
    assert by_epochs == {1: 18, 3: 6, 9: 3}
    assert trainers.epochs == 27 * 1 + 9 * 2 + 3 * 6  # no epoch was trained twice
    for result in results.values():
        assert result.state is (State.FINISHED if result.epochs == 9 else State.STOPPED)
        assert [point.epoch for point in result.curve] == list(range(1, result.epochs + 1))
    first = {number: score(number, 1) for number in range(27)}
    assert {n for n, r in results.items() if r.epochs > 1} == set(sorted(first, key=first.get)[:9])


def test_spared_trials_are_not_stopped_and_do_not_count():
    results = run(simulated(4), trials(20), Halving(3, first=1), spared=range(2))
    assert [results[number].state for number in range(2)] == [State.FINISHED] * 2
    epochs = pd.Series([results[number].epochs for number in range(2, 20)]).value_counts().to_dict()
    assert epochs == {1: 12, 3: 4, 9: 2}


def test_trials_continue_by_their_predicted_ends():
    seen = []

    def predicted_ends(curves):
        seen.append(curves)
        return {number: -number for number in curves}

    slow_first = simulated(3, duration=lambda trial: 9.0 - trial.number)
    results = run(slow_first, trials(8), Halving(first=2), predicted_ends=predicted_ends)
    assert {number for number, result in results.items() if result.state is State.FINISHED} == {6, 7}
    assert results[0].error == "predicted end not among the best 4 of 8 after 2 epochs"
    first, second = seen
    assert list(first) == sorted(first)  # not in the order of arrival
    assert first == {n: [score(n, 1), score(n, 2)] for n in range(8)}  # half of the first rung, and the rung
    assert second == {n: [score(n, 1), score(n, 2), score(n, 4)] for n in range(4, 8)}


@given(
    workers=st.integers(1, 8),
    count=st.integers(1, 60),
    loss_seconds=st.sampled_from([None, 3.0, 30.0]),
    seed=st.integers(0, 1000),
)
def test_the_same_trials_continue_whatever_the_workers_and_whichever_dies(workers, count, loss_seconds, seed):
    alone = run(simulated(1), trials(count), Halving(3, first=1))
    results = run(simulated(workers, seed=seed, loss_seconds=loss_seconds), trials(count), Halving(3, first=1))
    assert set(results) == set(range(count))
    if all(result.state is not State.FAILED for result in results.values()):  # three losses of one trial are a failure
        assert essence(results) == essence(alone)


@given(numbers=st.sets(st.integers(0, 19)), workers=st.integers(1, 3))
def test_an_interrupted_wave_stops_the_same_trials(numbers, workers):
    whole = run(simulated(2), trials(20), Halving(3, first=1))
    ended = [whole[number] for number in numbers]
    others = [stack for stack in trials(20) if stack[0].number not in numbers]
    continued = run(simulated(workers), others, Halving(3, first=1), ended)
    assert essence(continued) == essence({n: r for n, r in whole.items() if n not in numbers})


def troubled(config):
    """Curves that cross; some raise, diverge or end at a rung or between two."""
    kind = int(config["x"] * 1000) % 8
    for epoch in range(1, 10):
        if kind == 1 and epoch == 3:
            raise ValueError(f"{config['x']} is bad")
        if (kind == 2 and epoch == 4) or (kind == 3 and epoch == 2):
            return
        yield {"score": math.nan if (kind, epoch) == (4, 1) else config["x"] / epoch + (kind * epoch % 5) / 10}


def test_a_study_that_is_interrupted_at_any_poll_continues_to_the_same_table(tmp_path):
    def study(name):
        return caviar.Study(
            troubled, space=caviar.Space(x=caviar.uniform(0, 1)), metric="score", mode="min", epochs=9, trials=27,
            waves=2, early_stopping=Halving(3, first=1), confirm=False, workers=0, out=tmp_path / name,
        )  # fmt: skip

    def trainers(workers):
        return SimulatedTrainers(FunctionTrainable(troubled), "score", workers)

    whole = study("whole").run(progress=False, trainers=trainers(3)).drop(columns=CLOCK)
    assert {"stopped", "finished", "failed", "diverged"} <= set(whole["state"])
    for at in range(1, 40, 5):
        interrupted = study(f"at{at}")
        with pytest.raises(KeyboardInterrupt):
            interrupted.run(progress=False, trainers=Interrupted(trainers(3), at))
        table = interrupted.run(progress=False, trainers=trainers(2))
        pd.testing.assert_frame_equal(table.drop(columns=CLOCK), whole, check_exact=True)


def falls_late(config):
    """The best configs fall last: after two epochs, the worst one of all is the best."""
    for epoch in range(1, 17):
        yield {"loss": 2 - config["x"] + 6 * math.exp(-epoch * (1.5 - config["x"]) / 4)}


def test_a_study_finds_what_falls_late(tmp_path):
    def best(halving):
        study = caviar.Study(
            falls_late, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss", mode="min", epochs=16, trials=64,
            early_stopping=halving, confirm=False, workers=0, seed=2, out=tmp_path / str(halving),
        )  # fmt: skip
        table = study.run(progress=False, trainers=SimulatedTrainers(FunctionTrainable(falls_late), "loss", 2))
        assert table["epochs"].sum() < 0.45 * 64 * 16
        return study.best.metrics["loss"]

    assert best(Halving()) < 1.6  # 1.54 is the lowest loss of all
    assert best(Halving(predicted=False)) > 2.0


@given(factor=st.integers(2, 40), first=st.none() | st.integers(1, 12))
def test_no_fewer_epochs_have_a_rung(factor, first):
    halving = Halving(factor, first)
    with_rungs = (epochs for epochs in range(1, 600) if halving.rungs(epochs))
    assert halving.fewest_epochs == next(with_rungs, None)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_with_too_few_epochs_for_a_rung_no_trial_is_stopped(asynchronous):
    results = run(simulated(2), trials(6), Halving(first=9, asynchronous=asynchronous))
    assert [results[number].epochs for number in range(6)] == [9] * 6


def test_the_asynchronous_form_does_not_wait():
    trainers = simulated(4, duration=lambda trial: 50.0 if trial.number == 5 else 1.0)
    results = run(trainers, trials(60), Halving(3, first=1, asynchronous=True))
    assert set(results) == set(range(60))
    finished = [result.trial for result in results.values() if result.state is State.FINISHED]
    assert 0 < len(finished) < 30
    assert trainers.epochs == sum(result.epochs for result in results.values())
    order = list(results)
    assert order.index(5) > order.index(next(n for n in finished if n != 5))  # others finished before the slow one


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_paused_networks_continue_bit_for_bit_and_the_table_is_the_same_whatever_the_workers(tmp_path):
    def study(name, **options):
        return caviar.Study("digits", trials=18, waves=2, epochs=6, seed=3, out=tmp_path / name, **options)

    halving = Halving(3, first=1)
    tables = [study(f"s{n}", workers=n, early_stopping=halving).run(progress=False) for n in (0, 1, 3)]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table.drop(columns=CLOCK), tables[0].drop(columns=CLOCK), check_exact=True)
    assert set(tables[0]["state"]) >= {"finished", "stopped"}
    assert tables[0]["epochs"].sum() < 18 * 6 / 2
    full = study("full", workers=0).run(progress=False)
    first_wave = tables[0][(tables[0]["wave"] == 1) & (tables[0]["state"] == "finished")]
    assert len(first_wave) > 0
    for row in first_wave.itertuples():  # a trial that was paused ends with the numbers of one that was not
        assert row.val_loss == full["val_loss"][row.trial]


def test_a_paused_generator_continues_where_it_was(tmp_path):
    def train(config, seed):
        for steps in range(1, 10):
            yield {"loss": config["x"] / steps, "steps": steps}

    study = caviar.Study(
        train, space=caviar.Space(x=caviar.uniform(1, 2)), metric="loss", mode="min", trials=9, waves=1, epochs=9,
        early_stopping=Halving(3, first=1), confirm=False, workers=0, out=tmp_path / "s",
    )  # fmt: skip
    table = study.run(progress=False)
    assert (table["steps"] == table["epochs"]).all()
    assert sorted(table["epochs"]) == [1] * 5 + [3] * 2 + [9] * 2  # the first trial is not stopped
    assert study.best.trial == table["x"].idxmin()
    assert not math.isnan(study.best.metrics["loss"])


def generator(count):
    def train(config, seed):
        for epoch in range(1, count + 1):
            yield {"loss": (config["x"] - 0.3) ** 2 + 1 / epoch}

    return train


def study(folder, epochs=8, reported=8, **settings):
    given = {"trials": 16, "early_stopping": "halving", "confirm": False, "workers": 0, "isolation": "none"}
    space = {"x": caviar.uniform(0, 1)}
    return caviar.Study(
        generator(reported), space=space, metric="loss", mode="min", epochs=epochs, out=folder, **given | settings
    )


def test_an_eighth_of_the_trials_of_an_extension_are_not_stopped_either(tmp_path):
    one = study(tmp_path / "s", trials=8, confirm=(1, 2))
    one.run(progress=False)
    one.extend(24)
    assert one.record.state.spared == range(10, 13)  # after the two that confirm
    table = one.run(progress=False)
    assert (table["state"].iloc[10:13] == "finished").all()
    assert (table["state"].iloc[13:34] == "stopped").any()


@pytest.mark.parametrize(
    ("epochs", "reported", "words"),
    [
        (8, 8, None),
        (8, 3, "early stopping expects 8 epochs, but trials reported 3; start a new study with epochs=3"),
        (8, 20, "early stopping expects 8 epochs, but trials reported 20; start a new study with epochs=20"),
        (8, 1, "no trial is stopped early, since each reported only once; yield a metric after each epoch"),
    ],
)
def test_another_number_of_epochs_than_was_said_is_told_once(tmp_path, caplog, epochs, reported, words):
    study(tmp_path / "s", epochs, reported, waves=2).run(progress=False)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == (words is not None)
    assert not words or words in warnings[0]
