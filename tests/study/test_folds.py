"""Cross-validation: a trial trains on every fold, and reports the means."""

import statistics

import numpy as np
import pandas as pd

import caviar
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.model.training import Training
from caviar.records.model_files import ModelFiles
from caviar.records.trial import Trial
from caviar.study.models import train_again


def flowers(validation, rows=120):
    kind = np.arange(rows) % 3
    noise = np.random.default_rng(1).normal(size=(rows, 2))
    table = pd.DataFrame({"width": kind + noise[:, 0], "height": kind - noise[:, 1], "kind": kind})
    table.loc[::7, "width"] = np.nan
    return caviar.load_table(table, "kind", validation=validation)


def test_reports_are_the_means_over_the_folds():
    data = flowers(3)
    trials = tuple(Trial(number, 1, {"learning_rate": 0.01 * (number + 1)}, number) for number in range(2))
    run = NetworkTrainable(data, epochs=2, scorers=("f1_macro",)).load().start(trials)
    reports = [run.epoch(None, None), run.epoch(None, None)]
    assert run.epoch(None, None) == []
    alone = [Training([t.config for t in trials], [0, 1], fold, epochs=2) for fold in data.folds]
    for epoch in reports:
        of_folds = [training.epoch() for training in alone]
        for member, report in enumerate(epoch):
            for name in ("train_loss", "val_loss", "val_accuracy"):
                assert report[name] == statistics.fmean(fold[member][name] for fold in of_folds)
            assert 0 < report["val_f1_macro"] <= 1
            assert isinstance(report["parameters"], int)


def test_a_trial_that_diverges_in_one_fold_diverges(tmp_path):
    space = caviar.Space(learning_rate=[1e30, 0.01])
    study = caviar.Study(flowers(3), space=space, trials=2, epochs=2, workers=0, out=tmp_path / "s", search="grid")
    table = study.run(progress=False).set_index("learning_rate")
    assert table["state"].to_dict() == {1e30: "diverged", 0.01: "finished"}


def test_the_winner_is_trained_on_all_rows_but_those_of_the_test_part(tmp_path):
    data = flowers({"folds": 3})
    settings = {"trials": 6, "epochs": 3, "workers": 0, "confirm": (1, 2)}
    study = caviar.Study(data, **settings, out=tmp_path / "s")
    study.run(progress=False)
    kept = ModelFiles(study.folder).read(study.best.trial)
    (again,) = train_again([study.best], data, 3)
    np.testing.assert_array_equal(kept.predict(data.test_x), again.predict(data.test_x))
    assert study.outcome.test.rows == len(data.test_y)
    table = pd.DataFrame({"width": [0.0, None], "height": [1.0, 2.0]})
    assert caviar.Outcome.read(study.folder).model().predict(table).shape == (2,)
