"""A space: named hyperparameters, and the maps between points of the unit cube and configs.

The rest of Caviar samples, clusters and zooms in the unit cube; points get names and values only here. The
coordinates of a sub-space exist for every point, but are active only under their option.
"""

import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from keyword import iskeyword
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.space.bounds import fix, narrow_around, narrow_to, widen
from caviar.space.conditions import Dimension, config_items, dimensions_of, names_of
from caviar.space.constructors import uniform
from caviar.space.entries import entry_from
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, Option, Real
from caviar.space.references import named
from caviar.space.scales import Array
from caviar.space.values import identity, is_missing

Config = dict[str, Any]


class Space(Mapping[str, Any]):
    """An immutable mapping from names to hyperparameters and constants.

    Spaces are equal if they hold equal entries in the same order; 1, 1.0 and True are different constants.

    Args:
        hyperparameters: name=uniform(...), loguniform(...), choice(...) and so on. A list, tuple, range, set or array
            is a `choice` of its items; a distribution of SciPy, Optuna or Ray Tune is the same hyperparameter here;
            anything else is a constant, as is a list in `constant([32, 64])`. A name need not be an identifier:
            `Space(**{"model.lr": loguniform(1e-4, 1)})`.

    Attributes:
        dimensions: the coordinates of the unit cube, parents before their children.
        names: every column that a config may have, constants and sub-spaces included, each once, in order.

    >>> from caviar.space import loguniform, randint
    >>> space = Space(learning_rate=loguniform(1e-4, 1, tier=1), units=randint(50, 100), optimizer="adam")
    >>> space["units"], space.dimension
    (randint(50, 100), 2)
    >>> space.configs(np.array([[0.5, 1.0]]))
    [{'learning_rate': 0.01, 'units': 100, 'optimizer': 'adam'}]
    >>> Space(batch_size=[32, 64])
    Space(batch_size=choice([32, 64]))
    """

    _entries: dict[str, Any]
    dimensions: tuple[Dimension, ...]
    names: tuple[str, ...]

    def __init__(self, /, **hyperparameters: Any) -> None:
        entries = {name: _with_sub_spaces(entry_from(name, value)) for name, value in hyperparameters.items()}
        object.__setattr__(self, "_entries", entries)
        object.__setattr__(self, "dimensions", dimensions_of(entries))
        object.__setattr__(self, "names", tuple(dict.fromkeys(names_of(entries))))

    def __setattr__(self, name: str, value: object = None) -> NoReturn:
        raise AttributeError(f"a Space is immutable, so {name!r} cannot be changed; create a new one")

    __delattr__ = __setattr__

    def __getitem__(self, name: str) -> Any:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def dimension(self) -> int:
        """The number of coordinates d of the unit cube."""
        return len(self.dimensions)

    @property
    def levels(self) -> Array:
        """The number of different values of each coordinate, shape (d,); infinity for real numbers."""
        return np.array([dimension.hyperparameter.levels for dimension in self.dimensions])

    @property
    def categorical(self) -> NDArray[np.bool_]:
        """Whether each coordinate is a choice without an order, shape (d,)."""
        return np.array([dimension.hyperparameter.categorical for dimension in self.dimensions], dtype=bool)

    def active(self, points: Array) -> NDArray[np.bool_]:
        """Return which coordinates of points, shape (n, d), are active: all but those under other options."""
        points = self._checked(points)
        active = np.ones(points.shape, dtype=bool)
        for j, dimension in enumerate(self.dimensions):
            if dimension.parent is not None:
                parent = self.dimensions[dimension.parent].hyperparameter
                assert isinstance(parent, Choice)
                chosen = parent.indices(points[:, dimension.parent]) == dimension.option
                active[:, j] = chosen & active[:, dimension.parent]
        return active

    def snap(self, points: Array) -> Array:
        """Return points moved to the middle of what they represent, shape (n, d).

        Two points give the same config exactly when they snap to the same point: integers and options move to the
        middle of their interval, inactive coordinates to 0.5.
        """
        points = self._checked(points)
        snapped = points.copy()
        for j, dimension in enumerate(self.dimensions):
            hyperparameter = dimension.hyperparameter
            if isinstance(hyperparameter, Choice):
                snapped[:, j] = hyperparameter.middles(hyperparameter.indices(points[:, j]))
            elif np.isfinite(hyperparameter.levels):
                snapped[:, j] = hyperparameter.units(hyperparameter.values(points[:, j]))
        return np.where(self.active(points), snapped, 0.5)

    def configs(self, points: Array) -> list[Config]:
        """Return the configs of points, shape (n, d), with plain Python values."""
        points = self._checked(points)
        rows: list[Config] = [{} for _ in points]  # the values of the active coordinates
        for j, active in enumerate(self.active(points).T):
            hyperparameter = self.dimensions[j].hyperparameter
            values = hyperparameter.values(points[:, j]).tolist()
            if isinstance(hyperparameter, Integer):  # a float may lie beyond bounds above 2**53
                values = [min(max(int(value), hyperparameter.low), hyperparameter.high) for value in values]
            for i, value in enumerate(values):
                if active[i]:
                    rows[i][self.dimensions[j].name] = value
        return [dict(config_items(self, row)) for row in rows]

    def points(self, configs: Sequence[Mapping[str, Any]]) -> Array:
        """Return the points of the unit cube of configs, shape (n, d); inactive coordinates are 0.5."""
        points = np.full((len(configs), self.dimension), 0.5)
        for i, config in enumerate(configs):
            unknown = [name for name in config if name not in self.names]
            if unknown:
                raise InputError(f"{unknown[0]!r} is not in the space{did_you_mean(unknown[0], self.names)}")
            for j, dimension in enumerate(self.dimensions):
                if self.active(points[i : i + 1])[0, j]:
                    if dimension.name not in config:
                        raise InputError(f"config {dict(config)!r} lacks {dimension.name!r}; add its value")
                    try:
                        points[i, j] = dimension.hyperparameter.units([config[dimension.name]])[0]
                    except InputError as error:
                        raise InputError(f"{dimension.name}: {error}") from None
        return points

    def tiers(self, upto: int) -> "Space":
        """Return the space with every hyperparameter of a tier above `upto` (1 to 3) fixed at its default.

        >>> from caviar.space import randint
        >>> Space(layers=randint(1, 4, tier=3, default=2), units=randint(50, 100)).tiers(upto=2)
        Space(layers=2, units=randint(50, 100))
        """
        if upto not in (1, 2, 3):
            raise InputError(f"upto must be a tier (1, 2 or 3), got {upto!r}")
        return self._replaced(lambda _, h: fix(h) if h.tier > upto else h)

    def widened(self, name: str, upper: bool) -> "Space":
        """Return the space with half a range added beyond the upper or lower bound of one numeric hyperparameter.

        >>> Space(x=uniform(0.0, 1.0), y=3).widened("x", upper=True)
        Space(x=uniform(0.0, 1.5), y=3)
        """
        return self._replaced(lambda n, h: h if n != name or isinstance(h, Choice) else widen(h, upper=upper))

    def ranked(self) -> "Space":
        """Return the space with each ordinal choice as an integer, the rank of its option from 0.

        >>> from caviar.space import choice
        >>> Space(size=choice([32, 64, 128]), kind=choice(["a", "b"])).ranked()
        Space(size=randint(0, 2), kind=choice(['a', 'b']))
        """

        def rank(_: str, h: Hyperparameter) -> Option:
            return Integer("randint", 0, len(h.options) - 1) if isinstance(h, Choice) and h.ordinal else h

        return self._replaced(rank)

    def around(self, center: object, share: float = 0.5) -> "Space":
        """Return the space narrowed to the surroundings of a good config.

        Args:
            center: a result of a study (`study.best`) or a config; or a square (`study.square`), whose bounds are used.
            share: how much of each number's range, on its own scale, to keep around a config; choices without an
                order keep all options.

        >>> from caviar.space import loguniform
        >>> Space(rate=loguniform(1e-4, 1), optimizer="adam").around({"rate": 0.1})
        Space(rate=loguniform(0.01, 1, default=0.1), optimizer='adam')
        """
        pandas = sys.modules.get("pandas")  # slow to import, and whoever has a table has imported it
        if pandas and isinstance(center, pandas.DataFrame):
            rows = {row["name"]: row for row in center.to_dict("records") if not is_missing(row["low"])}
            return self._replaced(lambda n, h: narrow_to(h, rows[n]["low"], rows[n]["high"]) if n in rows else h)
        config = getattr(center, "config", center)
        if not isinstance(config, Mapping) or not set(config) & set(self.names):
            names = ", ".join(self.names)
            raise InputError(f"center must be a result, a square or a config of {names}, got {center!r:.100}")
        return self._replaced(lambda n, h: narrow_around(h, config[n], share) if n in config else h)

    def _replaced(self, change: Callable[[str, Hyperparameter], Option]) -> "Space":
        """Return the space with every hyperparameter, at any depth, replaced by `change(name, hyperparameter)`."""

        def replaced(name: str, value: Option) -> Option:
            if isinstance(value, Choice):
                spaces = tuple(space and Space(**space)._replaced(change) for space in value.spaces)
                value = replace(value, spaces=spaces)
            return change(name, value) if isinstance(value, Hyperparameter) else value

        return Space(**{name: replaced(name, value) for name, value in self.items()})

    def _checked(self, points: Array) -> Array:
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != self.dimension or not ((points >= 0) & (points <= 1)).all():
            raise InputError(f"points must lie in the unit cube, shape (n, {self.dimension}), got {points.shape}")
        return points

    def __eq__(self, other: object) -> bool:
        return _identity(self) == _identity(other) if isinstance(other, Space) else NotImplemented

    def __hash__(self) -> int:
        return hash(_identity(self))

    def __repr__(self) -> str:
        return f"Space({', '.join(argument_code(name, value) for name, value in self.items())})"

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        cells = [("hyperparameter", "tier", "values")]
        cells += [(name, getattr(value, "tier", ""), value) for name, value in self.items()]
        rows = ["".join(f'<td style="text-align:left">{escape(str(cell))}</td>' for cell in row) for row in cells]
        head, *body = (f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead>{head.replace('td', 'th')}</thead><tbody>{''.join(body)}</tbody></table>"


def argument_code(name: str, value: Option) -> str:
    """Return an argument of a `Space` as Python code.

    >>> argument_code("rate", 0.1), argument_code("learning rate", 0.1)
    ('rate=0.1', "**{'learning rate': 0.1}")
    """
    identifier = name.isidentifier() and name.isascii() and not iskeyword(name)  # Python reads others as NFKC
    code = repr(named(value))
    return f"{name}={code}" if identifier else f"**{{{name!r}: {code}}}"


def cube(dimension: int) -> Space:
    """Return the unit cube of d real coordinates x0, x1, ..., for searches outside a study.

    >>> cube(2)
    Space(x0=uniform(0.0, 1.0), x1=uniform(0.0, 1.0))
    """
    return Space(**{f"x{j}": uniform(0.0, 1.0) for j in range(dimension)})


def _with_sub_spaces(value: Option) -> Option:
    """Return an entry with each sub-space as a `Space`, where it was given as a dict."""
    if not isinstance(value, Choice) or all(space is None or isinstance(space, Space) for space in value.spaces):
        return value
    return replace(value, spaces=tuple(space and Space(**space) for space in value.spaces))


def _identity(value: object) -> Hashable:
    """Return what is equal in equal entries of a space."""
    if isinstance(value, Space):
        return tuple((name, _identity(entry)) for name, entry in value.items())
    if isinstance(value, Choice):
        fields: tuple[object, ...] = (value.options, value.default, value.tier, value.ordinal)
        return Choice, *map(identity, fields), tuple(map(_identity, value.spaces))
    if isinstance(value, Real | Integer):
        fields = (value.kind, value.low, value.high, value.step, value.distribution, value.default, value.tier)
        return type(value), *map(identity, fields)
    return identity(value)
