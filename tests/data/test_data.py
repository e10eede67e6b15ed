"""Data: the split, the standardisation, and one clear sentence for each kind of bad data."""

import pickle

import numpy as np
import pytest

from caviar.data.loaders import Dataset, from_arrays, load, load_csv, load_digits
from caviar.errors import InputError


def rows(count=40):
    return np.random.default_rng(0).normal(size=(count, 3))


def test_the_digits_are_scikit_learns():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is a part of the test extra")
    data, original = load_digits(), datasets.load_digits()
    assert (data.features, data.outputs, data.classes) == (64, 10, tuple(range(10)))
    assert sum(len(part) for part in data.arrays[::2]) == len(original.data)
    counts = sum(np.bincount(part) for part in data.arrays[1::2])
    assert (counts == np.bincount(original.target)).all()


def test_the_split_is_stratified_complete_and_fixed():
    data = load_digits()
    for labels in (data.val_y, data.test_y):
        assert np.ptp(np.bincount(labels)) <= 3
    numbered = from_arrays(np.arange(100.0), np.arange(100) % 2)
    seen = np.concatenate(numbered.arrays[::2]).ravel()
    assert len(np.unique(seen)) == 100
    assert load_digits().fingerprint() == data.fingerprint()
    assert (
        from_arrays(rows(), np.arange(40) % 2, seed=1).fingerprint()
        != from_arrays(rows(), np.arange(40) % 2).fingerprint()
    )


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
def test_the_task_is_judged_by_the_target(y, task, classes):
    data = from_arrays(rows(), y)
    assert (data.task, data.classes) == (task, classes)
    assert data.outputs == max(1, len(classes))


def test_regression_targets_keep_their_unit():
    data = from_arrays(rows(), 1000 + np.arange(40.0))
    assert data.train_y.min() >= 1000
    assert data.target_mean == pytest.approx(data.train_y.mean())


def test_data_pickle_fast_and_whole():
    data = load_digits()
    again = pickle.loads(pickle.dumps(data))
    assert again.fingerprint() == data.fingerprint()
    assert isinstance(load(again), Dataset)


BAD_ARRAYS = {
    "no rows": (np.empty((0, 3)), [], "0 rows"),
    "too few rows": (rows(5), np.arange(5) % 2, "5 rows; at least 20"),
    "text": ([["a"]] * 30, np.arange(30) % 2, "no number"),
    "nan": (np.where(np.arange(3) == 1, np.nan, rows()), np.arange(40) % 2, "column 1 has 40 missing and 0 infinite"),
    "infinite": (rows() + np.array([0, 0, np.inf]), np.arange(40) % 2, "column 2 has 0 missing and 40 infinite"),
    "one class": (rows(), np.zeros(40, int), "0 in every row"),
    "constant": (rows(), np.full(40, 0.5), "0.5 in every row"),
    "lengths": (rows(), [0, 1], "each of the 40 rows"),
    "missing target": (rows(), [np.nan, *range(39)], "1 missing"),
    "all different": (rows(), [f"name {n}" for n in range(40)], "40 different labels"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_get_one_sentence(case):
    x, y, message = BAD_ARRAYS[case]
    with pytest.raises(InputError, match=message):
        from_arrays(x, y)


def write(folder, text):
    file = folder / "data.csv"
    file.write_text(text)
    return file


def test_a_csv_file_becomes_data(tmp_path):
    lines = [f"{number / 7:.3f},{number % 5},{number % 2 == 0},{'ab'[number % 2]}" for number in range(50)]
    data = load_csv(write(tmp_path, "\n".join(["width,height,flag,kind", *lines])), target="kind")
    assert (data.name, data.task, data.features, data.classes) == ("data", "classification", 3, ("a", "b"))
    assert data.source["target"] == "kind"


BAD_FILES = {
    "empty": ("", "kind", "is empty"),
    "header only": ("width,kind\n", "kind", "0 rows"),
    "target only": ("kind\n" + "a\nb\n" * 20, "kind", "0 feature columns"),
    "unknown column": ("width,kind\n" + "1,a\n2,b\n" * 20, "kinds", "no column 'kinds'; did you mean 'kind'"),
    "text": ("width,kind\n" + "wide,a\n2,b\n" * 20, "kind", "column 'width' of .* holds text such as .'wide'"),
    "missing": ("width,kind\n" + "1,a\n,b\n" * 20, "kind", "column 'width' has 20 missing and 0 infinite"),
    "missing target": ("width,kind\n" + "1,a\n2,\n" * 20, "kind", "20 missing"),
    "one class": ("width,kind\n" + "1,a\n2,a\n" * 20, "kind", "'a' in every row"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_get_one_sentence(case, tmp_path):
    text, target, message = BAD_FILES[case]
    with pytest.raises(InputError, match=message):
        load_csv(write(tmp_path, text), target=target)


def test_files_and_names_that_do_not_exist(tmp_path):
    with pytest.raises(InputError, match=r"there is no file .*none\.csv"):
        load_csv(tmp_path / "none.csv", target="kind")
    with pytest.raises(InputError, match="is a folder"):
        load_csv(tmp_path, target="kind")
    with pytest.raises(InputError, match="no data set named 'mnist'; it is 'digits'"):
        load("mnist")
    with pytest.raises(InputError, match="data is int"):
        load(3)
