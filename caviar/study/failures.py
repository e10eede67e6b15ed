"""The alarm: trials that fail one after the other for the same reason stop the study, not the budget.

A failure does not count before something else has come from its host: when the alarm rings, those that
rang it were never trials that ended, and are trained again when the study goes on.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from caviar.errors import PausedError
from caviar.records.trial import Result

FAILURES = 10  # equal ones in a row, on one host or on all together


class Alarm:
    """Watches the trials of a study as they end.

    Args:
        known: causes that rang an earlier run of the study: its user went on, so they are let pass.
        failures: how many equal ones in a row ring.
    """

    def __init__(self, known: Iterable[str] = (), failures: float = FAILURES) -> None:
        self._known = set(known)
        self._failures = failures
        self._held: defaultdict[str, list[Result]] = defaultdict(list)  # the failures in a row of each host
        self._row: list[Result] = []  # the failures in a row of all hosts

    def passed(self, result: Result) -> list[Result]:
        """The trials that may be counted, now that this one has ended.

        Raises:
            PausedError: it is the last of so many equal failures in a row.
        """
        host = result.worker.rpartition(":")[0]
        held = self._held[host]
        if result.state != "failed" or cause(result) in self._known:
            self._row = []
            return [*self._held.pop(host), result]
        before = self._held.pop(host) if held and cause(held[0]) != cause(result) else []
        self._held[host].append(result)
        self._row = [*self._row, result] if self._row and cause(self._row[0]) == cause(result) else [result]
        for row, where in ((self._row, "in a row"), (self._held[host], f"in a row on host {host}")):
            if len(row) >= self._failures:
                sentence = f"paused: {len(row)} trials {where} failed with {result.error!r:.300}"
                raise PausedError(sentence, cause(result), result)
        return before

    def held(self) -> list[Result]:
        """The failures that were held back, at the end of a wave; they count from now on."""
        results = [result for held in self._held.values() for result in held]
        self._held.clear()
        return results


def cause(result: Result) -> str:
    """What failures have in common: their error without its numbers.

    >>> cause(Result(0, 1, "failed", {}, {}, 0, 0.0, 0, "", "ValueError: x=0.25 is above 1e-3"))
    'ValueError: x=# is above #'
    """
    return re.sub(r"[-+]?\d[\d.]*(e[-+]?\d+)?", "#", result.error)
