"""One BLAS thread while a search computes: with more, sums are added up in another order, and the last bits differ."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The same function with BLAS on one thread, so that it answers the same on every number of cores."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited


@cache
def _libraries() -> Any:
    return ThreadpoolController()  # looks through the process's libraries once: milliseconds
