"""Means and scales of columns that are constant but for rounding, huge, or tiny."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.dataset import from_arrays
from caviar.data.preparation.fit import fit_preparation
from caviar.data.preparation.scaling import moments, scaling


@pytest.mark.parametrize("noise", [0.0, 1e-15, 1e-13])
def test_a_column_that_is_constant_but_for_rounding_is_not_scaled_up(noise):
    column = np.full(100, 14.62) * (1 + noise * np.random.default_rng(0).normal(size=100))
    column[90:] = 15.0
    table = pd.DataFrame({"constant": column, "x": np.arange(100) ** 1.5})
    fitted = fit_preparation(table, np.arange(90))
    assert fitted.preparation.left_out == {"constant": "the same value in every training row"}
    _, scale = scaling(table.to_numpy(), np.arange(90))
    assert scale[0] == 1


@pytest.mark.parametrize("value", [1e20, -1e38, 1.7e308, 5e-324, 1 / 3])
def test_a_constant_column_of_any_value_becomes_0(value):
    x = np.column_stack([np.full(200, value), np.random.default_rng(0).normal(size=200)])
    data = from_arrays(x, np.arange(200) % 2)
    assert not any(part[:, 0].any() for part in data.arrays[::2])
    kept = fit_preparation(pd.DataFrame(x, columns=["a", "b"]), np.arange(150), overrides={"a": "keep"}).preparation
    assert not kept.transform(pd.DataFrame(x, columns=["a", "b"]))[:, 0].any()


def test_rounding_of_a_huge_constant_stays_small():
    column = np.full(200, 1e20)
    column[::2] = np.nextafter(1e20, np.inf)
    data = from_arrays(np.column_stack([column, np.random.default_rng(0).normal(size=200)]), np.arange(200) % 2)
    assert max(np.abs(part[:, 0]).max() for part in data.arrays[::2]) < 1e-5


def test_a_held_out_row_of_a_constant_column_is_harmless():
    x = np.column_stack([np.full(1000, 14.62), np.random.default_rng(0).normal(size=1000)])
    probe = from_arrays(x, np.arange(1000) % 2)
    assert not np.abs(probe.train_x[:, 0]).max() > 1e-6
    x[x[:, 1].argmax(), 0] = 15.0
    data = from_arrays(x, np.arange(1000) % 2)
    assert max(np.abs(part[:, 0]).max() for part in data.arrays[::2]) < 1e3


def test_a_target_that_varies_only_outside_of_training_keeps_its_scale():
    y = np.full(200, 14.62)
    row = next(i for i in range(200) if np.isin(i, _validation_rows(200)))
    y[row] = 15.0
    assert from_arrays(np.arange(200.0) ** 2, y, task="regression").target_scale == 1


def _validation_rows(rows):
    data = from_arrays(np.arange(float(rows)), np.arange(float(rows)))
    return np.round(data.val_y).astype(int)


@given(exponent=st.integers(-300, 300), seed=st.integers(0, 100))
def test_any_magnitude_is_standardised(exponent, seed):
    values = np.random.default_rng(seed).normal(1, 2, (50, 2))
    mean, deviation = moments(values)
    unit = 2.0 ** round(exponent * np.log2(10))
    scaled = moments(values * unit)
    np.testing.assert_allclose(scaled[0] / unit, mean, rtol=1e-12)
    np.testing.assert_allclose(scaled[1] / unit, deviation, rtol=1e-12)


@pytest.mark.parametrize("unit", [1e300, 1e-300])
def test_huge_and_tiny_features_are_neither_0_nor_infinite(unit):
    x = np.random.default_rng(0).normal(size=(100, 2)) * unit
    data = from_arrays(x, np.arange(100) % 2)
    np.testing.assert_allclose(data.train_x.std(axis=0), 1, rtol=1e-5)
    table = pd.DataFrame(x, columns=["a", "b"])
    np.testing.assert_allclose(
        fit_preparation(table, np.arange(100)).preparation.transform(table).std(axis=0), 1, rtol=1e-5
    )


def test_ordinary_data_are_scaled_as_ever_to_the_bit():
    values, train = np.random.default_rng(0).normal(3, 5, (300, 7)), np.arange(200)
    mean, scale = scaling(values, train)
    assert (mean == values[train].mean(axis=0)).all()
    assert (scale == values[train].std(axis=0)).all()
