"""Spaces as plain data (dicts, lists, numbers, strings), the form they take in journals and TOML files.

A hyperparameter is a dict with its kind, such as `{"loguniform": [1e-4, 1.0], "tier": 1}`; anything else is a
constant. The sub-spaces of a choice are listed next to its options: `{"choice": ["a", "b"], "spaces": [{...}, {}]}`.
"""

from collections.abc import Mapping

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.space.hyperparameters import (
    INTEGER_KINDS,
    REAL_KINDS,
    Choice,
    Hyperparameter,
    Integer,
    Option,
    Real,
    SubSpace,
)
from caviar.space.space import Space

Plain = Mapping[str, Option]  # what JSON and TOML can hold
KINDS = (*REAL_KINDS, *INTEGER_KINDS, "choice")


def to_plain(space: SubSpace) -> dict[str, Option]:
    """Return a space as plain data.

    >>> from caviar.space import loguniform
    >>> to_plain(Space(learning_rate=loguniform(1e-4, 1.0, tier=1), optimizer="adam"))
    {'learning_rate': {'loguniform': [0.0001, 1.0], 'tier': 1}, 'optimizer': 'adam'}
    """
    return {name: _to_plain(value) for name, value in space.items()}


def from_plain(plain: Plain) -> Space:
    """Return the space that plain data describe.

    >>> from_plain({"units": {"randint": [50, 100]}, "optimizer": "adam"})
    Space(units=randint(50, 100), optimizer='adam')
    """
    return Space(**{name: _from_plain(name, v) if isinstance(v, Mapping) else v for name, v in plain.items()})


def _to_plain(value: Option) -> Option:
    if not isinstance(value, Hyperparameter):
        return value
    plain: dict[str, Option] = {}
    if isinstance(value, Choice):
        plain["choice"] = list(value.options)
        if any(value.spaces):
            plain["spaces"] = [to_plain(space or {}) for space in value.spaces]
    else:
        plain[value.kind] = [value.low, value.high]
    plain["tier"] = value.tier
    if value.default is not None:
        plain["default"] = value.default
    return plain


def _from_plain(name: str, plain: Plain) -> Hyperparameter:
    kinds = [kind for kind in KINDS if kind in plain]
    keys = (*kinds, "tier", "default", *(["spaces"] if kinds == ["choice"] else [])) if kinds else KINDS
    for key in plain:
        if key not in keys:
            raise InputError(f"{name}: unknown key {key!r} of a hyperparameter{did_you_mean(key, keys)}")
    if len(kinds) != 1:
        raise InputError(f"{name} must have one kind of {', '.join(KINDS)}, got {dict(plain)!r}")
    (kind,) = kinds
    values, tier, default = plain[kind], plain.get("tier", 2), plain.get("default")
    if kind != "choice":
        if not isinstance(values, list | tuple) or len(values) != 2:
            raise InputError(f"{name}: {kind} takes two bounds, such as [1, 10], got {values!r}")
        low, high = values
        return (Real if kind in REAL_KINDS else Integer)(kind, low, high, tier, default)
    if not isinstance(values, list | tuple):
        raise InputError(f"{name}: choice takes a list of options, such as [32, 64], got {values!r}")
    spaces = plain.get("spaces", [{}] * len(values))
    if not isinstance(spaces, list | tuple) or [isinstance(s, Mapping) for s in spaces] != [True] * len(values):
        raise InputError(f"{name}: spaces must be a list of {len(values)} tables, one per option, got {spaces!r}")
    return Choice(tuple(values), tier, default, tuple(map(from_plain, spaces)))
