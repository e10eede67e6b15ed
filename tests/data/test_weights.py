"""Weights of rows and classes: what they come to, and one sentence for what is wrong with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_sample_weight

import caviar
from caviar.data.weights import row_weights
from caviar.errors import InputError

TARGETS = np.array([0] * 30 + [1] * 10)
PARTS = np.r_[0:20, 30:36], np.r_[20:26, 36:38], np.r_[26:30, 38:40]
LABELS = ("no", "yes")


def test_without_weights_there_are_none():
    assert row_weights(TARGETS, LABELS, PARTS) == (None, None, None)


@given(seed=st.integers(0, 99), class_weight=st.sampled_from([None, "balanced", {"no": 0.5}, {"yes": 3, "no": 2}]))
def test_training_weights_are_those_of_scikit_learn_and_1_on_average(seed, class_weight):
    drawn = np.random.default_rng(seed).gamma(2.0, size=len(TARGETS))
    train, val, test = row_weights(TARGETS, LABELS, PARTS, drawn, class_weight)
    labels = np.array(LABELS)[TARGETS[PARTS[0]]]
    expected = drawn[PARTS[0]] * compute_sample_weight(class_weight, labels)
    np.testing.assert_allclose(train, expected / expected.mean())
    assert train.mean() == pytest.approx(1.0)
    assert (val == drawn[PARTS[1]]).all()
    assert (test == drawn[PARTS[2]]).all()


def test_class_weights_count_in_training_only():
    train, val, test = row_weights(TARGETS, LABELS, PARTS, class_weight="balanced")
    assert val is test is None
    assert train[TARGETS[PARTS[0]] == 0].sum() == pytest.approx(train[TARGETS[PARTS[0]] == 1].sum())


@pytest.mark.parametrize(("labels", "keys"), [((1, 2), (1, "2")), ((False, True), ("False", True)), (LABELS, LABELS)])
def test_labels_are_those_of_the_data_or_their_text(labels, keys):
    train, _, _ = row_weights(TARGETS, labels, PARTS, class_weight=dict(zip(keys, (1, 4), strict=True)))
    assert train[-1] / train[0] == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sample_weight": [1.0] * 39 + [-1.0]}, "in every row, got -1;"),
        ({"sample_weight": [np.nan] + [1.0] * 39}, "in every row, got nan;"),
        ({"sample_weight": [1.0] * 3}, r"one weight for each of the 40 rows, got shape \(3,\)"),
        ({"sample_weight": ["heavy"] * 40}, "must contain only numbers"),
        ({"sample_weight": [0.0] * 40}, "is 0 in every row of the training part"),
        ({"class_weight": {"yes": -1}}, "class_weight of 'yes' must be a number from 0 to 1e\\+30, got -1"),
        ({"class_weight": {"yes": True}}, "class_weight of 'yes' must be"),
        ({"class_weight": {"yess": 1}}, "unknown label 'yess'; did you mean 'yes'"),
        ({"class_weight": {"no": 0, "yes": 0}}, "class_weight is 0 for each class"),
        ({"class_weight": "equal"}, "class_weight must be 'balanced' or a dict of labels and weights, got 'equal'"),
        ({"class_weight": "balanced", "classes": ()}, "class_weight is for classes"),
    ],
)
def test_wrong_weights_are_one_sentence(arguments, words):
    values = {"targets": TARGETS, "classes": LABELS, "parts": PARTS, **arguments}
    with pytest.raises(InputError, match=words) as error:
        row_weights(**values)
    assert "\n" not in str(error.value)


def test_data_sets_of_arrays_take_weights():
    x, y = np.random.default_rng(0).normal(size=(100, 2)), np.array(["a"] * 80 + ["b"] * 20)
    data = caviar.from_arrays(x, y, sample_weight=np.arange(100) + 1, class_weight="balanced")
    assert data.train_weights.mean() == pytest.approx(1.0)
    assert len(data.val_weights) == len(data.val_y)
    assert data.fingerprint() != caviar.from_arrays(x, y).fingerprint()
    regression = caviar.from_arrays(x, x[:, 0], sample_weight=np.arange(100) + 1)
    assert regression.train_weights.mean() == pytest.approx(1.0)
