"""Without a barrier between waves: no trainer waits, and the journal is enough to go on."""

import contextlib
import time

import numpy as np
import pandas as pd
import pytest

import caviar
import caviar.study.study as study_module
from caviar.errors import InputError
from caviar.records.journal import NAME
from tests.fleet.simulation import SimulatedFleet

SPACE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1))
NOT_REPEATED = ["seconds", "worker"]
TRIALS = 40


def bowl(config, seed):
    return {"score": (config["x"] - 0.3) ** 2 + (config["y"] - 0.6) ** 2}


@pytest.fixture
def fleets(monkeypatch):
    """Has studies run on fleets in virtual time, which are gathered here."""
    made, configs = [], {}
    seconds = np.random.default_rng(0).uniform(0.5, 2.0, 1000)

    def duration(trial):
        configs[trial.number] = trial.config
        return seconds[trial.number]

    def open_pool(trainable, metric, placement, say):
        score = {"score": lambda number, epoch: bowl(configs[number], 0)["score"] / epoch}
        made.append(SimulatedFleet(placement.workers, duration, epochs=9, **score))
        return contextlib.nullcontext(made[-1])

    monkeypatch.setattr(study_module, "open_pool", open_pool)
    return made


def study(out, **settings):
    settings = {"trials": TRIALS, "waves": "continuous", "workers": 1, "confirm": False, **settings}
    return caviar.Study(bowl, space=SPACE, metric="score", mode="min", epochs=9, out=out, **settings)


def cut(whole, lines, folder):
    """The study that was killed when its journal had so many lines."""
    folder.mkdir()
    (folder / NAME).write_text("".join((whole.folder / NAME).read_text().splitlines(keepends=True)[:lines]))
    return caviar.Study.open(folder, data=bowl, workers=whole._placement.workers)


def test_no_trainer_waits_for_another(fleets, tmp_path):
    for waves in ("continuous", 4, 30):
        study(tmp_path / str(waves), waves=waves, workers=8, trials=240, search="random").run(progress=False)
    shares = [fleet.busy / (fleet.workers * fleet.now) for fleet in fleets]
    assert shares[0] > 0.95
    assert shares[0] > shares[1] > shares[2]


def test_each_point_is_chosen_in_the_light_of_those_before(fleets, tmp_path):
    one = study(tmp_path / "one")
    table = one.run(progress=False)
    by_wave = table.groupby("wave")["score"].median()
    assert by_wave[4] < by_wave[2] < by_wave[1]
    assert list(one.waves["wave"]) == [1, 2, 3, 4]
    assert list(one.waves["trials"]) == [10, 10, 10, 10]
    assert list(one.waves["kind"]) == ["coarse", "fine", "fine", "fine"]
    assert one.waves["square_share"].is_monotonic_decreasing
    assert pd.read_csv(one.folder / "waves.csv")["trials"].sum() == TRIALS
    assert table["trial"].tolist() == list(range(TRIALS))


def test_with_one_trainer_it_goes_on_to_the_table_of_the_undisturbed_run(fleets, tmp_path):
    whole = study(tmp_path / "whole", confirm=(2, 2))
    whole.enqueue({"x": 0.25, "y": 0.5})
    table = whole.run(progress=False)
    assert table["x"][0] == 0.25
    lines = (whole.folder / NAME).read_text().count("\n")
    assert lines == 2 + 2 * TRIALS + 1 + 4
    for kept in [2, 31, 62, lines - 4, lines]:
        again = cut(whole, kept, tmp_path / f"cut{kept}").run(progress=False)
        pd.testing.assert_frame_equal(
            again.drop(columns=NOT_REPEATED), table.drop(columns=NOT_REPEATED), check_exact=True
        )


@pytest.mark.parametrize("early_stopping", [None, "asha"])
def test_with_many_trainers_no_trial_is_lost_and_none_is_trained_twice(fleets, tmp_path, early_stopping):
    whole = study(tmp_path / "whole", workers=6, early_stopping=early_stopping)
    table = whole.run(progress=False)
    assert set(table["state"]) == {"finished"} | ({"stopped"} if early_stopping else set())
    lines = (whole.folder / NAME).read_text().splitlines()
    for kept in (9, len(lines) // 2):
        resumed = cut(whole, kept, tmp_path / f"cut{kept}")
        before = resumed.table
        asked = sum(len(wave["points"]) for wave in resumed._ledger.waves)
        after = resumed.run(progress=False)
        assert fleets[-1].starts >= TRIALS - len(before)
        assert after["trial"].tolist() == list(range(TRIALS))
        kept_rows = after[after["trial"].isin(before["trial"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(kept_rows[["trial", "score"]], before[["trial", "score"]])
        assert (after[["x", "y", "seed"]][:asked].to_numpy() == table[["x", "y", "seed"]][:asked].to_numpy()).all()


def test_halving_waits_for_whole_waves_and_is_refused(tmp_path):
    with pytest.raises(InputError, match="'asha'"):
        study(tmp_path / "s", early_stopping="halving")


@pytest.mark.usefixtures("ray_cluster")
def test_trainers_of_a_real_pool_do_not_wait(tmp_path):
    def slow(config, seed):
        begun = time.time()
        time.sleep(0.2 + 0.4 * config["x"])
        return {"score": config["x"], "begun": begun, "over": time.time()}

    settings = {"metric": "score", "mode": "min", "trials": 36, "waves": "continuous", "workers": 3, "confirm": False}
    table = caviar.Study(slow, space=SPACE, out=tmp_path / "s", **settings).run(progress=False)
    assert len(table) == 36
    gaps = []
    for _, mine in table.sort_values("begun").groupby("worker"):
        gaps += list(mine["begun"][1:].to_numpy() - mine["over"][:-1].to_numpy())
    assert table["worker"].nunique() == 3
    assert np.median(gaps) < 0.2  # a trainer that waited for the others' trials would wait for half a second and more
