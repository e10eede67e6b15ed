"""A study in Optuna's storage: every trial with its config, state, curve and times; live too."""

import math
import re
import warnings

import optuna
import pytest
from optuna.trial import TrialState

import caviar
from caviar.errors import InputError
from caviar.optuna import OptunaCallback
from caviar.records.trial import State

SPACE = caviar.Space(
    rate=caviar.loguniform(1e-4, 1.0),
    momentum=caviar.reverseloguniform(0.9, 0.999),
    units=caviar.randint(16, 256, step=16),
    share=caviar.uniform(0, 1, step=0.05),
    size=caviar.choice([32, 64, 128]),
    kind=caviar.choice(
        {"net": caviar.Space(depth=caviar.randint(1, 3)), "tree": caviar.Space(leaves=caviar.lograndint(2, 64))}
    ),
    shape=caviar.choice([(1, 2), None]),
    fixed=caviar.constant("yes"),
)


def train(config, seed):
    if config["units"] > 230:
        raise ValueError("too wide")
    for epoch in range(1, 10):
        loss = math.inf if config["rate"] > 0.7 else abs(math.log10(config["rate"]) + 2) + 1 / epoch
        yield {"loss": loss, "other": float(epoch)}


def study_in(folder, **changes):
    settings = {"trials": 40, "seed": 3, "early_stopping": "halving", "workers": 0, "isolation": "none"} | changes
    return caviar.Study(train, space=SPACE, metric="loss", mode="min", name="made", out=folder, **settings)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    study = study_in(tmp_path_factory.mktemp("optuna") / "study")
    study.run(progress=False, failures=math.inf)
    return study.outcome


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path / 'studies.db'}"


STATES = {State.FINISHED: TrialState.COMPLETE, State.STOPPED: TrialState.PRUNED}


def test_every_trial_is_there_with_its_config_state_value_curve_and_times(outcome, storage):
    outcome.to_optuna(storage)
    study = optuna.load_study(study_name="made", storage=storage)
    assert study.direction.name == "MINIMIZE"
    assert len(study.trials) == len(outcome.results)
    assert {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL} == {trial.state for trial in study.trials}
    history = outcome.history
    for trial, result in zip(study.trials, outcome.results, strict=True):
        assert trial.number == result.trial == trial.user_attrs["trial"]
        assert trial.state is STATES.get(result.state, TrialState.FAIL)
        assert trial.user_attrs["state"] == result.state
        assert trial.user_attrs.get("error", "") == result.error
        expected = {name: str(v) if isinstance(v, tuple) else v for name, v in result.config.items() if name != "fixed"}
        assert trial.params == pytest.approx(expected)
        assert trial.user_attrs["fixed"] == "yes"
        curve = history[history["trial"] == result.trial]
        assert trial.intermediate_values == dict(zip(curve["epoch"], curve["loss"], strict=True))
        if result.state is State.FINISHED:
            assert trial.value == result.metrics["loss"]
            assert trial.user_attrs["other"] == result.metrics["other"]
        assert trial.datetime_start.timestamp() == pytest.approx(result.began, abs=1e-3)
        assert trial.datetime_complete.timestamp() == pytest.approx(result.ended, abs=1e-3)


def test_the_best_trial_and_the_importances_of_optuna_are_those_of_the_study(outcome, storage):
    study = outcome.to_optuna(storage)
    finished = outcome.table[outcome.table["state"] == "finished"]
    assert study.best_value == finished["loss"].min()
    names = next(iter(study.trials)).distributions
    assert names["rate"].log
    assert not names["momentum"].log
    assert (names["units"].step, names["share"].step) == (16, 0.05)
    assert names["size"].choices == (32, 64, 128)


def test_a_study_of_the_same_name_is_refused_unless_another_name_is_passed(outcome, storage):
    outcome.to_optuna(storage)
    with pytest.raises(InputError, match="the storage has a study named 'made'; pass another name"):
        outcome.to_optuna(storage)
    assert len(outcome.to_optuna(storage, name="again").trials) == len(outcome.results)


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ("studies.db", "got 'studies.db'; try 'sqlite:///studies.db'"),
        (5, "storage must be the URL of a database or a storage of Optuna's, got 5"),
        ("sqlite:////nowhere/studies.db", "cannot open the storage sqlite:////nowhere/studies.db (unable to open"),
        ("bogus://me:secret@host/x", "cannot open the storage bogus://***@host/x"),
    ],
)
def test_a_storage_that_cannot_be_opened_is_one_sentence(outcome, storage, words):
    with pytest.raises(InputError, match=re.escape(words)):
        outcome.to_optuna(storage)


def test_no_warning_reaches_the_user(outcome):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome.to_optuna(optuna.storages.InMemoryStorage())


def test_live_trials_are_those_of_the_study_and_a_resumed_study_goes_on(tmp_path, storage):
    study = study_in(tmp_path / "study", early_stopping=None, trials=12, waves=1)
    study.run(progress=False, failures=math.inf, callbacks=[OptunaCallback(storage)])
    study.extend(trials=6)
    study.run(progress=False, failures=math.inf)  # without the callback
    study.extend(trials=6)
    study.run(progress=False, failures=math.inf, callbacks=[OptunaCallback(storage)])
    live = optuna.load_study(study_name="made", storage=storage)
    assert sorted(trial.user_attrs["trial"] for trial in live.trials) == [
        result.trial for result in study.outcome.results
    ]
    values = {trial.user_attrs["trial"]: trial.value for trial in live.trials if trial.value is not None}
    assert values == {r.trial: r.metrics["loss"] for r in study.outcome.results if r.state is State.FINISHED}


def test_another_study_of_the_same_name_is_left_alone(tmp_path, storage, caplog):
    for name, mode in (("one", "min"), ("other", "max")):
        study = caviar.Study(
            lambda config, seed: {"loss": config["x"]}, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss",
            mode=mode, trials=4, seed=len(name), out=tmp_path / name, workers=0, isolation="none", confirm=False,
        )  # fmt: skip
        study.run(progress=False, callbacks=[OptunaCallback(storage, name="live")])
    live = optuna.load_study(study_name="live", storage=storage)
    assert (len(live.trials), live.direction.name) == (4, "MINIMIZE")
    warnings_ = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings_) == 1
    assert "the storage has another study named 'live'; pass another name, or delete it" in warnings_[0]


def test_a_storage_that_is_none_is_refused_before_the_study_begins():
    with pytest.raises(InputError, match=r"storage must be the URL of a database .* got 'a.db'; try 'sqlite:///a.db'"):
        OptunaCallback("a.db")


def test_values_beyond_bounds_that_have_grown_are_kept(tmp_path, storage):
    settings = {"metric": "loss", "mode": "min", "trials": 24, "seed": 0, "grow": True, "confirm": False}
    study = caviar.Study(
        lambda config, seed: {"loss": config["x"]},
        space=caviar.Space(x=caviar.loguniform(0.1, 1)),
        out=tmp_path / "study",
        workers=0,
        isolation="none",
        **settings,
    )
    table = study.run(progress=False)
    assert table["x"].min() < 0.1
    written = study.outcome.to_optuna(storage)
    assert [trial.params["x"] for trial in written.trials] == table["x"].tolist()
