"""Studies from end to end on a real Ray."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.errors import CaviarError, InputError, StorageError
from caviar.records.journal import NAME, Journal
from caviar.study.stacking import stacked
from caviar.study.wave import trials_of

pytestmark = pytest.mark.usefixtures("ray_cluster")

NOT_REPEATED = ["seconds", "worker"]
SPACE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.loguniform(0.01, 1), kind=caviar.choice(["a", "b"]))


def bowl(config, seed):
    return {"loss": (config["x"] - 0.3) ** 2 + (math.log10(config["y"]) + 1) ** 2 + (config["kind"] == "b")}


def digits(tmp_path, name, **settings):
    return caviar.Study("digits", **{"trials": 16, "waves": 2, "epochs": 3, "out": tmp_path / name, **settings})


def test_the_same_seed_gives_the_same_table_whatever_the_workers(tmp_path):
    one = digits(tmp_path, "one", workers=1)
    three = digits(tmp_path, "three", workers=3)
    alone = digits(tmp_path, "alone", workers=2, stacking=False)
    tables = [study.run(progress=False).drop(columns=NOT_REPEATED) for study in (one, three, alone)]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    pd.testing.assert_frame_equal(tables[0], tables[2], check_exact=True)
    histories = [study.history.drop(columns="seconds") for study in (one, three, alone)]
    pd.testing.assert_frame_equal(histories[0], histories[1], check_exact=True)
    pd.testing.assert_frame_equal(histories[0], histories[2], check_exact=True)
    assert not tables[0].drop(columns=["trial", "wave", "seed"]).duplicated().any()
    other = digits(tmp_path, "other", seed=1).run(progress=False)
    assert not other["learning_rate"].equals(tables[0]["learning_rate"])


def test_what_a_study_writes_is_what_it_holds(tmp_path):
    study = digits(tmp_path, "study")
    table = study.run(progress=False)
    assert set(table["state"]) <= {"finished", "diverged"}
    assert table["test_accuracy"].notna().sum() == (table["state"] == "finished").sum()
    for name, held in (("results", table), ("history", study.history), ("waves", study.waves)):
        written = pd.read_csv(study.folder / f"{name}.csv", keep_default_na=True)
        assert list(written) == list(held)
        for column in held.select_dtypes("float64"):
            np.testing.assert_array_equal(written[column], held[column])
    assert list(study.waves["kind"]) == ["coarse", "fine"]
    assert study.waves["square_share"][1] < study.waves["square_share"][0] == 1.0
    assert list(study.square["name"]) == list(study.settings.space.names)
    assert study.best.trial in set(table["trial"])
    assert repr(study) == f"<Study digits: 16 of 16 trials, in {study.folder}>"
    assert len(study.history) == table["epochs"].sum()


def test_a_function_of_ones_own_is_zoomed_into(tmp_path):
    study = caviar.Study(bowl, space=SPACE, metric="loss", mode="min", trials=48, waves=3, out=tmp_path / "s")
    table = study.run(progress=False)
    by_wave = table.groupby("wave")["loss"].median()
    assert by_wave[3] < by_wave[2] < by_wave[1]
    assert study.best.config["x"] == pytest.approx(0.3, abs=0.2)
    assert study.best.config["kind"] == "a"


def test_a_square_against_a_bound_is_said_and_a_growing_space_reaches_beyond(tmp_path):
    def slope(config, seed):
        return {"loss": -config["x"] + (config["y"] - 0.5) ** 2}

    def run(grow):
        space = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1))
        space.grow = grow
        settings = {"space": space, "metric": "loss", "mode": "min", "trials": 32, "waves": 4}
        study = caviar.Study(slope, out=tmp_path / str(grow), **settings)
        return study, study.run(progress=False)

    study, table = run(grow=False)
    assert any("x lie at the upper bound 1" in sentence for sentence in study.edges)
    assert table["x"].max() <= 1
    assert study.waves["edges"].str.contains("upper bound").any()
    study, table = run(grow=True)
    assert table["x"].max() > 1.2
    assert study.waves["x_high"].max() > 1
    assert any("x was let grow beyond its upper bound 1" in sentence for sentence in study.edges)
    again = caviar.Study.open(study.folder, data=slope)
    assert again.square.equals(study.square)


def test_mode_max_mirrors_mode_min(tmp_path):
    def hill(config, seed):
        return {"score": -bowl(config, seed)["loss"]}

    settings = {"space": SPACE, "trials": 24, "waves": 2}
    down = caviar.Study(bowl, metric="loss", mode="min", out=tmp_path / "down", **settings).run(progress=False)
    up = caviar.Study(hill, metric="score", mode="max", out=tmp_path / "up", **settings).run(progress=False)
    assert (down["x"] == up["x"]).all()
    assert (down["loss"] == -up["score"]).all()


def test_failed_trials_are_rows_and_the_study_goes_on(tmp_path):
    def sometimes(config, seed):
        print("trying", config["x"])
        if config["x"] > 0.5:
            raise ValueError(f"x={config['x']} is too large")
        return {"loss": math.nan if config["x"] < 0.1 else config["x"]}

    study = caviar.Study(sometimes, space=SPACE, metric="loss", mode="min", trials=24, waves=2, out=tmp_path / "s")
    table = study.run(progress=False)
    assert len(table) == 24
    failed = table[table["state"] == "failed"]
    assert len(failed) > 0
    assert failed["error"].str.contains("is too large").all()
    assert (table[table["state"] == "diverged"]["x"] < 0.1).all()
    assert study.best.state == "finished"
    outputs = sorted((study.folder / "output").iterdir())
    assert len(outputs) == 24
    assert outputs[0].read_text().startswith("trying")


def test_a_cause_that_fails_trial_after_trial_pauses_the_study(tmp_path):
    flag = tmp_path / "repaired"

    def broken(config, seed):
        if not flag.exists():
            raise OSError("no data on this host")
        return {"loss": config["x"]}

    study = caviar.Study(broken, space=SPACE, metric="loss", mode="min", trials=40, waves=2, out=tmp_path / "s")
    with pytest.raises(caviar.PausedError, match="10 trials in a row failed with 'OSError: no data on this host'"):
        study.run(progress=False)
    assert study.results == []
    flag.touch()
    table = caviar.Study.open(study.folder, data=broken).run(progress=False)
    assert (table["state"] == "finished").all()
    assert len(table) == 40


def test_an_interrupted_study_goes_on_to_the_same_table(tmp_path):
    undisturbed = digits(tmp_path, "whole")
    whole = undisturbed.run(progress=False)
    lines = (undisturbed.folder / NAME).read_text().splitlines(keepends=True)
    for kept in sorted({1, 2, 7, 18, 25, len(lines)}):
        folder = tmp_path / f"cut{kept}"
        folder.mkdir()
        (folder / NAME).write_text("".join(lines[:kept]))
        resumed = caviar.Study.open(folder)
        assert len(resumed.results) == sum('"state"' in line for line in lines[:kept])
        table = resumed.run(progress=False)
        pd.testing.assert_frame_equal(
            table.drop(columns=NOT_REPEATED), whole.drop(columns=NOT_REPEATED), check_exact=True
        )
        assert resumed.best.trial == undisturbed.best.trial


def test_ctrl_c_keeps_what_has_finished(tmp_path, monkeypatch):
    study = digits(tmp_path, "s", workers=1)
    kept = []

    class Stop(BaseException):
        pass

    def stop_at_the_third(journal, records, now=False):
        records = list(records)
        original(journal, records, now)
        kept.extend(record for record in records if "state" in record)
        if len(kept) >= 3:
            raise Stop

    original = Journal.append
    monkeypatch.setattr(Journal, "append", stop_at_the_third)
    with pytest.raises(Stop):
        study.run(progress=False)
    monkeypatch.undo()
    assert (study.folder / "results.csv").exists()
    table = caviar.Study.open(study.folder).run(progress=False)
    expected = digits(tmp_path, "t").run(progress=False)
    pd.testing.assert_frame_equal(table.drop(columns=NOT_REPEATED), expected.drop(columns=NOT_REPEATED))


def test_a_stack_holds_trials_of_one_shape_and_none_is_lost():
    study = caviar.Study("digits", trials=16)
    space = caviar.default_space()
    points = np.random.default_rng(0).random((100, space.dimension))
    trials = trials_of(space.configs(points), 0, 1, 0)
    stacks = stacked(trials, study._subject.trainable(20), workers=4)
    assert sorted(trial.number for stack in stacks for trial in stack) == list(range(100))
    for stack in stacks:
        assert len({(t.config["batch_size"], t.config["hidden_layers"], -(-t.config["hidden_units"] // 16))
                    for t in stack}) == 1  # fmt: skip
    assert len(stacks) >= 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trials": 0}, "trials=0"),
        ({"trials": 4, "waves": 5}, "5"),
        ({"waves": [3, 4]}, "64"),
        ({"seed": -1}, "seed=-1"),
        ({"mode": "maximum"}, "mode='maximum'"),
        ({"metric": "val_acuracy"}, "did you mean 'val_accuracy'"),
        ({"metric": "test_accuracy"}, "held out"),
        ({"epochs": 0}, "epochs=0"),
        ({"search": "bayes"}, "search='bayes'"),
        ({"space": caviar.Space(learning_rate=0.1)}, "nothing varies"),
        ({"space": caviar.Space(seed=caviar.uniform(0, 1))}, "'seed'"),
        ({"space": caviar.Space(learning_rat=caviar.uniform(0, 1))}, "learning_rate"),
        ({"space": caviar.Space(momentum=caviar.uniform(0, 2))}, "momentum"),
        ({"space": {"momentum": caviar.uniform(0, 1)}}, "make it a caviar.Space"),
        ({"space": caviar.Space(val_accuracy=caviar.uniform(0, 1))}, "'val_accuracy', as the metric is"),
        ({"name": 3}, "name=3"),
        ({"waves": 2.5}, "waves=2.5"),
        ({"early_stopping": True}, "early_stopping=True"),
        ({"resources": {"cpu": "two"}}, "cpu='two'"),
        ({"resources": [1]}, "resources="),
        ({"trial_timeout": "10"}, "trial_timeout='10'"),
        ({"timeout": "10"}, "timeout='10'"),
        ({"address": 5}, "address=5"),
        ({"data": "digit"}, "digits"),
        ({"data": bowl}, "name the metric"),
        ({"data": bowl, "metric": "loss", "mode": "min"}, "what may vary of bowl"),
    ],
)
def test_bad_settings_are_one_sentence_before_anything_starts(tmp_path, settings, words):
    data = settings.pop("data", "digits")
    with pytest.raises(CaviarError, match=words) as error:
        caviar.Study(data, out=tmp_path / "s", **settings)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "s").exists()


def test_a_folder_that_holds_a_study_is_refused(tmp_path):
    digits(tmp_path, "s", trials=2, epochs=1, waves=1).run(progress=False)
    with pytest.raises(InputError, match="already holds a study"):
        digits(tmp_path, "s")


def test_other_data_than_those_of_the_start_are_refused(tmp_path):
    study = digits(tmp_path, "s", trials=2, epochs=1, waves=1)
    study.run(progress=False)
    random = np.random.default_rng(0)
    other = caviar.from_arrays(random.random((60, 3)), random.integers(0, 2, 60))
    with pytest.raises(InputError, match="other data"):
        caviar.Study.open(study.folder, data=other)


def test_a_study_of_arrays_asks_for_them_again(tmp_path):
    random = np.random.default_rng(0)
    x = random.random((80, 3))
    data = caviar.from_arrays(x, x @ [1.0, 2.0, 3.0], name="plane")
    study = caviar.Study(data, trials=4, waves=1, epochs=2, out=tmp_path / "s")
    table = study.run(progress=False)
    assert study.settings.metric == "val_rmse"
    assert study.settings.mode == "min"
    assert table["val_rmse"].notna().any()
    with pytest.raises(InputError, match="in no file"):
        caviar.Study.open(tmp_path / "s")
    assert len(caviar.Study.open(tmp_path / "s", data=data).table) == 4


def test_a_study_that_another_driver_runs_is_refused(tmp_path):
    study = digits(tmp_path, "s")
    journal = Journal(tmp_path / "s")
    with pytest.raises(StorageError, match="another driver"):
        study.run(progress=False)
    journal.close()


def test_the_journal_is_json_lines(tmp_path):
    study = digits(tmp_path, "s", trials=4, waves=1, epochs=1)
    study.run(progress=False)
    first, wave, *rest = [json.loads(line) for line in (study.folder / NAME).read_text().splitlines()]
    assert first["study"]["seed"] == 0
    assert len(wave["points"]) == 4
    assert sorted(record["trial"] for record in rest) == [0, 1, 2, 3]
