"""The gain of averaging is in the study's metric, and rows count by their weights."""

from dataclasses import replace

import numpy as np
import pytest

from caviar.study.evaluation.gain import measure_gain
from caviar.study.evaluation.scores import scorer, scores
from tests.model.trained.stored_model import dataset, model

NETWORKS = {task: model(task, networks=3).model for task in ("classification", "regression")}


def expected(score, made, data):
    def of(x):
        predicted = x.predict(data.val_x)
        return score(data.val_y, predicted if data.classes else predicted[:, 0], data.val_weights)

    return np.mean([of(network) for network in made.networks]), of(made)


@pytest.mark.parametrize(
    ("task", "metric", "sign"),
    [
        ("classification", "val_accuracy", 1),
        ("classification", "val_loss", -1),
        ("classification", "val_f1_macro", 1),
        ("classification", "val_neg_log_loss", 1),
        ("regression", "val_rmse", -1),
        ("regression", "val_loss", -1),
        ("regression", "val_r2", 1),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gain_is_in_the_metric_of_the_study(task, metric, sign, weighted):
    made, data = NETWORKS[task], dataset(task)
    weights = np.random.default_rng(0).random(len(data.val_y)) if weighted else None
    data, name = replace(data, val_weights=weights), metric.removeprefix("val_")
    single, averaged = expected(scores(data).get(f"test_{name}") or scorer(name, data), made, data)
    gain = measure_gain(made, data, metric)
    assert (gain.metric, gain.single, gain.averaged) == (metric, pytest.approx(single), pytest.approx(averaged))
    assert gain.gain == pytest.approx(sign * (averaged - single), abs=1e-9)
    assert gain.low <= gain.gain <= gain.high


def test_the_main_metric_stands_for_one_that_is_not_of_the_validation_rows():
    assert measure_gain(NETWORKS["regression"], dataset("regression"), "train_loss").metric == "val_rmse"


def test_equal_networks_gain_nothing_at_all():
    made = NETWORKS["classification"]
    gain = measure_gain(replace(made, networks=made.networks[:1] * 3), dataset("classification"))
    assert (gain.gain, gain.low, gain.high) == (0, 0, 0)
