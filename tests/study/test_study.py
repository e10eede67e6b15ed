"""Studies from end to end, in this process; those that are about Ray run on it."""

import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.csv import read_csv
from caviar.errors import CaviarError, InputError, StorageError
from caviar.fleet.connect import Start, open_pool
from caviar.fleet.placement import Placement
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.journal import NAME, Journal
from tests.fleet.simulation import SimulatedTrainers

CLOCK = ["seconds", "began", "ended", "worker"]
SPACE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.loguniform(0.01, 1), kind=caviar.choice(["a", "b"]))


def study_of(function, out, **changes):
    arguments = {"space": SPACE, "metric": "loss", "mode": "min", "trials": 24, "waves": 2, "workers": 0, "out": out}
    return caviar.Study(function, **{**arguments, **changes})


def bowl(config, seed):
    return {"loss": (config["x"] - 0.3) ** 2 + (math.log10(config["y"]) + 1) ** 2 + (config["kind"] == "b")}


def digits(tmp_path, name, **changes):
    arguments = {"trials": 16, "waves": 2, "epochs": 3, "workers": 0, "out": tmp_path / name}
    return caviar.Study("digits", **{**arguments, **changes})


@pytest.mark.usefixtures("ray_cluster")
def test_the_same_seed_gives_the_same_table_whatever_the_workers(tmp_path):
    studies = [digits(tmp_path, str(workers), workers=workers) for workers in (0, 1, 3)]
    tables = [study.run(progress=False).drop(columns=CLOCK) for study in studies]
    histories = [study.history.drop(columns="seconds") for study in studies]
    for table, history in zip(tables[1:], histories[1:], strict=True):
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)
        pd.testing.assert_frame_equal(history, histories[0], check_exact=True)
    assert not tables[0].drop(columns=["trial", "wave", "seed"]).duplicated().any()
    other = digits(tmp_path, "other", seed=1).run(progress=False)
    assert not other["learning_rate"].equals(tables[0]["learning_rate"])


def test_the_files_of_a_study_hold_its_tables(tmp_path):
    study = digits(tmp_path, "study")
    table = study.run(progress=False)
    assert set(table["state"]) <= {"finished", "diverged"}
    assert not [name for name in table if name.startswith("test_")]
    for name, held in (("results", table), ("history", study.history), ("waves", study.waves)):
        written = read_csv(study.folder / f"{name}.csv")
        assert list(written) == list(held)
        for column in held.select_dtypes("float64"):
            np.testing.assert_array_equal(written[column], held[column])
    assert list(study.waves["kind"]) == ["coarse", "fine"]
    assert study.waves["square_share"][1] < study.waves["square_share"][0] == 1.0
    assert list(study.square["name"]) == list(study.settings.space.names)
    assert study.best.trial in set(table["trial"])
    assert repr(study) == f"<Study digits: 16 trials, in {study.folder}>"
    assert len(study.history) == table["epochs"].sum()


def text_classes():
    x = np.random.default_rng(0).normal(size=(200, 3))
    return caviar.from_arrays(x, np.where(x[:, 0] + x[:, 1] > 0.5, "yes", "no"), class_weight="balanced")


@pytest.mark.usefixtures("ray_cluster")
def test_scorers_are_tuned_by_and_reported_each_epoch_and_in_a_resumed_study(tmp_path):
    arguments = {"metric": "f1", "metrics": ["roc_auc", "neg_log_loss"], "trials": 4, "epochs": 3, "waves": 1}
    names = ["val_f1", "val_roc_auc", "val_neg_log_loss"]
    tables = []
    for workers in (0, 2):
        study = caviar.Study(text_classes(), out=tmp_path / str(workers), workers=workers, **arguments)
        tables.append(study.run(progress=False).drop(columns=CLOCK))
        assert study.history[names].notna().all().all()
        assert study.best.metrics["val_f1"] == tables[-1]["val_f1"].max()
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    lines = (study.folder / NAME).read_text().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / NAME).write_text("".join(lines[:3]))
    resumed = caviar.Study.open(tmp_path / "cut", data=text_classes(), workers=0)
    assert resumed.settings.metrics == ("f1", "roc_auc", "neg_log_loss")
    pd.testing.assert_frame_equal(resumed.run(progress=False).drop(columns=CLOCK), tables[0], check_exact=True)


def test_a_scorer_that_raises_fails_its_trial_alone(tmp_path):
    """Gamma deviance needs positive predictions, which networks that learn fast do not give at once."""
    x = np.random.default_rng(0).normal(size=(200, 3))
    data = caviar.from_arrays(x, np.exp(2 * x[:, 0]))
    space = {"learning_rate": [1e-9, 1.0], "hidden_layers": 0}
    arguments = {"metrics": ["neg_mean_gamma_deviance"], "trials": 2, "search": "grid", "workers": 0, "epochs": 2}
    table = caviar.Study(data, space=space, out=tmp_path / "s", **arguments).run(progress=False)
    assert set(table["state"]) == {"failed"}
    assert table["error"].str.contains("neg_mean_gamma_deviance cannot score the predictions .ValueError: Mean").all()


def test_a_function_is_zoomed_into(tmp_path):
    study = study_of(bowl, tmp_path / "s", trials=48, waves=3)
    table = study.run(progress=False)
    by_wave = table.groupby("wave")["loss"].median()
    assert by_wave[3] < by_wave[2] < by_wave[1]
    assert study.best.config["x"] == pytest.approx(0.3, abs=0.2)
    assert study.best.config["kind"] == "a"


def test_a_square_against_a_bound_is_reported_and_a_growing_search_extends_it(tmp_path):
    def slope(config, seed):
        return {"loss": -config["x"] + (config["y"] - 0.5) ** 2}

    def run(grow):
        space = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1))
        arguments = {"space": space, "metric": "loss", "mode": "min", "trials": 32, "waves": 4, "workers": 0}
        study = caviar.Study(slope, grow=grow, out=tmp_path / str(grow), **arguments)
        return study, study.run(progress=False)

    study, table = run(grow=False)
    assert any("x: the best values lie at the upper bound 1" in sentence for sentence in study.outcome.edges)
    assert table["x"].max() <= 1
    assert study.waves["edges"].str.contains("upper bound").any()
    study, table = run(grow=True)
    assert table["x"].max() > 1.2
    assert study.waves["x_high"].max() > 1
    assert any("x: upper bound extended from 1" in sentence for sentence in study.outcome.edges)
    again = caviar.Study.open(study.folder, data=slope, workers=0)
    assert again.square.equals(study.square)


def test_mode_max_mirrors_mode_min(tmp_path):
    def hill(config, seed):
        return {"score": -bowl(config, seed)["loss"]}

    arguments = {"space": SPACE, "trials": 24, "waves": 2, "workers": 0}
    down = caviar.Study(bowl, metric="loss", mode="min", out=tmp_path / "down", **arguments).run(progress=False)
    up = caviar.Study(hill, metric="score", mode="max", out=tmp_path / "up", **arguments).run(progress=False)
    assert (down["x"] == up["x"]).all()
    assert (down["loss"] == -up["score"]).all()


def test_failed_trials_are_rows_and_the_study_continues(tmp_path):
    def sometimes(config, seed):
        print("trying", config["x"])
        if config["x"] > 0.5:
            raise ValueError(f"x={config['x']} is too large")
        return {"loss": math.nan if config["x"] < 0.1 else config["x"]}

    study = study_of(sometimes, tmp_path / "s")
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

    study = study_of(broken, tmp_path / "s", trials=40)
    with pytest.raises(
        caviar.PausedError, match="10 trials in a row failed with 'OSError: no data on this host'"
    ) as end:
        study.run(progress=False)
    assert [(row.state, row.error) for row in study.table.itertuples()] == [
        ("failed", "OSError: no data on this host")
    ] * 10
    file = Path(str(end.value).partition("its traceback is in ")[2])
    assert 'raise OSError("no data on this host")' in file.read_text(encoding="utf-8")
    flag.touch()
    table = caviar.Study.open(study.folder, data=broken, workers=0).run(progress=False)
    assert (table["state"] == "finished").all()
    assert len(table) == 40


def test_an_interrupted_study_continues_to_the_same_table(tmp_path):
    undisturbed = digits(tmp_path, "whole")
    whole = undisturbed.run(progress=False)
    lines = (undisturbed.folder / NAME).read_text().splitlines(keepends=True)
    for kept in sorted({1, 2, 7, 18, 25, len(lines)}):
        folder = tmp_path / f"cut{kept}"
        folder.mkdir()
        (folder / NAME).write_text("".join(lines[:kept]))
        resumed = caviar.Study.open(folder, workers=0)
        assert len(resumed.outcome.results) == sum('"event":"trial"' in line for line in lines[:kept])
        table = resumed.run(progress=False)
        pd.testing.assert_frame_equal(table.drop(columns=CLOCK), whole.drop(columns=CLOCK), check_exact=True)
        assert resumed.best.trial == undisturbed.best.trial


class Interrupted:
    """Simulated trainers that Ctrl-C interrupts at a poll."""

    def __init__(self, trainers, at):
        self._trainers, self._left = trainers, at

    def __getattr__(self, name):
        return getattr(self._trainers, name)

    def poll(self, timeout=1.0):
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt
        return self._trainers.poll(timeout)


@given(at=st.integers(1, 30))
@settings(max_examples=8)
def test_ctrl_c_at_any_poll_keeps_what_has_finished(tmp_path_factory, at):
    folder = tmp_path_factory.mktemp("study")
    arguments = {"space": SPACE, "metric": "loss", "mode": "min", "trials": 16, "waves": 2, "workers": 0}
    arguments["isolation"] = "none"
    study = caviar.Study(bowl, out=folder / "s", **arguments)
    simulated = SimulatedTrainers(FunctionTrainable(bowl), "loss", workers=2)
    with pytest.raises(KeyboardInterrupt):
        study.run(progress=False, trainers=Interrupted(simulated, at))
    assert (folder / "s" / "results.csv").exists()
    resumed = caviar.Study.open(folder / "s", data=bowl, workers=0, isolation="none")
    assert len(resumed.table) == len(study.table)
    whole = caviar.Study(bowl, out=folder / "whole", **arguments).run(progress=False)
    table = resumed.run(progress=False)
    pd.testing.assert_frame_equal(table.drop(columns=CLOCK), whole.drop(columns=CLOCK), check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"trials": 0}, "trials must be an integer >= 1, got 0"),
        ({"trials": 4, "waves": 5}, "5"),
        ({"waves": [3, 4]}, "64"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"mode": "maximum"}, "mode must be 'min' or 'max', got 'maximum'"),
        ({"metric": "val_acuracy"}, "did you mean 'val_accuracy'"),
        ({"metric": "test_accuracy"}, "held out"),
        ({"epochs": 0}, "epochs must be an integer >= 1, got 0"),
        ({"search": "bayes"}, "search='bayes'"),
        ({"space": caviar.Space(learning_rate=0.1)}, "nothing varies"),
        ({"space": caviar.Space(seed=caviar.uniform(0, 1))}, "'seed'"),
        ({"space": caviar.Space(learning_rat=caviar.uniform(0, 1))}, "learning_rate"),
        ({"space": caviar.Space(momentum=caviar.uniform(0, 2))}, "momentum"),
        ({"space": {"momentum": caviar.uniform(0, 2)}}, "momentum"),
        ({"space": [caviar.uniform(0, 1)]}, "space must be a caviar.Space or a dict"),
        ({"space": {3: caviar.uniform(0, 1)}}, "name must be a non-empty string, got 3"),
        ({"space": {"": caviar.uniform(0, 1)}}, "name must be a non-empty string, got ''"),
        ({"space": {"trial": [1, 2]}}, "'trial' has the name of a column"),
        ({"mode": "minimize"}, "mode must be 'min' or 'max', got 'minimize'; try 'min'"),
        ({"n_trials": 9}, "Study has no argument 'n_trials'; it is called trials here"),
        ({"direction": "minimize"}, "Study has no argument 'direction'; it is called mode here"),
        ({"trails": 9}, "Study has no argument 'trails'; did you mean 'trials'?"),
        ({"space": caviar.Space(val_accuracy=caviar.uniform(0, 1))}, "'val_accuracy' has the metric's name"),
        ({"name": 3}, "name must be a non-empty string"),
        ({"waves": 2.5}, "waves"),
        ({"early_stopping": True}, "early_stopping must be"),
        ({"resources": {"cpu": "two"}}, "'cpu'"),
        ({"resources": [1]}, "resources must be a dict"),
        ({"trial_timeout": "10"}, "trial_timeout must be a number of seconds > 0 or None, got '10'"),
        ({"timeout": "10"}, "timeout must be a number of seconds > 0 or None, got '10'"),
        ({"address": 5}, "address must be"),
        ({"data": "digit"}, "digits"),
        ({"data": bowl}, "metric and mode are required"),
        ({"data": bowl, "metric": "loss", "mode": "min"}, "space is required"),
        ({"grow": 1}, "grow must be True or False"),
        ({"confirm": (1, 1)}, "replicates must be an integer >= 2, got 1"),
    ],
)
def test_an_invalid_setting_is_one_sentence_before_any_work_starts(tmp_path, arguments, words):
    data = arguments.pop("data", "digits")
    with pytest.raises(CaviarError, match=words) as error:
        caviar.Study(data, out=tmp_path / "s", **arguments)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("out", ["", 5, b"s", "a\0b", ["s"]])
def test_a_folder_that_is_no_path_is_refused(out):
    with pytest.raises(InputError, match="a study's folder must be a path, got"):
        caviar.Study("digits", out=out)


def test_settings_may_be_numbers_of_numpy(tmp_path):
    settings = {"trials": 8, "waves": 2, "epochs": 3, "seed": 200, "timeout": 600, "workers": 0}
    plain = study_of(bowl, tmp_path / "plain", early_stopping=caviar.Halving(2, 1), stop={"loss": 0}, **settings)
    narrow = {name: np.uint16(value) for name, value in settings.items()}
    early = caviar.Halving(np.int8(2), np.int8(1))
    study = study_of(bowl, tmp_path / "narrow", early_stopping=early, stop={"loss": np.float32(0)}, **narrow)
    assert (study.settings, study.placement) == (plain.settings, plain.placement)
    study.run(progress=False)
    assert caviar.Study.open(study.folder, data=bowl, workers=np.int64(0)).settings == plain.settings


@pytest.mark.parametrize(
    ("data", "isolation", "imported", "start"),
    [
        ("digits", "process", True, Start.BEFORE_RAY),
        (bowl, "process", False, Start.IN_PROCESSES),
        (bowl, "process", True, Start.ON_RAY),  # it may use Ray
        (bowl, "none", False, Start.ON_RAY),  # it may hang in its trainer
    ],
)
def test_trials_begin_without_ray_if_they_can(tmp_path, monkeypatch, data, isolation, imported, start):
    """Ray takes seconds to start."""
    asked = []

    def local(*arguments, start):
        asked.append(start)
        return open_pool(*arguments[:2], Placement(0))

    monkeypatch.setattr("caviar.study.run.open_pool", local)
    monkeypatch.setattr("caviar.study.run.check_cluster", lambda placement: None)
    monkeypatch.setitem(sys.modules, "ray", sys.modules.get("ray"))
    if not imported:
        monkeypatch.delitem(sys.modules, "ray")
    own = {} if data == "digits" else {"space": SPACE, "metric": "loss", "mode": "min"}
    study = caviar.Study(data, **own, trials=2, waves=1, workers=2, epochs=1, isolation=isolation, out=tmp_path / "s")
    study.run(progress=False)
    assert asked == [start]


def test_a_folder_that_holds_a_study_is_refused(tmp_path):
    digits(tmp_path, "s", trials=2, epochs=1, waves=1).run(progress=False)
    with pytest.raises(InputError, match="already holds a study"):
        digits(tmp_path, "s")


def test_other_data_than_those_of_the_start_are_refused(tmp_path):
    study = digits(tmp_path, "s", trials=2, epochs=1, waves=1)
    study.run(progress=False)
    random = np.random.default_rng(0)
    other = caviar.from_arrays(random.random((60, 3)), random.integers(0, 2, 60))
    with pytest.raises(InputError, match="different data"):
        caviar.Study.open(study.folder, data=other, workers=0)


def test_a_study_of_arrays_asks_for_them_again(tmp_path):
    random = np.random.default_rng(0)
    x = random.random((80, 3))
    data = caviar.from_arrays(x, x @ [1.0, 2.0, 3.0], name="plane")
    study = caviar.Study(data, trials=4, waves=1, epochs=2, workers=0, out=tmp_path / "s")
    table = study.run(progress=False)
    assert study.settings.objective.metric == "val_rmse"
    assert study.settings.objective.mode == "min"
    assert table["val_rmse"].notna().any()
    with pytest.raises(InputError, match="pass"):
        caviar.Study.open(tmp_path / "s", workers=0)
    assert len(caviar.Study.open(tmp_path / "s", data=data, workers=0).table) == 4


def test_a_study_that_another_driver_runs_is_refused(tmp_path):
    study = digits(tmp_path, "s")
    journal = Journal(tmp_path / "s")
    with pytest.raises(StorageError, match="another driver"):
        study.run(progress=False)
    journal.close()


def test_lists_in_an_old_journal_are_constants_still(tmp_path):
    """`list_constants.jsonl` was written when a list in a space was a constant; its last trial is missing."""
    (tmp_path / "s").mkdir()
    shutil.copy(Path(__file__).parent / "list_constants.jsonl", tmp_path / "s" / NAME)
    under = caviar.Space(beta=caviar.uniform(0, 1), sizes=caviar.constant([1, [2]]))
    space = caviar.Space(
        x=caviar.uniform(0, 1),
        batch_size=caviar.constant([32, 64]),
        empty=caviar.constant([]),
        kind=caviar.choice({"a": under, "b": None}),
    )
    configs = []

    def train(config):
        configs.append(config)
        return {"loss": config["x"]}

    study = caviar.Study.open(tmp_path / "s", data=train, workers=0, isolation="none")
    assert study.settings.space == space
    table = study.run(progress=False)
    assert configs == [{**EXPECTED, "x": table["x"][3]}]
    assert table["batch_size"].tolist() == [[32, 64]] * 4


EXPECTED = {
    "batch_size": [32, 64], "empty": [], "kind": "a", "beta": 0.1906588077545166, "sizes": [1, [2]]
}  # fmt: skip
ODD = ["optimizer.lr", "model__C", "learning rate", "class", "=1+1", 'a,"b"', "grösse", "x\ny", "self", "data"]


def test_a_dict_is_a_space_and_its_names_need_not_be_identifiers(tmp_path):
    def train(config):
        assert set(config) == {*ODD, "batch", "sizes"}
        return {"loss": sum(config[name] for name in ODD) + config["batch"]}

    space = {**dict.fromkeys(ODD, caviar.uniform(0, 1)), "batch": [32, 64], "sizes": caviar.constant([8, 8])}
    study = study_of(train, tmp_path / "s", space=space, trials=8)
    assert study.settings.space == caviar.Space(**space)
    study.enqueue({**dict.fromkeys(ODD, 0.5), "batch": 32, "sizes": [8, 8]})
    table = study.run(progress=False)
    assert (table["state"] == "finished").all()
    assert table.loc[0, ODD].tolist() == [0.5] * len(ODD)
    assert list(study.square["name"]) == [*ODD, "batch"]
    written = pd.read_csv(study.folder / "results.csv")
    assert len(written) == len(table)
    assert study.report().read_text().count("learning rate")
    assert study.plot.parallel()
    assert study.plot.squares()
    opened = caviar.Study.open(study.folder, data=train)
    assert opened.settings == study.settings
    other = study_of(train, tmp_path / "t", space=opened.settings.space)
    assert other.warm_start(study) == 8
    assert other.warm_start(table) == 8


def test_attributes_of_other_tuners_are_answered_with_their_names_here(tmp_path):
    study = digits(tmp_path, "s")
    for name, words in {
        "best_params": "it is called study.best.config here",
        "best_value": "it is called study.best.metrics here",
        "trials_dataframe": "it is called study.table here",
        "optimize": r"it is called study.run\(\) here",
        "bets": "did you mean 'best'?",
    }.items():
        assert not hasattr(study, name)
        with pytest.raises(AttributeError, match=f"Study has no attribute {name!r}; {words}"):
            getattr(study, name)
    with pytest.raises(
        AttributeError, match=r"Outcome has no attribute 'best_params'; it is called outcome.best.config"
    ):
        _ = study.outcome.best_params
    with pytest.raises(AttributeError, match=r"'optimize'; it is called Study.open\(folder\).run\(\) here"):
        _ = study.outcome.optimize
    with pytest.raises(InputError, match="no trial of"):
        _ = study.best


def test_an_attribute_error_inside_of_a_property_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(caviar.Outcome, "table", property(lambda self: self.missing_inside))
    with pytest.raises(AttributeError, match="missing_inside"):
        _ = digits(tmp_path, "s").table
