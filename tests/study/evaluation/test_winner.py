"""The winner is evaluated once, on rows that no trial has seen, and to the same numbers wherever it is."""

import json
from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest

import caviar
from caviar.data.dataset import from_arrays
from caviar.data.loaders import load_digits
from caviar.records import journal
from caviar.records.events import DataPrepared, WinnerEvaluated
from caviar.records.objective import Objective
from caviar.study.evaluation import winner as evaluation
from caviar.study.evaluation.winner import evaluate_winner

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 5))
LINE = from_arrays(X, 10 * X[:, 2] + X[:, 4] + 3, name="line")


def study(data, folder, **settings):
    return caviar.Study(data, trials=4, epochs=3, seed=0, workers=0, out=folder, **settings)


def evaluations(folder):
    return [event.evaluation for event in journal.read(folder) if isinstance(event, WinnerEvaluated)]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    made = study("digits", tmp_path_factory.mktemp("evaluation") / "digits")
    made.run(progress=False)
    return made


def exact(x):
    """Predicts `LINE` without an error, from its prepared rows."""
    raw = x * [column.scale for column in LINE.preparation.columns] + [c.mean for c in LINE.preparation.columns]
    return 10 * raw[:, 2] + raw[:, 4] + 3


def test_the_test_part_of_a_study_is_looked_at_once(digits):
    test = digits.outcome.test
    assert evaluations(digits.folder) == [test]
    assert caviar.Outcome.read(digits.folder).test == test
    assert (test.trial, test.metric, test.rows) == (digits.best.trial, "test_accuracy", len(load_digits().test_y))
    assert test.low < test.metrics["test_accuracy"] < test.high
    assert np.sum(test.confusion) == test.rows
    assert np.trace(test.confusion) / test.rows == test.metrics["test_accuracy"]
    assert test.labels == tuple("0123456789")
    assert sum(each.rows for each in test.calibration) == test.rows
    assert test.baseline["test_accuracy"] == pytest.approx(0.1, abs=0.02)
    assert len(test.columns) == 64
    digits.run(progress=False)
    assert evaluations(digits.folder) == [test]


def test_a_finished_study_without_it_gets_the_same_when_it_is_resumed(digits, tmp_path):
    lines = (digits.folder / "journal.jsonl").read_text().splitlines(keepends=True)
    assert json.loads(lines[-1])["event"] == "evaluation"
    (tmp_path / "journal.jsonl").write_text("".join(lines[:-1]))
    resumed = caviar.Study.open(tmp_path, workers=0)
    assert resumed.outcome.test is None
    resumed.run(progress=False)
    assert resumed.outcome.test == digits.outcome.test


def test_an_interrupted_evaluation_loses_nothing(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "evaluate_winner", interrupt)
    made = study("digits", tmp_path / "study")
    with pytest.raises(KeyboardInterrupt):
        made.run(progress=False)
    monkeypatch.undo()
    assert len(caviar.Outcome.read(made.folder).results) == 4
    assert (made.folder / "results.csv").exists()
    made.run(progress=False)
    assert len(evaluations(made.folder)) == 1


def test_nothing_is_evaluated_without_a_test_part_or_before_the_end(tmp_path):
    def train(config):
        return {"loss": config["x"]}

    space = caviar.Space(x=caviar.uniform(0, 1))
    made = study(train, tmp_path / "function", space=space, metric="loss", mode="min", isolation="none")
    made.run(progress=False)
    assert made.outcome.test is None
    whole = replace(LINE, test_x=LINE.test_x[:0], test_y=LINE.test_y[:0])
    made = study(whole, tmp_path / "whole")
    made.run(progress=False)
    assert made.outcome.test is None
    late = study("digits", tmp_path / "late", timeout=1e-6)
    late.run(progress=False)
    assert late.outcome.test is None


def test_numbers_have_residuals_and_the_decisive_column_first():
    test = evaluate_winner(exact, LINE, trial=7, objective=Objective("val_rmse", "min"))
    assert (test.trial, test.metric) == (7, "test_rmse")
    assert test.metrics["test_rmse"] == pytest.approx(0, abs=1e-4)
    assert test.baseline["test_rmse"] == pytest.approx(10, rel=0.3)
    assert [column.column for column in test.columns][:2] == ["2", "4"]
    assert [column.mean for column in test.columns[2:]] == pytest.approx([0, 0, 0], abs=1e-4)
    assert len(test.sample) == test.rows
    assert all(actual == pytest.approx(predicted, abs=1e-3) for actual, predicted in test.sample)
    assert test.residuals.q05 <= test.residuals.q50 <= test.residuals.q95
    assert test.labels == test.confusion == test.calibration == ()


def test_a_column_is_shuffled_with_all_its_features():
    slices = {"a": slice(0, 2), "twice": slice(2, 4), "empty": slice(4, 4), "b": slice(4, 5)}
    x = X.copy()
    x[:, 3] = x[:, 2]
    data = replace(from_arrays(x, x[:, 2] > 0, name="signs"), preparation=SimpleNamespace(slices=slices))

    def predict(x):  # right as long as one of the twins is there
        sign = (x[:, 2] + x[:, 3] > 0).astype(float)
        return np.stack([1 - sign, sign], axis=1)

    test = evaluate_winner(predict, data, trial=0, objective=Objective("val_accuracy", "max"))
    assert [column.column for column in test.columns] == ["twice", "a", "b"]
    assert test.columns[0].mean == pytest.approx(0.5, abs=0.15)
    assert test.columns[1].mean == 0


def test_scorers_are_reported_and_the_metric_of_the_study_is_the_main_one():
    objective = Objective("val_neg_mean_absolute_error", "max")
    test = evaluate_winner(
        lambda x: np.zeros((len(x), 1)), LINE, trial=0, objective=objective, scorers=["neg_mean_absolute_error"]
    )
    assert test.metric == "test_neg_mean_absolute_error"
    assert test.metrics[test.metric] == pytest.approx(-np.abs(LINE.test_y).mean())
    assert test.low < test.metrics[test.metric] < test.high
    assert set(test.baseline) == set(test.metrics) == {"test_rmse", "test_loss", test.metric}


def test_weights_of_rows_count():
    weights = np.where(np.arange(len(LINE.test_y)) == 0, 1.0, 0.0)
    weighted = replace(LINE, test_weights=weights)
    test = evaluate_winner(lambda x: np.zeros(len(x)), weighted, trial=0, objective=Objective("val_rmse", "min"))
    assert test.metrics["test_rmse"] == pytest.approx(abs(LINE.test_y[0]))


def test_what_was_done_with_the_columns_is_in_the_journal(tmp_path):
    notes = ("id was left out: it is different in each row.", "cut became 5 columns.")
    made = study(replace(LINE, notes=notes), tmp_path / "study")
    assert made.outcome.notes == notes
    made.run(progress=False)
    assert caviar.Outcome.read(made.folder).notes == notes
    events = list(journal.read(made.folder))
    assert events[1] == DataPrepared(notes)
    assert [field.name for field in fields(events[1])] == ["notes"]
