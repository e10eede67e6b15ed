"""Limits Caviar's computations to one BLAS thread.

With more, small matrix products take up to 50 times as long, and sums are added in a different order, so the last bits
of a result would depend on the number of cores.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController, threadpool_limits


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside a `with` block or a decorated function."""
    with _libraries("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries(with_scipy: bool) -> ThreadpoolController:
    """Scan the process's libraries, which takes milliseconds; again once SciPy's own BLAS is loaded."""
    return ThreadpoolController()


def limit_all_threads(threads: int = 1) -> threadpool_limits:
    """Limit BLAS and OpenMP as in a trainer, from now on or until the end of a `with` block."""
    return threadpool_limits(threads)
