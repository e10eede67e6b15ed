"""What differs between studies: settings, space, data and versions, as the report lists them."""

from collections.abc import Sequence
from dataclasses import dataclass

from caviar.insight.report.reproduce import settings_table
from caviar.records.outcome import Outcome

_OWN = ("name",)  # settings that say nothing about what a study does
_CALLED = {"data": "data or code"}  # with their fingerprints


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same on both sides."""

    setting: str  # such as "trials", "space: learning_rate", "data or code" or "version of numpy"
    a: str  # "" if it is not there
    b: str


def differences(a: Sequence[Outcome], b: Sequence[Outcome]) -> tuple[Difference, ...]:
    """Return what differs between two sides; several values on a side are joined."""
    left, right = _values(a), _values(b)
    names = [name for name in {**left, **right} if name not in _OWN]
    return tuple(
        Difference(_CALLED.get(name, name), left.get(name, ""), right.get(name, ""))
        for name in names
        if left.get(name, "") != right.get(name, "")
    )


def _values(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return every setting, with the values that it has."""
    values: dict[str, list[str]] = {}
    for outcome in outcomes:
        for name, value in settings_table(outcome).itertuples(index=False):
            values.setdefault(name, []).append(value)
    return {name: ", ".join(sorted(set(found))) for name, found in values.items()}
