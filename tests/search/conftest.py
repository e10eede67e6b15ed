import pytest

from caviar._threads import one_blas_thread


@pytest.fixture(autouse=True)
def one_thread():
    """Compute with one BLAS thread, as searches do: more are slower on small matrices."""
    with one_blas_thread():
        yield
