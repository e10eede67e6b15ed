"""Between what scikit-learn users search and what a study searches: a space of plain values, and the way back.

A study keeps its configs as plain values in a journal, so an option that is none (an estimator, a function, an
array) goes by a label there. A distribution that is none of Caviar's is searched on its own quantiles. Columns are
named as in `cv_results_`: "param_C".
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.space import Choice, Config, Integer, Real, Space, loguniform, randint, uniform

PREFIX = "param_"
ALTERNATIVE = "space"  # the column that says which of several spaces a config is of
TAIL = 1e-6  # the share of an endless distribution that is left out at an end
LABEL_CHARACTERS = 80


@dataclass(frozen=True)
class Translation:
    """A space for a study, and what its configs stand for.

    space: what the study searches; objects: what labels stand for; distributions: for each of the alternatives the
    parameters that are searched on the quantiles of a distribution.
    """

    space: Space
    objects: Mapping[str, Any]
    distributions: Sequence[Mapping[str, Any]]

    def parameters(self, config: Config) -> dict[str, Any]:
        """What an estimator is given for a config of the study."""
        distributions = self.distributions[config.get(ALTERNATIVE, 0)]
        given: dict[str, Any] = {}
        for column, value in config.items():
            name = column.removeprefix(PREFIX)
            if name in distributions:
                given[name] = _at_quantile(distributions[name], value)
            elif column != ALTERNATIVE:
                given[name] = self.objects[value] if isinstance(value, str) else value
        return given

    @property
    def size(self) -> float:
        """How many different configs there are."""
        return _size(self.space)


def translated(space: Any) -> Translation:
    """The translation of what a user gives as a space.

    Args:
        space: a `Space`; a dict from parameters to hyperparameters, `scipy.stats` distributions and lists; or a list
            of such, of which every configuration takes one.

    Raises:
        InputError: an entry is none of these.

    >>> from scipy import stats
    >>> found = translated({"C": stats.loguniform(1e-2, 1e2), "kernel": ["rbf", "linear"], "tol": stats.norm(5, 1)})
    >>> found.space
    Space(param_C=loguniform(0.01, 100.0), param_kernel=choice(['rbf', 'linear']), param_tol=uniform(1e-06, 0.999999))
    >>> found.parameters({"param_C": 1.0, "param_kernel": "rbf", "param_tol": 0.5})
    {'C': 1.0, 'kernel': 'rbf', 'tol': 5.0}
    """
    alternatives = list(space) if isinstance(space, list | tuple) else [space]
    if not alternatives:
        raise InputError("space=[]: there is nothing to search; give a caviar.Space, or a dict of distributions")
    objects: dict[str, Any] = {}
    spaces = [_space(one, objects) for one in alternatives]
    distributions = [
        {} if isinstance(one, Space) else {name: value for name, value in one.items() if _searched_by_quantile(value)}
        for one in alternatives
    ]
    whole = spaces[0]
    if len(spaces) > 1:
        whole = Space(**{ALTERNATIVE: Choice(tuple(range(len(spaces))), spaces=tuple(spaces))})
    return Translation(whole, objects, distributions)


def _space(given: Any, objects: dict[str, Any]) -> Space:
    if isinstance(given, Space):
        return _plain(given, objects)
    if not isinstance(given, Mapping):
        raise InputError(f"space={given!r} is neither a caviar.Space nor a dict from parameters to distributions")
    return _plain(Space(**{str(name): _entry(name, value) for name, value in given.items()}), objects)


def _entry(name: str, value: Any) -> Any:
    """A hyperparameter of Caviar's for an entry of a dict."""
    if isinstance(value, Real | Integer | Choice):
        return value
    if hasattr(value, "rvs"):
        return _of_distribution(name, value)
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
        raise InputError(
            f"{name}: {value!r} is neither a list, a scipy.stats distribution nor a hyperparameter of Caviar's; "
            f"for one value write [{value!r}]"
        )
    options = list(value)
    if not options:
        raise InputError(f"{name}: the list is empty; give at least one value")
    return _Options(options)


class _Options(list[Any]):
    """Options of a choice that may be anything."""


def _of_distribution(name: str, distribution: Any) -> Real | Integer:
    if not (hasattr(distribution, "ppf") and hasattr(distribution, "support")):
        raise InputError(f"{name}: {distribution!r} has no ppf and support; give a scipy.stats distribution of numbers")
    low, high = (float(bound) for bound in distribution.support())
    match _kind(distribution):
        case "uniform":
            return uniform(low, high)
        case "loguniform":
            return loguniform(low, high)
        case "randint":
            return randint(int(low), int(high))
    return uniform(0.0 if math.isfinite(low) else TAIL, 1.0 if math.isfinite(high) else 1.0 - TAIL)


def _kind(distribution: Any) -> str:
    """The hyperparameter that a distribution is exactly, or "" for none."""
    name = getattr(getattr(distribution, "dist", None), "name", "")
    if name in ("loguniform", "reciprocal"):
        low, high = distribution.support()  # moved aside by loc it is no log scale any more
        return "loguniform" if low > 0 and math.isclose(distribution.median(), math.sqrt(low * high)) else ""
    return name if name in ("uniform", "randint") else ""


def _searched_by_quantile(value: Any) -> bool:
    return hasattr(value, "rvs") and not _kind(value)


def _at_quantile(distribution: Any, quantile: float) -> float:
    low, high = distribution.support()  # ppf(0) of a discrete distribution lies below
    value = float(min(max(distribution.ppf(quantile), low), high))
    return int(value) if hasattr(distribution, "pmf") else value


def _plain(space: Space, objects: dict[str, Any]) -> Space:
    """The space under the columns' names, every option and constant a plain value or a label."""

    def plain(value: Any) -> Any:
        if isinstance(value, Real | Integer):
            return value
        if isinstance(value, _Options):
            return Choice(_labelled(value, objects), spaces=(None,) * len(value))
        if isinstance(value, Choice):
            options = _labelled(value.options, objects)
            default = None if value.default is None else options[value.index(value.default)]
            return Choice(options, value.tier, default, tuple(s and _plain(s, objects) for s in value.spaces))
        return _labelled([value], objects)[0]

    translated = Space(**{f"{PREFIX}{name}": plain(value) for name, value in space.hyperparameters.items()})
    translated.grow = space.grow
    return translated


def _labelled(options: Sequence[Any], objects: dict[str, Any]) -> tuple[Any, ...]:
    """The options as plain values, no two of them equal."""
    labelled: list[Any] = []
    for option in options:
        value = option.item() if isinstance(option, np.generic) else option
        number = value is None or (isinstance(value, bool | int | float) and value == value)
        if not number or any(
            value == other and isinstance(value, bool) == isinstance(other, bool) for other in labelled
        ):
            value = _label(value, objects)
        labelled.append(value)
    return tuple(labelled)


def _label(value: Any, objects: dict[str, Any]) -> str:
    """A label for an object: a string is its own, any other has its repr's beginning."""
    stem = value if isinstance(value, str) else " ".join(repr(value).split())[:LABEL_CHARACTERS]
    label, again = stem, 2
    while label in objects:
        label, again = f"{stem} #{again}", again + 1
    objects[label] = value
    return label


def _size(space: Space) -> float:
    sizes = []
    for value in space.hyperparameters.values():
        if isinstance(value, Choice):
            sizes.append(math.fsum(_size(under) if under else 1 for under in value.spaces))
        else:
            sizes.append(value.levels if isinstance(value, Real | Integer) else 1.0)
    return math.prod(sizes)
