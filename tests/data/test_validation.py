"""One clear sentence for each kind of invalid arrays."""

import numpy as np
import pytest

from caviar.data.dataset import from_arrays
from caviar.errors import InputError
from tests.data.test_dataset import rows

INVALID = {
    "no rows": (np.empty((0, 3)), [], "got 0 rows"),
    "too few rows": (rows(5), np.arange(5) % 2, "at least 20 rows .* got 5 rows"),
    "three axes": (rows(40)[..., None], np.arange(40) % 2, r"got shape \(40, 3, 1\)"),
    "strings": ([["a"]] * 30, np.arange(30) % 2, "non-numeric"),
    "complex": (rows() * 1j, np.arange(40) % 2, "real numbers, got complex"),
    "masked": (np.ma.masked_less(rows(), 0), np.arange(40) % 2, "missing and 0 infinite"),
    "nan": (np.where(np.arange(3) == 1, np.nan, rows()), np.arange(40) % 2, "column 1 has 40 missing and 0 infinite"),
    "infinite": (rows() + np.array([0, 0, np.inf]), np.arange(40) % 2, "column 2 has 0 missing and 40 infinite"),
    "one class": (rows(), np.zeros(40, int), "0 in every row"),
    "constant": (rows(), np.full(40, 0.5), "0.5 in every row"),
    "lengths": (rows(), [0, 1], "each of the 40 rows"),
    "missing target": (rows(), [np.nan, *range(39)], "1 missing"),
    "all different": (rows(), [f"name {n}" for n in range(40)], "40 different labels"),
    "mixed labels": (rows(), np.array([1, "a"] * 20, dtype=object), "mixes types of labels"),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_arrays_raise_one_sentence(case):
    x, y, message = INVALID[case]
    with pytest.raises(InputError, match=message) as error:
        from_arrays(x, y)
    assert "\n" not in str(error.value)


def test_a_task_that_does_not_fit_the_target_raises():
    with pytest.raises(InputError, match="task must be 'classification', 'regression' or None, got 'ranking'"):
        from_arrays(rows(), np.arange(40) % 2, task="ranking")
    with pytest.raises(InputError, match="20 missing"):
        from_arrays(rows(), ["1", "nan"] * 20, task="regression")
    with pytest.raises(InputError, match="contains strings"):
        from_arrays(rows(), ["a", "b"] * 20, task="regression")
