"""Columns that lie are left out or warned about, and others are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from caviar.data.preparation.fit import fit_preparation


def leaks(rows=200):
    rng = np.random.default_rng(0)
    survived = rng.integers(0, 2, rows)
    table = pd.DataFrame(
        {
            "Unnamed: 0": np.arange(rows),
            "age": rng.normal(30, 9, rows),
            "sex": rng.choice(["m", "f"], rows),
            "alive": np.where(survived == 1, "yes", "no"),
            "boat": np.where(survived == 1, rng.choice(["1", "2", "3"], rows), rng.choice(["x", "y", "z"], rows)),
            "passenger": [f"passenger {i}" for i in range(rows)],
            "empty": np.nan,
            "planet": "earth",
        }
    )
    return table, survived


def test_columns_that_lie_are_left_out_and_said_with_the_way_back():
    table, survived = leaks()
    fitted = fit_preparation(table, np.arange(0, 200, 2), survived)
    assert fitted.preparation.left_out == {
        "Unnamed: 0": "row numbers",
        "alive": "the target under another name",
        "passenger": "a different text in nearly every row",
        "empty": "empty in every training row",
        "planet": "the same value in every training row",
    }
    for name in fitted.preparation.left_out:
        assert any(
            note.startswith(f"{name}: left out") and f'columns={{"{name}": "keep"}}' in note for note in fitted.notes
        )
    assert any(note.startswith("boat: predicts the target almost alone") for note in fitted.notes)
    kept = fit_preparation(table, np.arange(0, 200, 2), survived, dict.fromkeys(table, "keep"))
    assert kept.preparation.left_out == {}
    assert np.isfinite(kept.preparation.transform(table)).all()


def test_a_number_that_is_the_target_in_another_unit_is_left_out():
    rng = np.random.default_rng(0)
    price = rng.uniform(1, 100, 300)
    table = pd.DataFrame({"cents": 100 * price, "log": np.log(price), "size": price + rng.normal(0, 9, 300)})
    fitted = fit_preparation(table, np.arange(300), price)
    assert fitted.preparation.left_out == {"cents": "the target under another name"}
    assert [note for note in fitted.notes if note.startswith("log: predicts")]
    assert not [note for note in fitted.notes if note.startswith("size: predicts")]


def test_the_only_column_is_kept_with_a_warning():
    fitted = fit_preparation(pd.DataFrame({"width": [0.5, 1.5] * 20}), np.arange(40), np.arange(40) % 2)
    assert fitted.preparation.features == ("width",)
    assert "width: the target under another name" in fitted.notes


def test_row_numbers_in_any_order_are_found():
    shuffled = 1 + np.random.default_rng(0).permutation(100)
    table = pd.DataFrame({"id": shuffled, "year": 1900 + np.arange(100), "x": np.linspace(0, 1, 100)})
    assert fit_preparation(table, np.arange(0, 100, 2)).preparation.left_out == {"id": "row numbers"}


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_no_wolf_is_cried(name):
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    target = bunch.target.to_numpy(float if name == "diabetes" else np.int64)
    train = np.random.default_rng(0).permutation(len(target))[: len(target) * 7 // 10]
    fitted = fit_preparation(bunch.data, train, target)
    assert set(fitted.preparation.left_out.values()) <= {"the same value in every training row"}
    assert not [note for note in fitted.notes if "target" in note]


@pytest.mark.parametrize("target", [np.arange(60) % 2, (np.arange(60) == 7).astype(int), np.linspace(0, 1, 60) ** 2])
def test_columns_of_chance_are_no_suspects(target):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.random((60, 2000)) < rng.random(2000) / 4).astype(int)
    assert not [note for note in fit_preparation(table, np.arange(42), target).notes if "target" in note]
