"""Whether the head of a Ray cluster answers: after a minute without it, Ray ends a process wherever that is."""

import contextlib
import time

from caviar.errors import HeadLostError
from caviar.fleet.address import check_answers

_CONNECT_SECONDS = 1.0


class Head:
    """The head of the cluster that this process belongs to.

    Args:
        address: host:port.
        patience: seconds without an answer after which the study ends; fewer than Ray's own 60.

    >>> Head("127.0.0.1:1", patience=60.0).answers()
    False
    """

    def __init__(self, address: str, patience: float) -> None:
        self._address, self._patience = address, patience
        self._last_answer = time.monotonic()

    def answers(self) -> bool:
        """Return whether it accepts connections now; raise HeadLostError if it has not done so for too long."""
        with contextlib.suppress(OSError):
            check_answers(self._address, _CONNECT_SECONDS)
            self._last_answer = time.monotonic()
            return True
        silent = time.monotonic() - self._last_answer
        if silent > self._patience:
            raise HeadLostError(
                f"the head of the Ray cluster at {self._address} has not answered for {silent:.0f} s; start a cluster, "
                "then continue with `caviar resume`"
            )
        return False
