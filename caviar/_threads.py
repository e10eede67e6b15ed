"""Limits Caviar's computations to one BLAS thread.

With more, small matrix products take up to 50 times as long, and sums are added in a different order, so the last bits
of a result would depend on the number of cores. Nor do they depend on what a program has told `numpy.seterr`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_limits

_NUMPY_DEFAULTS: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside a `with` block or a decorated function; overflow warns, underflow is ignored."""
    libraries = _libraries("scipy.linalg" in sys.modules)
    with np.errstate(**_NUMPY_DEFAULTS), libraries.limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries(with_scipy: bool) -> ThreadpoolController:
    """Scan the process's libraries, which takes milliseconds; again once SciPy's own BLAS is loaded."""
    return ThreadpoolController()


def limit_all_threads(threads: int = 1) -> threadpool_limits:
    """Limit BLAS and OpenMP as in a trainer, from now on or until the end of a `with` block."""
    return threadpool_limits(threads)
