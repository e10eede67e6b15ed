"""Spaces as plain data (dicts, lists, numbers, strings), the form they take in journals and TOML files.

A hyperparameter is a dict with its kind, such as `{"loguniform": [1e-4, 1.0], "tier": 1}`; anything else is a
constant. The sub-spaces of a choice stand beside its options: `{"choice": ["a", "b"], "spaces": [{...}, {}]}`.
"""

from collections.abc import Mapping
from typing import Any

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.space.hyperparameters import (
    INTEGER_KINDS,
    REAL_KINDS,
    Choice,
    Hyperparameter,
    Integer,
    Real,
)
from caviar.space.space import Space

KINDS = (*REAL_KINDS, *INTEGER_KINDS, "choice")


def to_plain(space: Space) -> dict[str, Any]:
    """A space as plain data.

    >>> from caviar.space.hyperparameters import loguniform
    >>> to_plain(Space(learning_rate=loguniform(1e-4, 1.0, tier=1), optimizer="adam"))
    {'learning_rate': {'loguniform': [0.0001, 1.0], 'tier': 1}, 'optimizer': 'adam'}
    """
    return {name: _plain(value) for name, value in space.hyperparameters.items()}


def from_plain(plain: Mapping[str, Any]) -> Space:
    """The space that plain data describe; raises InputError for an unknown kind or key."""
    return Space(**{name: _entry(name, value) for name, value in plain.items()})


def _plain(value: Any) -> Any:
    if not isinstance(value, Hyperparameter):
        return value
    plain: dict[str, Any] = {}
    if isinstance(value, Choice):
        plain["choice"] = list(value.options)
        if any(value.spaces):
            plain["spaces"] = [to_plain(under) if under is not None else {} for under in value.spaces]
    else:
        plain[value.kind] = [value.low, value.high]
    plain["tier"] = value.tier
    if value.default is not None:
        plain["default"] = value.default
    return plain


def _entry(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    kinds = [kind for kind in KINDS if kind in value]
    allowed = (*kinds, "tier", "default", "spaces") if kinds == ["choice"] else (*kinds, "tier", "default")
    unknown = [key for key in value if key not in (allowed if kinds else KINDS)]
    if unknown or len(kinds) != 1:
        wrong = unknown[0] if unknown else ", ".join(kinds)
        raise InputError(
            f"{name}: {wrong!r} is no kind of hyperparameter{did_you_mean(wrong, allowed if kinds else KINDS)}"
        )
    (kind,) = kinds
    tier, default = value.get("tier", 2), value.get("default")
    if kind == "choice":
        options, under = value["choice"], value.get("spaces")
        if not isinstance(options, list | tuple):
            raise InputError(f"{name}: a choice is a list of options, such as [32, 64]; got {options!r}")
        if under is None:
            under = [{}] * len(options)
        if len(under) != len(options) or not all(isinstance(space, Mapping) for space in under):
            raise InputError(f"{name}: spaces has a table for each of the {len(options)} options; got {under!r}")
        spaces = tuple(from_plain(space) if space else None for space in under)
        return Choice(tuple(options), tier, default, spaces)
    try:
        low, high = value[kind]
    except (TypeError, ValueError):
        raise InputError(f"{name}: {kind} takes two bounds, such as [1, 10]; got {value[kind]!r}") from None
    return (Real if kind in REAL_KINDS else Integer)(kind, low, high, tier, default)
