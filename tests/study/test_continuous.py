"""Studies without barriers between waves: no trainer waits, and the journal is enough to continue."""

import time

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.events import WaveBegan
from caviar.records.journal import NAME, read
from tests.fleet.simulation import SimulatedTrainers

SPACE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1))
CLOCK = ["seconds", "began", "ended", "worker"]
TRIALS = 40


def bowl(config):
    for epoch in range(1, 10):
        yield {"score": ((config["x"] - 0.3) ** 2 + (config["y"] - 0.6) ** 2) / epoch}


def study(out, **settings):
    settings = {"trials": TRIALS, "waves": "continuous", "workers": 0, "confirm": False, **settings}
    return caviar.Study(bowl, space=SPACE, metric="score", mode="min", epochs=9, out=out, **settings)


def simulated(workers=1, seed=0):
    return SimulatedTrainers(FunctionTrainable(bowl), "score", workers, seed)


def run(study, trainers):
    return study.run(progress=False, trainers=trainers)


def cut(whole, lines, folder):
    """The study that was killed when its journal had so many lines."""
    folder.mkdir()
    (folder / NAME).write_text("".join((whole.folder / NAME).read_text().splitlines(keepends=True)[:lines]))
    return caviar.Study.open(folder, data=bowl, workers=0)


def test_no_trainer_waits_for_another(tmp_path):
    shares = []
    for waves in ("continuous", 4, 30):
        trainers = simulated(workers=8)
        run(study(tmp_path / str(waves), waves=waves, trials=240, search="random"), trainers)
        shares.append(trainers.busy / (trainers.workers * trainers.now))
    assert shares[0] > 0.95
    assert shares[0] > shares[1] > shares[2]


def test_each_config_is_chosen_in_the_light_of_those_before(tmp_path):
    one = study(tmp_path / "one")
    table = run(one, simulated())
    by_wave = table.groupby("wave")["score"].median()
    assert by_wave[4] < by_wave[2] < by_wave[1]
    assert list(one.waves["wave"]) == [1, 2, 3, 4]
    assert list(one.waves["trials"]) == [10, 10, 10, 10]
    assert list(one.waves["kind"]) == ["coarse", "fine", "fine", "fine"]
    assert one.waves["square_share"].is_monotonic_decreasing
    assert pd.read_csv(one.folder / "waves.csv")["trials"].sum() == TRIALS
    assert table["trial"].tolist() == list(range(TRIALS))


def test_with_one_trainer_an_interrupted_study_continues_to_the_same_table(tmp_path):
    whole = study(tmp_path / "whole", confirm=(2, 2))
    whole.enqueue({"x": 0.25, "y": 0.5})
    table = run(whole, simulated())
    assert table["x"][0] == 0.25
    lines = (whole.folder / NAME).read_text().count("\n")
    assert lines == 2 + 2 * TRIALS + 1 + 4
    for kept in [2, 31, 62, lines - 4, lines]:
        continued = run(cut(whole, kept, tmp_path / f"cut{kept}"), simulated())
        pd.testing.assert_frame_equal(continued.drop(columns=CLOCK), table.drop(columns=CLOCK), check_exact=True)


@pytest.mark.parametrize("early_stopping", [None, "asha"])
def test_with_many_trainers_no_trial_is_lost_and_none_is_trained_twice(tmp_path, early_stopping):
    whole = study(tmp_path / "whole", early_stopping=early_stopping)
    table = run(whole, simulated(workers=6))
    assert set(table["state"]) == {"finished"} | ({"stopped"} if early_stopping else set())
    lines = (whole.folder / NAME).read_text().splitlines()
    for kept in (9, len(lines) // 2):
        resumed = cut(whole, kept, tmp_path / f"cut{kept}")
        before = resumed.table
        begun = sum(len(event.points) for event in read(resumed.folder) if isinstance(event, WaveBegan))
        trainers = simulated(workers=6)
        after = run(resumed, trainers)
        assert trainers.starts >= TRIALS - len(before)
        assert after["trial"].tolist() == list(range(TRIALS))
        rows = after[after["trial"].isin(before["trial"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows[["trial", "score"]], before[["trial", "score"]])
        assert (after[["x", "y", "seed"]][:begun].to_numpy() == table[["x", "y", "seed"]][:begun].to_numpy()).all()


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_trainers_on_ray_do_not_wait(tmp_path):
    def slow(config, seed):
        begun = time.time()
        time.sleep(0.2 + 0.4 * config["x"])
        return {"score": config["x"], "begun": begun, "over": time.time()}

    settings = {"metric": "score", "mode": "min", "trials": 36, "waves": "continuous", "workers": 3, "confirm": False}
    table = caviar.Study(slow, space=SPACE, out=tmp_path / "s", **settings).run(progress=False)
    assert len(table) == 36
    gaps = []
    for _, rows in table.sort_values("begun").groupby("worker"):
        gaps += list(rows["begun"][1:].to_numpy() - rows["over"][:-1].to_numpy())
    assert table["worker"].nunique() == 3
    assert np.median(gaps) < 0.2  # a trainer that waited for the others would wait for half a second and more


def test_failures_that_paused_a_study_without_barriers_are_trained_again_and_leave_no_trace(tmp_path):
    """The table equals that of a study that never paused."""
    flag = tmp_path / "repaired"

    def broken(config):
        if config["x"] > 0.5 and not flag.exists():
            raise OSError("no data")
        return {"loss": config["x"]}

    settings = {"space": caviar.Space(x=caviar.uniform(0, 1)), "metric": "loss", "mode": "min", "trials": 24}
    settings |= {"waves": "continuous", "workers": 0, "isolation": "none", "confirm": False}
    paused = caviar.Study(broken, out=tmp_path / "paused", **settings)
    with pytest.raises(caviar.PausedError):
        paused.run(progress=False, failures=2)
    assert "failed" in set(paused.table["state"])
    flag.touch()
    table = caviar.Study.open(paused.folder, data=broken, workers=0, isolation="none").run(progress=False)
    whole = caviar.Study(broken, out=tmp_path / "whole", **settings).run(progress=False)
    pd.testing.assert_frame_equal(
        table.drop(columns=["seconds", "began", "ended", "worker"]),
        whole.drop(columns=["seconds", "began", "ended", "worker"]),
    )
    assert list(caviar.Outcome.read(paused.folder).history["trial"]) == list(range(24))
