"""NumPy's settings while training, and that they are put back."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from caviar.model.numpy_settings import BUFFER, tuned


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_settings_hold_inside_and_are_put_back():
    before = np.getbufsize(), np.geterr(), blas_threads()
    with pytest.raises(ZeroDivisionError), tuned():  # noqa: PT012
        assert np.getbufsize() == BUFFER
        assert set(np.geterr().values()) == {"ignore"}
        assert set(blas_threads()) == {1}
        raise ZeroDivisionError
    assert (np.getbufsize(), np.geterr(), blas_threads()) == before
