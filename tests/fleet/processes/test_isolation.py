"""Nothing that a trial changes is there in the next one, so the same seed gives the same table."""

import json
import os
import random
import signal
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import caviar
from tests.fleet.processes.studies import SETTINGS, finished, run

CALLS = []
X = np.arange(12.0).reshape(4, 3)


def change_everything(config):
    """Count what an earlier trial has left, then leave it."""
    left = [
        len(CALLS),
        os.getcwd() == "/",
        "LEFT_BEHIND" in os.environ,
        json.dumps({}) == "patched",
        hasattr(caviar, "left_behind"),
        signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL,
        os.umask(0o077) == 0o077,
        any(action == "error" for action, *_ in warnings.filters),
        "/left/behind" in sys.path,
        len(change_everything.__dict__),
        X.mean() == 0,
        sys.getrecursionlimit() == 777,
        np.geterr()["divide"] == "raise",
    ]
    CALLS.append(1)
    os.chdir("/")
    os.environ["LEFT_BEHIND"] = "1"
    json.dumps = lambda *_: "patched"
    caviar.left_behind = 1
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    warnings.simplefilter("error")
    sys.path.append("/left/behind")
    change_everything.calls = 1
    X[:] -= X.mean()
    sys.setrecursionlimit(777)
    np.seterr(divide="raise")
    return {"loss": float(sum(left))}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.usefixtures("ray_cluster")
def test_nothing_stays(tmp_path, workers):
    before = os.getcwd(), os.umask(0o022), warnings.filters[:]
    os.umask(before[1])
    table, _ = run(change_everything, tmp_path / "s", range(4), workers=workers)
    assert finished(table)
    assert set(table["loss"]) == {0.0}
    assert (os.getcwd(), warnings.filters) == (before[0], before[2])
    assert len(CALLS) == 0


def test_a_captured_array_is_the_same_in_each_trial_and_can_be_changed(tmp_path):
    data = np.random.default_rng(0).normal(size=(50, 3)) + 5.0

    def centre(config):
        nonlocal data
        before = float(data.sum())
        data -= data.mean(0)
        np.random.shuffle(data)  # noqa: NPY002
        data.sort(axis=0)
        return {"loss": before}

    table, _ = run(centre, tmp_path / "s", range(3))
    assert finished(table)
    assert table["loss"].nunique() == 1
    assert data.mean() > 4


def test_a_config_that_is_changed_in_place_changes_no_option_and_no_table(tmp_path):
    options = [[8], [8, 8], [4]]

    def deepen(config):
        config["layers"].append(10)
        config["lr"] = 99.0
        config["new"] = 1
        del config["extra"]
        return {"loss": float(sum(config["layers"]))}

    space = caviar.Space(layers=caviar.choice(options), lr=caviar.uniform(0, 1), extra=caviar.randint(1, 9))
    settings = SETTINGS | {"search": "random"}
    study = caviar.Study(deepen, space=space, trials=8, workers=0, out=tmp_path / "s", **settings)
    journal = study.folder / "journal.jsonl"
    table = study.run(progress=False)
    assert options == [[8], [8, 8], [4]]
    assert [sum(layers) + 10 for layers in table["layers"]] == list(table["loss"])
    assert all(layers in options for layers in table["layers"])
    assert table["lr"].max() <= 1
    assert "99.0" not in journal.read_text()
    again = caviar.Outcome.read(study.folder).table
    assert list(again["layers"]) == list(table["layers"])


COUNT = 0


def unruly(config, seed):
    """Depend on all that must not differ between two runs."""
    global COUNT
    COUNT += 1
    config["layers"].append(COUNT)
    words = {f"word {i}" for i in range(20)}
    order = [int(word[5:]) for word in words]
    yield {"loss": random.random() + np.random.rand(), "draw": np.random.normal(), "calls": COUNT}  # noqa: NPY002
    yield {
        "loss": random.gauss(0, 1) + np.random.randint(100),  # noqa: NPY002
        "seed_of_trial": float(seed % 1000),
        "depth": sum(config["layers"]),
        "order": sum(i * number for i, number in enumerate(order)),
    }


def unruly_table(folder, workers, trials=24):
    settings = {"trials": trials, "metric": "loss", "mode": "min", "waves": 2, "seed": 3, "confirm": (1, 2)}
    space = caviar.Space(x=caviar.uniform(0, 1), layers=caviar.choice([[1], [2, 3]]))
    return caviar.Study(unruly, space=space, out=folder, workers=workers, **settings).run(progress=False)


@pytest.mark.parametrize("workers", [0, 1, 2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("ray_cluster")
def test_the_same_seed_gives_the_same_table_of_an_unruly_function(tmp_path, workers):
    alone, again = unruly_table(tmp_path / "alone", 0), unruly_table(tmp_path / "again", workers)
    columns = ["began", "ended", "worker", "seconds"]
    assert finished(alone)
    assert alone["loss"].nunique() == len(alone)
    pd.testing.assert_frame_equal(alone.drop(columns=columns), again.drop(columns=columns), check_exact=True)


def test_global_generators_differ_between_trials_and_between_studies(tmp_path):
    def draw(config):
        return {"loss": np.random.rand(), "second": random.random()}  # noqa: NPY002

    first, _ = run(draw, tmp_path / "first", range(4))
    again, _ = run(draw, tmp_path / "again", range(4))
    other, _ = run(draw, tmp_path / "other", range(4), seed=8)
    assert list(first["loss"]) == list(again["loss"])
    assert first["loss"].nunique() == first["second"].nunique() == 4
    assert not set(first["loss"]) & set(other["loss"])
