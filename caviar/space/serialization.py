"""Spaces as plain data (dicts, lists, numbers, strings), the form they take in journals and TOML files.

A hyperparameter is a dict with its kind, such as `{"loguniform": [1e-4, 1.0], "tier": 1}`. A number, a string, a
boolean or null is a constant, and so is the value of `{"constant": [32, 64]}`. A bare list is a choice in a TOML file,
but a constant in a journal, where only old versions of Caviar wrote one. The sub-spaces of a choice are listed next to
its options: `{"choice": ["a", "b"], "spaces": [{...}, {}]}`. A choice in a journal has an order only if it says so
(`"ordinal": true`), since old versions knew none; in a TOML file ascending numbers have one unless it says no.
Options and constants are written as in `values.py`.
"""

from collections.abc import Mapping

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.space.constructors import constant, distribution, exact
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
from caviar.space.values import decode, encode

Plain = Mapping[str, Option]  # what JSON and TOML can hold
KINDS = (*REAL_KINDS, *INTEGER_KINDS, "distribution", "choice", "constant")
_SETTINGS = {  # next to these kinds; next to the others there may be a step
    "distribution": ("tier", "default", "low", "high"),
    "choice": ("tier", "default", "spaces", "ordinal"),
    "constant": (),
}


def to_plain(space: SubSpace) -> dict[str, Option]:
    """Return a space as plain data.

    >>> from caviar.space import loguniform
    >>> to_plain(Space(learning_rate=loguniform(1e-4, 1.0, tier=1), optimizer="adam"))
    {'learning_rate': {'loguniform': [0.0001, 1.0], 'tier': 1}, 'optimizer': 'adam'}
    """
    return {name: _to_plain(value) for name, value in space.items()}


def from_plain(plain: Plain, *, toml: bool = False) -> Space:
    """Return the space that plain data of a journal describe, or those of a TOML file that a user wrote.

    >>> from caviar.space import choice
    >>> from_plain({"units": {"randint": [50, 100]}, "optimizer": "adam"})
    Space(units=randint(50, 100), optimizer='adam')
    >>> from_plain({"sizes": [32, 64]}), from_plain({"sizes": [32, 64]}, toml=True)
    (Space(sizes=constant([32, 64])), Space(sizes=choice([32, 64])))
    """

    def entry(name: str, value: Option) -> Option:
        decoded = decode(value)
        if isinstance(decoded, Mapping):
            return _from_plain(name, value, toml)
        if isinstance(value, list | tuple):
            return _from_plain(name, {"choice" if toml else "constant": value}, toml)
        return decoded

    return Space(**{name: entry(name, value) for name, value in plain.items()})


def _to_plain(value: Option) -> Option:
    if not isinstance(value, Hyperparameter):
        return encode(value)
    plain: dict[str, Option] = {}
    if isinstance(value, Choice):
        plain["choice"] = [encode(option) for option in value.options]
        if value.ordinal:
            plain["ordinal"] = True
        if any(value.spaces):
            plain["spaces"] = [to_plain(space or {}) for space in value.spaces]
    elif value.distribution:
        plain = {"distribution": list(value.distribution), "low": value.low, "high": value.high}
    else:
        plain[value.kind] = [value.low, value.high]
        if value.step != type(value).step:
            plain["step"] = value.step
    plain["tier"] = value.tier
    if value.default is not None:
        plain["default"] = encode(value.default)
    return plain


def _from_plain(name: str, plain: Plain, toml: bool) -> Hyperparameter:
    kinds = [kind for kind in KINDS if kind in plain]
    keys = (*kinds, *_SETTINGS.get(kinds[0], ("tier", "default", "step"))) if kinds else KINDS
    for key in plain:
        if key not in keys and isinstance(plain[key], Mapping):
            raise InputError(
                f'{name} must be a hyperparameter, got a table; write a name with a dot in quotes: "{name}.{key}"'
            )
        if key not in keys:
            raise InputError(f"{name}: unknown key {key!r} of a hyperparameter{did_you_mean(key, keys)}")
    if len(kinds) != 1:
        raise InputError(f"{name} must have one kind of {', '.join(KINDS)}, got {dict(plain)!r}")
    try:
        return _of_kind(kinds[0], plain, toml)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _of_kind(kind: str, plain: Plain, toml: bool) -> Hyperparameter:
    values, tier, default = plain[kind], plain.get("tier", 2), decode(plain.get("default"))
    if kind == "constant":
        return constant(decode(values))
    if kind == "distribution":
        if not isinstance(values, list | tuple) or not values:
            raise InputError(f"distribution takes a name and parameters, such as ['norm', 0, 1], got {values!r}")
        return distribution(*values, low=plain.get("low"), high=plain.get("high"), tier=tier, default=default)
    if kind != "choice":
        if not isinstance(values, list | tuple) or len(values) != 2:
            raise InputError(f"{kind} takes two bounds, such as [1, 10], got {values!r}")
        low, high = values
        if kind in REAL_KINDS:
            return Real(kind, low, high, tier, default, plain.get("step"))
        integer = Integer(kind, low, high, tier, default, plain.get("step", 1))
        return exact(integer) if toml else integer  # old journals may hold others
    if not isinstance(values, list | tuple):
        raise InputError(f"choice takes a list of options, such as [32, 64], got {values!r}")
    spaces = plain.get("spaces", [{}] * len(values))
    if not isinstance(spaces, list | tuple) or [isinstance(s, Mapping) for s in spaces] != [True] * len(values):
        raise InputError(f"spaces must be a list of {len(values)} tables, one per option, got {spaces!r}")
    options = tuple(map(decode, values))
    ordinal = plain.get("ordinal", None if toml else False)
    return Choice(options, tier, default, tuple(from_plain(space, toml=toml) for space in spaces), ordinal)
