"""Equal failures in a row pause a study, so that one broken import or full disk does not use up its budget.

A failure does not count before another trial has ended on its host: when the study pauses, the failures that caused it
are not results, and those trials are trained again when the study continues.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from caviar._checks import plain_number
from caviar.errors import InputError, PausedError
from caviar.records.trial import Result, State


def check_failures(limit: object) -> float:
    """Return after how many equal failures a study pauses; raise InputError if it is no number >= 1."""
    number = plain_number(limit)
    if number is None or not number >= 1:
        raise InputError(f"failures must be a number >= 1, or float('inf') to never pause, got {limit!r:.100}")
    return number


class FailureMonitor:
    """Checks the trials of a study as they end.

    Args:
        ignored: signatures that already paused an earlier run: the user continued, so they do not pause again.
        limit: how many equal failures in a row, on one host or on all together, pause the study; infinity: never.

    >>> monitor = FailureMonitor(limit=2)
    >>> failed = Result(0, 1, State.FAILED, {}, {}, 0, 0.0, 0, "host:1", "OSError: no data")
    >>> monitor.check(failed), monitor.pending() == [failed]
    ([], True)
    """

    def __init__(self, ignored: Iterable[str] = (), limit: float = 10) -> None:
        self._ignored = set(ignored)
        self._limit = limit
        self._by_host: defaultdict[str, list[Result]] = defaultdict(list)  # failures in a row of each host
        self._last, self._in_a_row = "", 0  # the signature of the last failure, and how many had it in a row

    def check(self, result: Result) -> list[Result]:
        """Return the results that count now that a trial has ended; raise PausedError after too many equal failures."""
        host = result.worker.rpartition(":")[0]
        signature = error_signature(result)
        if result.state is not State.FAILED or signature in self._ignored:
            self._in_a_row = 0
            return [*self._by_host.pop(host, []), result]
        on_host = self._by_host[host]
        counted = self._by_host.pop(host) if on_host and error_signature(on_host[0]) != signature else []
        self._by_host[host].append(result)
        self._in_a_row = self._in_a_row + 1 if signature == self._last else 1
        self._last = signature
        for count, where in ((self._in_a_row, "in a row"), (len(self._by_host[host]), f"in a row on host {host}")):
            if count >= self._limit:
                sentence = f"paused: {count} trials {where} failed with {result.error!r:.300}"
                raise PausedError(sentence, signature, result)
        return counted

    def pending(self) -> list[Result]:
        """Return the failures that have not counted yet, at the end of a wave; from now on they count."""
        results = [result for failures in self._by_host.values() for result in failures]
        self._by_host.clear()
        return results


def error_signature(result: Result) -> str:
    """Return what equal failures have in common: their error without its numbers.

    >>> error_signature(Result(0, 1, State.FAILED, {}, {}, 0, 0.0, 0, "", "ValueError: x=0.25 is above 1e-3"))
    'ValueError: x=# is above #'
    """
    return re.sub(r"[-+]?\d[\d.]*(e[-+]?\d+)?", "#", result.error)
