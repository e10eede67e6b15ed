"""The split, the standardisation and the target of a data set made from arrays."""

import pickle

import numpy as np
import pytest

from caviar.data.dataset import from_arrays
from caviar.data.loaders import load, load_digits
from caviar.data.source import SourceKind


def rows(count=40):
    return np.random.default_rng(0).normal(size=(count, 3))


def test_the_split_is_stratified_complete_and_reproducible():
    data = load_digits()
    for labels in (data.val_y, data.test_y):
        assert np.ptp(np.bincount(labels)) <= 3
    numbered = from_arrays(np.arange(100.0), np.arange(100) % 2)
    assert len(np.unique(np.concatenate(numbered.arrays[::2]))) == 100
    assert load_digits().fingerprint() == data.fingerprint()
    first, second = (from_arrays(rows(), np.arange(40) % 2, seed=seed) for seed in (0, 1))
    assert first.fingerprint() != second.fingerprint()


def test_x_is_standardised_by_the_training_rows():
    data = from_arrays(5 + 3 * rows(400), np.arange(400) % 2)
    np.testing.assert_allclose(data.train_x.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.train_x.std(axis=0), 1, rtol=1e-5)
    assert data.train_x.dtype == data.test_x.dtype == np.float32
    constant = from_arrays(np.column_stack([rows(), np.full(40, 7.0)]), np.arange(40) % 2)
    assert not constant.train_x[:, 3].any()
    assert np.abs(load_digits().test_x).max() < 30


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (np.arange(40) % 3, "classification", (0, 1, 2)),
        (np.array(["no", "yes"] * 20), "classification", ("no", "yes")),
        (np.arange(40) % 2 == 0, "classification", (False, True)),
        (np.array([1.0, 2.0] * 20), "classification", (1.0, 2.0)),
        (np.arange(40), "regression", ()),
        (np.linspace(0, 1, 40), "regression", ()),
    ],
)
def test_the_task_is_inferred_from_the_target(y, task, classes):
    data = from_arrays(rows(), y)
    assert (data.task, data.classes) == (task, classes)
    assert data.outputs == max(1, len(classes))


def test_regression_targets_keep_their_unit():
    data = from_arrays(rows(), 1000 + np.arange(40.0))
    assert data.train_y.min() >= 1000
    assert data.target_mean == pytest.approx(data.train_y.mean())


def test_a_data_set_can_be_pickled():
    data = load_digits()
    restored = pickle.loads(pickle.dumps(data))
    assert restored.fingerprint() == data.fingerprint()
    assert load(restored) is restored


def test_arrays_have_no_source_to_load_again():
    assert from_arrays(rows(), np.arange(40) % 2).source.kind is SourceKind.ARRAYS
