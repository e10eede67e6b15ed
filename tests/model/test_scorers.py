"""scikit-learn's scorers on a network's predictions: equal to its metrics, and one sentence where they do not suit."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import get_scorer_names

from caviar.data.loaders import from_arrays
from caviar.errors import InputError
from caviar.model.scorers import check_scorer, scores


def data(labels, rows=400, **arguments):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 3))
    return from_arrays(x, np.array(labels)[np.arange(rows) % len(labels)], **arguments)


TWO, THREE = data(["no", "yes"]), data(["a", "b", "c"])
NUMBERS = data(np.linspace(0.5, 9.5, 37))
WEIGHTS = np.random.default_rng(1).gamma(2.0, size=len(TWO.val_y))


def probabilities(dataset, seed=0):
    drawn = np.random.default_rng(seed).random((len(dataset.val_y), dataset.outputs))
    return (drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_scores_of_two_classes_are_those_of_the_metrics(weights):
    predicted, y = probabilities(TWO), TWO.val_y
    names = ["f1", "roc_auc", "average_precision", "neg_log_loss", "balanced_accuracy"]
    chosen, positive = predicted.argmax(axis=1), predicted[:, 1].astype(float)
    expected = {
        "val_f1": metrics.f1_score(y, chosen, sample_weight=weights),
        "val_roc_auc": metrics.roc_auc_score(y, positive, sample_weight=weights),
        "val_average_precision": metrics.average_precision_score(y, positive, sample_weight=weights),
        "val_neg_log_loss": -metrics.log_loss(y, predicted.astype(float), sample_weight=weights),
        "val_balanced_accuracy": metrics.balanced_accuracy_score(y, chosen, sample_weight=weights),
    }
    assert scores(predicted, replace(TWO, val_weights=weights), "val", names) == pytest.approx(expected, rel=1e-5)


def test_scores_of_numbers_are_those_of_the_metrics_and_the_test_part_has_its_own():
    predicted = NUMBERS.test_y[:, None] + np.random.default_rng(0).normal(size=(len(NUMBERS.test_y), 1))
    expected = {
        "test_r2": metrics.r2_score(NUMBERS.test_y, predicted[:, 0]),
        "test_neg_mean_absolute_error": -metrics.mean_absolute_error(NUMBERS.test_y, predicted[:, 0]),
    }
    assert scores(predicted, NUMBERS, "test", ["r2", "neg_mean_absolute_error"]) == pytest.approx(expected)
    assert scores(predicted[:0], replace(NUMBERS, test_y=NUMBERS.test_y[:0]), "test", ["r2"]) == {}


def test_predictions_that_are_not_finite_have_no_score():
    assert np.isnan(scores(np.full((len(TWO.val_y), 2), np.nan), TWO, "val", ["roc_auc"])["val_roc_auc"])


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        (TWO, "f1 f1_macro roc_auc average_precision neg_log_loss precision recall accuracy matthews_corrcoef jaccard"),
        (THREE, "f1_macro f1_weighted roc_auc_ovr roc_auc_ovo neg_log_loss balanced_accuracy top_k_accuracy"),
        (NUMBERS, "r2 neg_mean_absolute_error neg_root_mean_squared_error explained_variance neg_mean_gamma_deviance"),
        (data(range(30), task="regression"), "r2 neg_median_absolute_error max_error"),
    ],
)
def test_scorers_that_suit_the_data_are_allowed(dataset, names):
    for name in set(names.split()) & set(get_scorer_names()):
        check_scorer(name, dataset)


CLUSTERS = [name for name in get_scorer_names() if hasattr(metrics.cluster, name)]
REFUSED = [
    (TWO, "r2", "'r2' is for numbers, but the data have classes; try 'f1_macro'"),
    (TWO, "f1_samples", "metric 'f1_samples' cannot score these 2 classes"),
    (THREE, "f1", r"cannot score these 3 classes \(ValueError: .*; try 'f1_macro'$"),
    (THREE, "roc_auc", r"cannot score these 3 classes \(ValueError: .*; try 'roc_auc_ovr'$"),
    (NUMBERS, "f1_macro", "cannot score numbers such as these .*; try 'r2'"),
    (NUMBERS, "roc_auc", "cannot score numbers such as these .*; try 'r2'"),
    (data(range(30), task="regression"), "f1_macro", "cannot score numbers such as these"),
    (data([-1.5, 2.5] * 20), "neg_mean_squared_log_error", "cannot score numbers such as these"),
    (TWO, "f1_macr", "metric='f1_macr' is not reported; did you mean 'f1_macro'"),
    (TWO, "val_los", "did you mean 'val_loss'"),
    (replace(THREE, val_x=THREE.val_x[:0], val_y=THREE.val_y[:0]), "f1_macro", "needs rows for validation"),
    *((TWO, name, "compares clusters") for name in CLUSTERS),
]


@pytest.mark.parametrize(("dataset", "name", "words"), REFUSED)
def test_other_scorers_are_refused_with_one_sentence(dataset, name, words):
    with pytest.raises(InputError, match=words) as error:
        check_scorer(name, dataset, ["val_loss"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["roc_auc_ovr", "neg_log_loss"])
def test_a_class_without_rows_for_validation_is_named(name):
    kept = THREE.val_y != 1
    with pytest.raises(InputError, match="class 'b' has no row for validation"):
        check_scorer(name, replace(THREE, val_x=THREE.val_x[kept], val_y=THREE.val_y[kept]))
