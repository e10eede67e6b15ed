"""Who is stopped at which rung, against a fleet in virtual time, and on a real Ray."""

import math
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.errors import InputError
from caviar.records.trial import Trial
from caviar.study.halving import Halving, halving_of, run_halving
from caviar.study.wave import Deadline
from tests.fleet.simulation import SimulatedFleet

NOT_REPEATED = ["seconds", "worker"]


def score(number, epoch):
    """Trial 0 is the best in the end; curves cross now and then."""
    return number + random.Random(number * 100 + epoch).gauss(0, 20 / epoch)


def trials(count, width=1):
    everything = [Trial(number, 1, {"x": number}, number) for number in range(count)]
    return [tuple(everything[i : i + width]) for i in range(0, count, width)]


def run(fleet, stacks, halving, epochs=9, known=()):
    kept = []
    run_halving(
        fleet,
        stacks,
        kept.extend,
        Deadline(),
        halving=halving,
        epochs=epochs,
        value=lambda metrics: metrics["score"],
        known=known,
    )
    return {result.trial: result for result in kept}


def stripped(results):
    return {n: (r.state, r.epochs, r.metrics, r.error) for n, r in results.items()}


@pytest.mark.parametrize(
    ("halving", "epochs", "rungs"),
    [
        (Halving(), 20, (2, 7)),
        (Halving(first=1), 20, (1, 2, 7)),
        (Halving(factor=2, first=5), 40, (5, 10, 20)),
        (Halving(), 2, ()),
        (Halving(), 1, ()),
    ],
)
def test_rungs(halving, epochs, rungs):
    assert halving.rungs(epochs) == rungs


@pytest.mark.parametrize(
    ("trials", "epochs", "waves"), [(64, 20, 2), (200, 20, 7), (5000, 20, 8), (20, 20, 2), (8, 20, 1), (64, 2, "auto")]
)
def test_waves_are_large_enough_for_some_to_outlive_the_last_rung(trials, epochs, waves):
    assert Halving().waves(trials, epochs) == waves


def test_one_in_so_many_goes_on_from_where_it_was():
    fleet = SimulatedFleet(4, lambda trial: 1.0, epochs=9, score=score)
    results = run(fleet, trials(27), Halving(first=1))
    by_epochs = pd.Series([result.epochs for result in results.values()]).value_counts().to_dict()
    assert by_epochs == {1: 18, 3: 6, 9: 3}
    assert fleet.epochs == 27 * 1 + 9 * 2 + 3 * 6  # none was trained twice
    for result in results.values():
        assert result.state == ("finished" if result.epochs == 9 else "stopped")
        assert [epoch for epoch, _, _ in result.curve] == list(range(1, result.epochs + 1))
    first = {number: score(number, 1) for number in range(27)}
    assert {n for n, r in results.items() if r.epochs > 1} == set(sorted(first, key=first.get)[:9])


@settings(deadline=None, max_examples=30)
@given(
    workers=st.integers(1, 8),
    count=st.integers(1, 60),
    width=st.integers(1, 5),
    deaths=st.sampled_from([None, 3.0, 30.0]),
    seed=st.integers(0, 1000),
)
def test_the_same_go_on_whatever_the_workers_and_whoever_dies(workers, count, width, deaths, seed):
    alone = run(SimulatedFleet(1, lambda trial: 1.0, epochs=9, score=score), trials(count), Halving(first=1))
    fleet = SimulatedFleet(workers, lambda trial: 1.0, deaths, seed=seed, epochs=9, score=score)
    results = run(fleet, trials(count, width), Halving(first=1))
    assert set(results) == set(range(count))
    lost = {n for n, r in results.items() if r.state == "failed"}  # three deaths on one trial are a failure
    if not lost:
        assert stripped(results) == stripped(alone)


@settings(deadline=None, max_examples=30)
@given(kept=st.sets(st.integers(0, 19)), workers=st.integers(1, 3))
def test_an_interrupted_wave_stops_the_same_trials(kept, workers):
    whole = run(SimulatedFleet(2, lambda trial: 1.0, epochs=9, score=score), trials(20), Halving(first=1))
    known = [whole[number] for number in kept]
    left = [stack for stack in trials(20) if stack[0].number not in kept]
    again = run(SimulatedFleet(workers, lambda trial: 1.0, epochs=9, score=score), left, Halving(first=1), known=known)
    assert stripped(again) == stripped({n: r for n, r in whole.items() if n not in kept})


def test_the_asynchronous_form_waits_for_nobody():
    fleet = SimulatedFleet(4, lambda trial: 50.0 if trial.number == 5 else 1.0, epochs=9, score=score)
    results = run(fleet, trials(60), Halving(first=1, asynchronous=True))
    assert set(results) == set(range(60))
    finished = [result.trial for result in results.values() if result.state == "finished"]
    assert 0 < len(finished) < 30
    assert fleet.epochs == sum(result.epochs for result in results.values())
    order = list(results)
    assert order.index(5) > order.index(next(n for n in finished if n != 5))  # others finished before the slow one


def test_early_stopping_as_people_write_it():
    assert halving_of("halving") == Halving()
    assert halving_of("asha").asynchronous
    assert halving_of({"factor": 4}) == Halving(factor=4)
    for asked, words in (
        ("halfing", "did you mean 'halving'"),
        ({"facto": 3}, "'factor'"),
        ({"factor": 1}, "factor=1"),
    ):
        with pytest.raises(InputError, match=words):
            halving_of(asked)


@pytest.mark.usefixtures("ray_cluster")
def test_networks_go_on_bit_for_bit_and_the_table_is_the_same_whatever_the_workers(tmp_path):
    def study(name, **options):
        return caviar.Study("digits", trials=18, waves=2, epochs=6, out=tmp_path / name, **options)

    stopping = {"early_stopping": Halving(first=1), "seed": 3}
    tables = [study(f"s{n}", workers=n, **stopping).run(progress=False) for n in (1, 3)]
    pd.testing.assert_frame_equal(*[t.drop(columns=NOT_REPEATED) for t in tables], check_exact=True)
    assert set(tables[0]["state"]) >= {"finished", "stopped"}
    assert tables[0]["epochs"].sum() < 18 * 6 / 2
    full = study("full", seed=3).run(progress=False)
    first_wave = tables[0][(tables[0]["wave"] == 1) & (tables[0]["state"] == "finished")]
    assert len(first_wave) > 0
    for row in first_wave.itertuples():  # who was paused ends with the very numbers of who was not
        assert row.val_loss == full["val_loss"][row.trial]


@pytest.mark.usefixtures("ray_cluster")
def test_a_paused_generator_goes_on_where_it_was(tmp_path):
    def train(config, seed):
        for steps in range(1, 10):
            yield {"loss": config["x"] / steps, "steps": steps}

    space = caviar.Space(x=caviar.uniform(1, 2))
    study = caviar.Study(
        train, space=space, metric="loss", mode="min", trials=9, waves=1, epochs=9,
        early_stopping={"first": 1}, confirm=False, out=tmp_path / "s",
    )  # fmt: skip
    table = study.run(progress=False)
    assert (table["steps"] == table["epochs"]).all()
    assert sorted(table["epochs"]) == [1] * 6 + [3] * 2 + [9]
    assert study.best.trial == table["x"].idxmin()
    assert not math.isnan(study.best.metrics["loss"])
