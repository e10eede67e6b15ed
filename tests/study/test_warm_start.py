"""Configs that are trained first, and searches that begin with finished trials."""

import pandas as pd
import pytest

import caviar
from caviar.errors import InputError
from caviar.insight.ends import ends

SPACE = caviar.Space(
    x=caviar.uniform(0, 1),
    units=caviar.randint(1, 100),
    kind=caviar.choice({"a": None, "b": caviar.Space(y=caviar.uniform(0, 1))}),
)


def bowl(config, seed):
    return {"loss": (config["x"] - 0.3) ** 2 + abs(config["units"] - 50) / 100 + (config["kind"] == "b")}


def study_of(tmp_path, name, space=SPACE, **settings):
    defaults = {"metric": "loss", "mode": "min", "trials": 12, "waves": 2, "workers": 0, "out": tmp_path / name}
    return caviar.Study(bowl, space=space, **{**defaults, **settings})


def test_enqueued_configs_are_trained_first_as_given(tmp_path):
    configs = [{"x": 0.1, "units": 7, "kind": "a"}, {"x": 0.30000000000000004, "units": 50, "kind": "b", "y": 0.2}]
    study = study_of(tmp_path, "s")
    for config in configs:
        study.enqueue(config)
    table = study.run(progress=False)
    assert len(table) == 12
    assert [study.outcome.results[i].config for i in range(2)] == configs
    assert not table[["x", "units", "kind"]].duplicated().any()
    resumed = caviar.Study.open(study.folder, data=bowl, workers=0)
    assert [r.config for r in resumed.outcome.results] == [r.config for r in study.outcome.results]
    with pytest.raises(InputError, match="has begun"):
        resumed.enqueue(configs[0])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("a", "must be a dict"),
        ({"x": 2, "units": 7, "kind": "a"}, "x"),
        ({"x": 0.1, "units": 7}, "'kind'"),
        ({"xx": 1}, "'xx'"),
    ],
)
def test_a_config_outside_of_the_space_is_refused(tmp_path, config, words):
    with pytest.raises(InputError, match=words):
        study_of(tmp_path, "s").enqueue(config)


def test_a_search_begins_with_the_trials_of_a_csv_file(tmp_path):
    old = study_of(tmp_path, "old", trials=24)
    old.run(progress=False)
    cold, warm = study_of(tmp_path, "cold", seed=1), study_of(tmp_path, "warm", seed=1)
    assert warm.warm_start(old.folder / "results.csv") == 24
    assert study_of(tmp_path, "same", seed=1).warm_start(old) == 24
    first = [study.run(progress=False).query("wave == 1")["loss"].median() for study in (cold, warm)]
    assert first[1] < first[0]
    table = warm.table
    assert len(table) == 12
    assert warm.best.trial in set(table["trial"])
    resumed = caviar.Study.open(warm.folder, data=bowl, workers=0)
    assert [r.trial for r in resumed.outcome.ranking] == [r.trial for r in warm.outcome.ranking]


def test_rows_outside_of_the_space_are_left_out(tmp_path):
    old = study_of(tmp_path, "old", trials=24)
    table = old.run(progress=False)
    narrow = SPACE.around(old.best)
    inside = study_of(tmp_path, "new", space=narrow).warm_start(table)
    assert 0 < inside < 24
    with pytest.raises(InputError, match="no column 'units'"):
        study_of(tmp_path, "new").warm_start(table.drop(columns="units"))
    with pytest.raises(InputError, match="no file"):
        study_of(tmp_path, "new").warm_start("missing.csv")
    with pytest.raises(InputError, match="'loss' of the warm start must hold numbers"):
        study_of(tmp_path, "new").warm_start(table.assign(loss="low"))
    with pytest.raises(InputError, match="got None"):
        study_of(tmp_path, "new").warm_start(None)
    with pytest.raises(InputError, match="none of the 24"):
        study_of(tmp_path, "new").warm_start(table.assign(x=5.0))
    assert (
        study_of(tmp_path, "new").warm_start(pd.DataFrame({"x": [0.5], "units": [3], "kind": ["a"], "loss": [1]})) == 1
    )


def test_a_missing_metric_counts_as_failed(tmp_path):
    losses = pd.array([1, None], dtype="Int64")
    table = pd.DataFrame({"x": [0.5, 0.1], "units": [3, 4], "kind": ["a", "a"], "loss": losses})
    study = study_of(tmp_path, "new")
    assert study.warm_start(table) == 2
    (observed,) = study.outcome.search_log
    assert observed.values.tolist() == pytest.approx([1.0, float("nan")], nan_ok=True)


def test_stopped_trials_of_an_earlier_study_count_with_their_predicted_ends(tmp_path):
    def train(config, seed):
        for epoch in range(1, 17):
            yield {"loss": config["x"] + 3 * config["y"] * 0.5 ** (epoch / 2)}

    settings = {"space": {"x": caviar.uniform(0, 1), "y": caviar.uniform(0, 1)}, "metric": "loss", "mode": "min"}
    settings |= {"trials": 32, "search": "random", "confirm": False, "workers": 0, "isolation": "none"}
    first = caviar.Study(train, **settings, epochs=16, early_stopping="halving", out=tmp_path / "first")
    first.run(progress=False)
    for trials in (first, first.outcome):
        second = caviar.Study(train, **settings, out=tmp_path / "second")
        second.warm_start(trials)
        told = second.record.state.search_log[0].values
        assert (told == ends(first.outcome)).all()
        assert (told != first.table["loss"]).any()
