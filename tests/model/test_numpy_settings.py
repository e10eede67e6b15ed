"""NumPy's settings while training, and their restoration."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from caviar.model.numpy_settings import BUFFER_SIZE, numpy_settings


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_settings_hold_inside_and_are_restored():
    before = np.getbufsize(), np.geterr(), blas_threads()
    with pytest.raises(ZeroDivisionError), numpy_settings():  # noqa: PT012
        assert np.getbufsize() == BUFFER_SIZE
        assert set(np.geterr().values()) == {"ignore"}
        assert set(blas_threads()) == {1}
        raise ZeroDivisionError
    assert (np.getbufsize(), np.geterr(), blas_threads()) == before
