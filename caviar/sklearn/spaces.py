"""Translate what scikit-learn users search into a space for a study, and its configs back into parameters.

A study keeps its configs as plain values in a journal, so any other option (an estimator, a function, an array) is
replaced with a label there. A distribution without a counterpart in Caviar is searched by its quantiles. Columns are
named as in `cv_results_`: "param_C".
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from caviar.errors import InputError
from caviar.records.trial import Config
from caviar.sklearn.internals import Parameters
from caviar.space import Choice, Integer, Real, Space, loguniform, randint, uniform

PREFIX = "param_"
ALTERNATIVE = "space"  # the column for which of several spaces a config is from
TAIL = 1e-6  # the probability cut off at each infinite end of a distribution
LABEL_CHARACTERS = 80

Objects = dict[str, object]  # by their labels


@runtime_checkable
class Distribution(Protocol):
    """A distribution of numbers, such as the frozen ones of `scipy.stats`."""

    def rvs(self) -> float: ...
    def ppf(self, probability: float, /) -> float: ...
    def support(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Translation:
    """A space for a study, and what its configs mean.

    Args:
        space: what the study searches.
        objects: what the labels stand for.
        distributions: for each alternative space, the parameters that are searched by quantiles.
    """

    space: Space
    objects: Mapping[str, object]
    distributions: Sequence[Mapping[str, Distribution]]

    def parameters(self, config: Config) -> Parameters:
        """Return the estimator's parameters for a config of the study."""
        distributions = self.distributions[config.get(ALTERNATIVE, 0)]
        parameters: Parameters = {}
        for column, value in config.items():
            name = column.removeprefix(PREFIX)
            if name in distributions:
                parameters[name] = _quantile(distributions[name], value)
            elif column != ALTERNATIVE:
                parameters[name] = self.objects[value] if isinstance(value, str) else value
        return parameters

    @property
    def size(self) -> float:
        """The number of different configs."""
        return _size(self.space)


def translate(space: object) -> Translation:
    """Return the translation of a search space.

    Args:
        space: a `Space`; a dict from parameters to Caviar hyperparameters, `scipy.stats` distributions or lists; or a
            list of these, each config then being from one of them.

    Raises:
        InputError: an entry is none of these.

    >>> from scipy import stats
    >>> space = {"C": stats.loguniform(1e-2, 1e2), "kernel": ["rbf", "linear"], "tol": stats.norm(5, 1)}
    >>> translation = translate(space)
    >>> translation.space
    Space(param_C=loguniform(0.01, 100.0), param_kernel=choice(['rbf', 'linear']), param_tol=uniform(1e-06, 0.999999))
    >>> translation.parameters({"param_C": 1.0, "param_kernel": "rbf", "param_tol": 0.5})
    {'C': 1.0, 'kernel': 'rbf', 'tol': 5.0}
    """
    alternatives = list(space) if isinstance(space, list | tuple) else [space]
    if not alternatives:
        raise InputError("space must contain at least one space, got []; try a caviar.Space or a dict of distributions")
    objects: Objects = {}
    spaces = [_translate(alternative, objects) for alternative in alternatives]
    distributions = [_by_quantile(alternative) for alternative in alternatives]
    if len(spaces) == 1:
        return Translation(spaces[0], objects, distributions)
    choice = Choice(tuple(range(len(spaces))), spaces=tuple(spaces))
    return Translation(Space(**{ALTERNATIVE: choice}), objects, distributions)


def _translate(space: object, objects: Objects) -> Space:
    if isinstance(space, Space):
        return _plain_space(space, objects)
    if not isinstance(space, Mapping):
        raise InputError(f"space must be a caviar.Space or a dict, got {space!r}; try {{'C': caviar.uniform(0, 1)}}")
    return Space(**{f"{PREFIX}{name}": _hyperparameter(name, value, objects) for name, value in space.items()})


def _plain_space(space: Mapping[str, object], objects: Objects) -> Space:
    """Return a space of Caviar with each option and constant as a plain value or a label."""
    return Space(**{f"{PREFIX}{name}": _plain(value, objects) for name, value in space.items()})


def _plain(value: object, objects: Objects) -> object:
    if isinstance(value, Real | Integer):
        return value
    if isinstance(value, Choice):
        options = _labelled(value.options, objects)
        default = None if value.default is None else options[value.index(value.default)]
        spaces = tuple(space and _plain_space(space, objects) for space in value.spaces)
        return Choice(options, value.tier, default, spaces)
    return _labelled([value], objects)[0]


def _hyperparameter(name: str, value: object, objects: Objects) -> object:
    """Return the hyperparameter for an entry of a dict."""
    if isinstance(value, Real | Integer | Choice):
        return _plain(value, objects)
    if isinstance(value, Distribution):
        return _from_distribution(value)
    if hasattr(value, "rvs"):
        raise InputError(f"{name} must have ppf and support, got {value!r}; try a scipy.stats distribution of numbers")
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
        raise InputError(
            f"{name} must be a list, a scipy.stats distribution or a Caviar hyperparameter, "
            f"got {value!r}; try [{value!r}]"
        )
    if not len(value):
        raise InputError(f"{name} must list at least one value, got {value!r}; try a list of the values to search")
    return Choice(_labelled(list(value), objects), spaces=(None,) * len(value))


def _from_distribution(distribution: Distribution) -> Real | Integer:
    low, high = (float(bound) for bound in distribution.support())
    match _kind(distribution):
        case "uniform":
            return uniform(low, high)
        case "loguniform":
            return loguniform(low, high)
        case "randint":
            return randint(int(low), int(high))
    return uniform(0.0 if math.isfinite(low) else TAIL, 1.0 if math.isfinite(high) else 1.0 - TAIL)


def _kind(distribution: Distribution) -> str:
    """Return the kind of hyperparameter that a distribution equals exactly, or "" if there is none."""
    name = getattr(getattr(distribution, "dist", None), "name", "")
    if name in ("loguniform", "reciprocal"):
        low, high = distribution.support()  # a loguniform moved by `loc` is not log-uniform
        return "loguniform" if low > 0 and math.isclose(distribution.ppf(0.5), math.sqrt(low * high)) else ""
    return name if name in ("uniform", "randint") else ""


def _by_quantile(space: object) -> dict[str, Distribution]:
    """Return the distributions of a dict that are searched by quantiles."""
    entries = {} if isinstance(space, Space) or not isinstance(space, Mapping) else space
    return {name: value for name, value in entries.items() if isinstance(value, Distribution) and not _kind(value)}


def _quantile(distribution: Distribution, probability: float) -> float:
    low, high = distribution.support()
    value = float(min(max(distribution.ppf(probability), low), high))  # ppf(0) of a discrete distribution is low - 1
    return int(value) if hasattr(distribution, "pmf") else value


def _labelled(options: Sequence[object], objects: Objects) -> tuple[object, ...]:
    """Return the options as plain values, no two of them equal."""
    values: list[object] = []
    for option in options:
        value = option.item() if isinstance(option, np.generic) else option
        plain = value is None or (isinstance(value, bool | int | float) and value == value)
        if not plain or any(value == v and isinstance(value, bool) == isinstance(v, bool) for v in values):
            value = _label(value, objects)
        values.append(value)
    return tuple(values)


def _label(value: object, objects: Objects) -> str:
    """Label an object: with itself if it is a string, with the beginning of its repr otherwise."""
    stem = value if isinstance(value, str) else " ".join(repr(value).split())[:LABEL_CHARACTERS]
    label, number = stem, 2
    while label in objects:
        label, number = f"{stem} #{number}", number + 1
    objects[label] = value
    return label


def _size(space: Mapping[str, object]) -> float:
    return math.prod([_options(value) for value in space.values()], start=1.0)


def _options(value: object) -> float:
    """Return the number of different values, combined with those of the sub-spaces."""
    if isinstance(value, Choice):
        return math.fsum(_size(space) if space else 1 for space in value.spaces)
    return value.levels if isinstance(value, Real | Integer) else 1.0
