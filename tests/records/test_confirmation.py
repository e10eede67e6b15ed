"""The confirming wave, and what it says about the winner."""

import math

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.csv import read_csv
from caviar.records.confirmation import confirmation_table
from caviar.records.journal import NAME
from caviar.records.objective import Objective
from caviar.records.trial import Result, State

SPACE = caviar.Space(x=caviar.uniform(0, 1))


def result(trial, value, confirms=None, state=State.FINISHED):
    metrics = {"loss": value} if state is State.FINISHED else {}
    return Result(trial, 1, state, {}, metrics, 1, 0.0, 0, "", confirms=confirms)


def table_of(values, mode="min", seen=0.0):
    """The confirmation of configs whose replicates have these values."""
    ranking = [result(i, seen) for i in range(len(values))]
    replicates = {i: [result(100, v, i, State.FAILED if v is None else State.FINISHED) for v in row]
                  for i, row in enumerate(values)}  # fmt: skip
    return confirmation_table(ranking, replicates, Objective("loss", mode))


def test_by_hand():
    table = table_of([[3.0, 5.0], [1.0, 3.0]])
    assert list(table["trial"]) == [1, 0]
    assert list(table["mean"]) == [2.0, 4.0]
    # s^2 = (2 + 2) / 2 degrees of freedom; t(0.975, 2) = 4.3027; the half width is t s / sqrt(2)
    assert table["high"][0] - 2.0 == pytest.approx(4.302653 * math.sqrt(2.0) / math.sqrt(2.0))
    assert table["probability"].sum() == pytest.approx(1.0)
    assert 0.5 < table["probability"][0] < 1.0


def test_the_best_comes_first_in_either_mode_and_failures_last():
    values = [[0.5, 0.6], [0.9, 0.8], [0.1, None]]
    assert list(table_of(values)["trial"]) == [0, 1, 2]
    assert list(table_of(values, mode="max")["trial"]) == [1, 0, 2]
    assert list(table_of(values)["finished"]) == [2, 2, 1]


def test_without_noise_the_best_is_certain_and_equals_share():
    assert list(table_of([[1.0, 1.0], [2.0, 2.0]])["probability"]) == [1.0, 0.0]
    assert list(table_of([[1.0, 1.0], [1.0, 1.0]])["probability"]) == [0.5, 0.5]
    assert len(table_of([])) == 0


def test_intervals_and_probabilities_are_calibrated():
    """Over many studies: 95% of the intervals cover, and winners are the best as often as they say."""
    random = np.random.default_rng(0)
    covered, claimed, right = [], [], []
    for _ in range(400):
        means = random.normal(0, 1, 3)
        table = table_of((means[:, None] + random.normal(0, 1, (3, 4))).tolist())
        truth = means[table["trial"]]
        covered += list((table["low"] <= truth) & (truth <= table["high"]))
        claimed.append(table["probability"][0])
        right.append(table["trial"][0] == means.argmin())
    assert np.mean(covered) == pytest.approx(0.95, abs=0.025)
    assert np.mean(right) == pytest.approx(np.mean(claimed), abs=0.06)


def noisy(config, seed):
    return {"loss": (config["x"] - 0.5) ** 2 + 0.3 * np.random.default_rng(seed).standard_normal()}


def test_the_winner_is_trained_again_and_the_study_resumes_to_the_same_table(tmp_path):
    settings = {
        "space": SPACE,
        "metric": "loss",
        "mode": "min",
        "trials": 20,
        "waves": 2,
        "confirm": (3, 5),
        "workers": 0,
    }
    study = caviar.Study(noisy, out=tmp_path / "whole", **settings)
    table = study.run(progress=False)
    assert len(table) == 20 + 15
    again = table[table["confirms"].notna()]
    assert list(again.groupby("confirms").size()) == [5, 5, 5]
    for row in again.itertuples():
        assert row.x == table["x"][row.confirms]
        assert row.seed != table["seed"][row.confirms]
    assert list(study.waves["kind"]) == ["coarse", "fine", "confirm"]
    confirmation = study.confirmation
    means = again.groupby("confirms")["loss"].mean()
    assert study.best.trial == confirmation["trial"][0] == means.idxmin()
    assert confirmation["mean"].to_numpy() == pytest.approx(means[confirmation["trial"]].to_numpy())
    assert confirmation["probability"].sum() == pytest.approx(1.0)
    assert study.best.confirms is None
    assert [r.trial for r in study.outcome.ranking[:3]] == list(confirmation["trial"])
    assert len(study.outcome.ranking) == 20
    pd.testing.assert_frame_equal(read_csv(study.folder / "confirmation.csv"), confirmation)

    lines = (study.folder / NAME).read_text().splitlines(keepends=True)
    folder = tmp_path / "cut"
    folder.mkdir()
    (folder / NAME).write_text("".join(lines[:-4]))
    resumed = caviar.Study.open(folder, data=noisy, workers=0)
    assert len(resumed.confirmation) == 0
    columns = ["seconds", "began", "ended", "worker"]
    pd.testing.assert_frame_equal(resumed.run(progress=False).drop(columns=columns), table.drop(columns=columns))
    assert resumed.best == study.best
    pd.testing.assert_frame_equal(resumed.confirmation, confirmation)
