"""Translate scikit-learn's search spaces into a space for a study, and its configs back into parameters.

A study keeps its configs as plain values in a journal, so any other option (an estimator, a function, an array) is
replaced with a label there. A distribution that `scipy.stats` does not name is searched by its probabilities. Columns
are named as in `cv_results_`: "param_C".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from caviar.errors import InputError
from caviar.records.trial import Config
from caviar.sklearn.internals import Parameters
from caviar.space import Choice, Integer, Real, Space, uniform
from caviar.space.entries import counterpart, entry_from, options_of

_PREFIX = "param_"
_ALTERNATIVE = "space"  # the column that says which of several spaces a config is from
_TAIL = 1e-6  # the probability cut off at each infinite end of a distribution
_LABEL_CHARACTERS = 80

Objects = dict[str, object]  # by label


@runtime_checkable
class Distribution(Protocol):
    """A distribution of numbers, such as the frozen ones of `scipy.stats`."""

    def rvs(self) -> float: ...
    def ppf(self, probability: float, /) -> float: ...
    def support(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Translation:
    """A space for a study, and what its configs mean."""

    space: Space  # what the study searches
    objects: Mapping[str, object]  # what the labels stand for
    distributions: Sequence[Mapping[str, Distribution]]  # of each alternative space, those searched by quantiles

    def parameters(self, config: Config) -> Parameters:
        """Return the estimator's parameters for a config of the study."""
        distributions = self.distributions[config.get(_ALTERNATIVE, 0)]
        parameters: Parameters = {}
        for column, value in config.items():
            name = column.removeprefix(_PREFIX)
            if name in distributions:
                parameters[name] = _quantile(distributions[name], value)
            elif column != _ALTERNATIVE:
                parameters[name] = self.objects[value] if isinstance(value, str) else value
        return parameters

    @property
    def size(self) -> float:
        """The number of different configs; infinity if a hyperparameter is continuous."""
        alternatives = self.space.get(_ALTERNATIVE)
        spaces = alternatives.spaces if isinstance(alternatives, Choice) else (self.space,)
        return math.fsum(map(_size, dict.fromkeys(spaces)))


def translate(space: object) -> Translation:
    """Return the translation of any search space that `CaviarSearchCV` accepts.

    >>> from scipy import stats
    >>> translation = translate({"C": stats.loguniform(1e-2, 1e2), "kernel": ["rbf", "linear"]})
    >>> translation.space
    Space(param_C=loguniform(0.01, 100.0), param_kernel=choice(['rbf', 'linear']))
    >>> translation.parameters({"param_C": 1.0, "param_kernel": "rbf"})
    {'C': 1.0, 'kernel': 'rbf'}
    """
    alternatives = list(space) if isinstance(space, list | tuple) else [space]
    if not alternatives:
        raise InputError("space must contain at least one space, got []; try a caviar.Space or a dict of distributions")
    objects: Objects = {}
    spaces = [_translate(alternative, objects) for alternative in alternatives]
    distributions = [_by_quantile(alternative) for alternative in alternatives]
    if len(spaces) == 1 and not spaces[0].dimension:  # in a study something must vary: which of two equal spaces
        spaces, distributions = spaces * 2, distributions * 2
    if len(spaces) == 1:
        return Translation(spaces[0], objects, distributions)
    choice = Choice(tuple(range(len(spaces))), spaces=tuple(spaces), ordinal=False)
    return Translation(Space(**{_ALTERNATIVE: choice}), objects, distributions)


def _translate(space: object, objects: Objects) -> Space:
    if isinstance(space, Space):
        return _plain_space(space, objects)
    if not isinstance(space, Mapping):
        raise InputError(f"space must be a caviar.Space or a dict, got {space!r}; try {{'C': caviar.uniform(0, 1)}}")
    return Space(**{f"{_PREFIX}{name}": _hyperparameter(name, value, objects) for name, value in space.items()})


def _plain_space(space: Mapping[str, object], objects: Objects) -> Space:
    """Return a space with each option and constant as a plain value or a label."""
    return Space(**{f"{_PREFIX}{name}": _plain(value, objects) for name, value in space.items()})


def _plain(value: object, objects: Objects) -> object:
    if isinstance(value, Real | Integer):
        return value
    if isinstance(value, Choice):
        options = _labelled(value.options, objects)
        default = None if value.default is None else options[value.index(value.default)]
        spaces = tuple(space and _plain_space(space, objects) for space in value.spaces)
        return Choice(options, value.tier, default, spaces, value.ordinal)
    return _labelled([value], objects)[0]


def _hyperparameter(name: str, value: object, objects: Objects) -> object:
    if isinstance(value, Distribution):
        low, high = value.support()
        if np.ndim(low) or not low <= high:
            raise InputError(f"{name} must be one distribution, but is from {low} to {high}; check its parameters")
        tails = uniform(0.0 if math.isfinite(low) else _TAIL, 1.0 if math.isfinite(high) else 1.0 - _TAIL)
        return counterpart(value) or tails
    if hasattr(value, "rvs") or hasattr(value, "icdf"):  # the latter: `scipy.stats.Normal` and the like
        raise InputError(f"{name} must have ppf and support, got {value!r}; try one such as scipy.stats.norm(0, 1)")
    if (options := options_of(value)) is not None:
        if not options:
            raise InputError(f"{name} must list at least one value, got {value!r}; try a list of the values to search")
        return Choice(_labelled(options, objects), spaces=(None,) * len(options))
    entry = entry_from(name, value)
    if not isinstance(entry, Real | Integer | Choice):
        raise InputError(
            f"{name} must be a list, a scipy.stats distribution or a Caviar hyperparameter, "
            f"got {value!r}; try [{value!r}]"
        )
    return _plain(entry, objects)


def _by_quantile(space: object) -> dict[str, Distribution]:
    """Return the distributions of a dict that are searched by quantiles."""
    entries = {} if isinstance(space, Space) or not isinstance(space, Mapping) else space
    return {n: value for n, value in entries.items() if isinstance(value, Distribution) and not counterpart(value)}


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
    """Label an object with itself if it is a string, otherwise with the beginning of its repr."""
    stem = value if isinstance(value, str) else " ".join(repr(value).split())[:_LABEL_CHARACTERS]
    label, number = stem, 2
    while label in objects:
        label, number = f"{stem} #{number}", number + 1
    objects[label] = value
    return label


def _size(value: object) -> float:
    """Return the number of different configs of a space, or of different values of a hyperparameter or constant."""
    if isinstance(value, Mapping):
        return math.prod(map(_size, value.values()), start=1.0)
    if isinstance(value, Choice):
        return math.fsum(map(_size, value.spaces))
    return value.levels if isinstance(value, Real | Integer) else 1.0
