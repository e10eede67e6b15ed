"""The path from a baseline to a winner, one change at a time."""

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.study.explanation import SeedMean, explain

SPACE = caviar.Space(
    small=caviar.uniform(0, 1), large=caviar.uniform(0, 1), nothing=caviar.uniform(0, 1, default=0.25)
)  # fmt: skip


def study_of(folder, function, space=SPACE, run=True, **changes):
    settings = {"metric": "score", "mode": "max", "trials": 12, "isolation": "none", "workers": 0, "confirm": False}
    study = caviar.Study(function, space=space, out=folder, **{**settings, **changes})
    if run:
        study.run(progress=False)
    return study


def additive(config, seed):
    noise = 0.01 * np.random.default_rng(seed).standard_normal()
    return {"score": -((config["small"] - 0.9) ** 2) - 5 * (config["large"] - 0.9) ** 2 + noise}


def test_the_largest_gain_comes_first_and_the_gains_add_up(tmp_path):
    study = study_of(tmp_path, additive, trials=40)
    before = study.table
    found = explain(study, seeds=4)
    assert found.trial == study.best.trial
    assert found.changes[0].name == "large"
    assert found.source == "the defaults"
    assert found.baseline == {"small": 0.5, "large": 0.5, "nothing": 0.25}
    assert found.total.mean == pytest.approx(sum(change.gain.mean for change in found.changes))
    assert found.trainings == 2 * (3 + 2) + 4 * 4
    nothing = next(change for change in found.changes if change.name == "nothing")
    assert nothing.gain.mean == pytest.approx(0, abs=1e-12)  # paired by seed
    assert not nothing.shown
    assert "nothing: no gain that 4 seeds show" in str(found)
    assert study.table.equals(before)
    assert caviar.Outcome.read(study.folder).table.equals(before)


def test_the_same_study_has_the_same_explanation_from_its_folder(tmp_path):
    study = study_of(tmp_path, additive, space={"large": caviar.uniform(0, 1), "small": 0.5}, trials=4)
    assert explain(study.folder, data=additive, seeds=2) == explain(study, seeds=2)


def test_gains_are_positive_where_the_metric_is_minimised(tmp_path):
    study = study_of(tmp_path, lambda config, seed: {"score": (config["large"] - 0.9) ** 2}, mode="min", trials=30)
    found = explain(study, baseline={"large": 0.0}, seeds=2)
    assert found.total.mean > 0.5
    assert found.start.mean == pytest.approx(0.81)


def test_a_function_without_a_seed_is_called_once_a_config(tmp_path):
    study = study_of(tmp_path, lambda config: {"score": -((config["large"] - 0.9) ** 2)})
    found = explain(study)
    assert found.seeds == 1
    assert found.start == SeedMean(-(0.4**2), -(0.4**2), -(0.4**2))


def test_an_enqueued_config_is_the_baseline(tmp_path):
    study = study_of(tmp_path, additive, run=False)
    study.enqueue({"small": 0.1, "large": 0.2, "nothing": 0.3})
    study.run(progress=False)
    found = explain(study, seeds=2)
    assert found.source == "the first enqueued config"
    assert found.baseline == {"small": 0.1, "large": 0.2, "nothing": 0.3}


def test_a_choice_changes_with_what_lies_under_its_options(tmp_path):
    space = caviar.Space(
        optimizer=caviar.choice({"sgd": {"momentum": caviar.uniform(0, 1)}, "adam": {"beta": caviar.uniform(0, 1)}}),
        x=caviar.uniform(0, 1),
    )
    calls = []

    def train(config, seed):
        calls.append(set(config))
        return {"score": config.get("beta", -1) + config["x"]}

    found = explain(study_of(tmp_path, train, space=space, trials=30), baseline={"optimizer": "sgd"}, seeds=2)
    assert {change.name for change in found.changes} == {"optimizer", "x"}
    assert all(names in ({"optimizer", "momentum", "x"}, {"optimizer", "beta", "x"}) for names in calls)


def test_a_config_that_fails_is_never_preferred_and_has_no_number(tmp_path):
    def train(config, seed):
        if config["large"] > 0.6 and config["small"] < 0.6:
            raise ValueError("only together")
        return {"score": config["small"] + config["large"]}

    study = study_of(tmp_path, train, run=False, trials=20)
    study.enqueue({"small": 0.3, "large": 0.3, "nothing": 0.3})
    study.run(progress=False, failures=np.inf)
    found = explain(study, seeds=2)
    names = [change.name for change in found.changes]
    assert names.index("small") < names.index("large")
    assert np.isfinite(found.total.mean)


def test_a_baseline_that_fails_has_an_unknown_value(tmp_path):
    study = study_of(tmp_path, lambda config, seed: {"score": config["large"] if config["large"] > 0.1 else np.nan})
    found = explain(study, baseline={"large": 0.0}, seeds=2)
    assert np.isnan(found.start.mean)
    assert "over the baseline, (unknown: a training did not finish)" in str(found)


def test_a_baseline_that_is_no_dict_is_refused(tmp_path):
    with pytest.raises(InputError, match="baseline must be a dict of hyperparameters, got 5"):
        explain(study_of(tmp_path, additive), baseline=5)


def test_the_built_in_network_starts_from_its_own_defaults(tmp_path):
    space = {"learning_rate": caviar.loguniform(1e-4, 1.0), "hidden_units": caviar.randint(100, 120)}
    study = caviar.Study("digits", space=space, trials=4, epochs=1, workers=0, out=tmp_path)
    study.run(progress=False)
    found = explain(study, seeds=2)
    assert found.baseline == {"learning_rate": 0.001, "hidden_units": 110}  # 64 units are not in the space


@pytest.mark.parametrize("seeds", [2, 8])
def test_intervals_hold_the_truth(seeds):
    draws = np.random.default_rng(0).standard_normal((1000, seeds))
    held = sum(estimate.low <= 0 <= estimate.high for estimate in map(SeedMean.of, draws))
    assert 925 <= held <= 975  # of 1,000 at 95%; others have a probability of 4e-4


def test_a_table_has_the_baseline_and_a_row_for_each_change(tmp_path):
    found = explain(study_of(tmp_path, additive), seeds=2)
    table = found.table()
    assert table["change"].tolist() == ["", *(change.name for change in found.changes)]
    assert table["score"].iloc[0] == found.start.mean
    assert table["gain"].iloc[1:].sum() == pytest.approx(found.total.mean)
    assert "<table" in found._repr_html_()


def test_the_winner_itself_needs_no_explanation(tmp_path):
    study = study_of(tmp_path, additive)
    found = explain(study, baseline=study.best.config, seeds=2)
    assert found.changes == ()
    assert "nothing to explain" in str(found)


def test_what_cannot_be_explained(tmp_path):
    study = study_of(tmp_path, lambda config, seed: {"score": config["large"] if config["large"] < 0.9 else np.nan})
    diverged = int(study.table["trial"][study.table["state"] == "diverged"].iloc[0])
    with pytest.raises(InputError, match=f"trial {diverged} diverged; explain one that has finished"):
        explain(study, diverged)
    with pytest.raises(InputError, match="baseline has 'larg', which is not in the space; did you mean 'large'"):
        explain(study, baseline={"larg": 0.5})
    with pytest.raises(InputError, match="seeds must be an integer >= 2, got 1"):
        explain(study, seeds=1)
