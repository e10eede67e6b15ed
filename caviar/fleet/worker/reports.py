"""What a report may contain: names to numbers. What is not a number is left out, and a taken name gets a prefix."""

import sys
from collections.abc import Container, Generator, Iterator, Mapping
from numbers import Integral, Real
from typing import SupportsFloat

from caviar.errors import InputError
from caviar.fleet.worker.output import without_surrogates
from caviar.records.trial import RESERVED_COLUMNS, Metrics

PREFIX = "reported_"  # before a metric that has the name of a hyperparameter or of a column


class Reports:
    """Checks the reports of one trial, and counts them.

    Args:
        metric: what each report must contain; "" for any.
        hyperparameters: names that a metric cannot have.
        count: of the reports that were made already.

    >>> reports = Reports("loss", ("lr",))
    >>> reports.checked({"epoch": 1, "loss": True}), reports.count
    ({'loss': 1}, 1)
    """

    def __init__(self, metric: str, hyperparameters: Container[str], count: int = 0) -> None:
        self.count = count
        self._metric, self._hyperparameters = metric, hyperparameters
        self._warned: set[str] = set()

    def of(self, result: object) -> Generator[object, None, None]:
        """Yield the reports in the result of a function: what it yields, and what it returns at its end.

        After others, what it returns is one only if it is a dict with the metric: a number may be a main function's
        status.
        """
        match result:
            case Generator():
                result = yield from result
                if result is None:
                    return
            case Iterator():
                yield from result
                return
        if not self.count or (isinstance(result, Mapping) and self._metric in result):
            yield result
        elif result is not None:
            returned = f"{_described(result):.200}, which the function returned after its reports,"
            print(f"caviar: {returned} is left out: it is not a dict with {self._metric!r}", file=sys.stderr)

    def checked(self, report: object) -> Metrics:
        """Return a report as names to Python's numbers; a number alone is the metric. Warn about the rest on stderr.

        Raises:
            InputError: it is neither a dict nor a number, or the metric is missing or no number.
        """
        if self._metric and not _is_boolean(report) and as_number(report) is not None:
            report = {self._metric: report}
        if not isinstance(report, Mapping):
            got = f"{_described(report):.200}"
            raise InputError(f"a report must be a number or a dict of metrics such as {{'val_loss': 0.3}}, got {got}")
        if self._metric and self._metric not in report:
            names = ", ".join(map(repr, report)) or "nothing"
            raise InputError(f"the report must contain the metric {self._metric!r}, got {names}")
        self.count += 1
        metrics: dict[str, int | float] = {}
        for name, value in report.items():
            number = as_number(value)
            if name == self._metric and number is None:
                remedy = "it is too large for a float" if isinstance(value, Real) else "convert it with float(...)"
                raise InputError(f"the metric must be a number, got {name}={_described(value):.100}; {remedy}")
            if number is None:
                self._warn(str(name), f"{name}={_described(value)} is not a number, so it is left out of the tables")
            elif not (name == "epoch" and number in (self.count, self.count - 1)):  # each table has it already
                metrics[self._free_name(without_surrogates(str(name)), {*map(str, report)})] = number
        return metrics

    def _free_name(self, name: str, others: set[str]) -> str:
        free = name
        while free in RESERVED_COLUMNS or free in self._hyperparameters or (free != name and free in others):
            free = PREFIX + free
        if free != name:
            owner = "a column of every table" if name in RESERVED_COLUMNS else "a hyperparameter"
            self._warn(name, f"the metric {name!r} has the name of {owner}, so the tables call it {free!r}")
        return free

    def _warn(self, name: str, sentence: str) -> None:
        if name not in self._warned:
            self._warned.add(name)
            print(f"caviar: {sentence}", file=sys.stderr)


def as_number(value: object) -> int | float | None:
    """Return a number, a boolean, or an array or tensor of one number, as an int or a float; None for anything else.

    >>> import numpy as np
    >>> as_number(np.float32(0.5)), as_number(True), as_number(np.ones((1, 1))), as_number("0.5")
    (0.5, 1, 1.0, None)
    """
    if type(value) is float or (type(value) is int and abs(value) < 1 << 53):  # the usual case, at once
        return value
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        return None
    try:
        if isinstance(value, Real):
            real = float(value)  # raises OverflowError for integers and fractions that no table can hold
            return int(value) if isinstance(value, Integral) else real
        item = value.item() if hasattr(value, "item") else float(value)
    except (TypeError, ValueError, ArithmeticError, RuntimeError):  # several values, or none, such as pandas.NA
        return None
    return as_number(item) if isinstance(item, Real | SupportsFloat) and item is not value else None


def _is_boolean(value: object) -> bool:
    """Whether a value is True or False, also NumPy's or a tensor's; alone, it says rather that all is well."""
    return isinstance(value, bool) or "bool" in str(getattr(value, "dtype", ""))


def _described(value: object) -> str:
    try:
        return f"{value!r:.1000}"
    except Exception:  # an object of the user's may have no text
        return f"<{type(value).__name__}>"
