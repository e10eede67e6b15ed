"""A space: named hyperparameters, and the way between points of the unit cube and configs.

The rest of Caviar samples, clusters and zooms in the unit cube of `dimension` coordinates; only here do
points get names and values. A choice may open a sub-space that lives only under one of its options: its
coordinates exist for every point, but count (`active`) only where that option was chosen.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.space.conditions import Dimension, dimensions_of, filled, names_of
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, default_of, uniform
from caviar.space.narrowing import around, within
from caviar.space.scales import Array

Config = dict[str, Any]


class Space:
    """What may vary: names with hyperparameters, in order; anything else is a constant.

    Args:
        hyperparameters: name=uniform(...), loguniform(...), choice(...) and so on, or name=value.

    `grow` (False) may be set to True: then a search may reach beyond a bound that its square lies against.

    >>> from caviar.space.hyperparameters import loguniform, randint
    >>> space = Space(learning_rate=loguniform(1e-4, 1, tier=1), units=randint(50, 100), optimizer="adam")
    >>> space.configs(np.array([[0.5, 1.0]]))
    [{'learning_rate': 0.01, 'units': 100, 'optimizer': 'adam'}]
    """

    grow: bool = False

    def __init__(self, /, **hyperparameters: Any) -> None:
        self.hyperparameters: dict[str, Any] = dict(hyperparameters)
        self.dimensions: tuple[Dimension, ...] = tuple(dimensions_of(self))

    @property
    def dimension(self) -> int:
        """The number of coordinates d of the unit cube."""
        return len(self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that a config may have, constants and sub-spaces included, each once, in order."""
        return tuple(dict.fromkeys(names_of(self)))

    @property
    def levels(self) -> Array:
        """How many different values each coordinate has, shape (d,); infinity for real numbers."""
        return np.array([dimension.hyperparameter.levels for dimension in self.dimensions])

    @property
    def categorical(self) -> NDArray[np.bool_]:
        """Which coordinates are choices without an order, shape (d,)."""
        return np.array([dimension.hyperparameter.categorical for dimension in self.dimensions], dtype=bool)

    def active(self, points: Array) -> NDArray[np.bool_]:
        """Which coordinates of each point count, shape (n, d): not those under an option left unchosen."""
        points = self._checked(points)
        active = np.ones(points.shape, dtype=bool)
        for j, dimension in enumerate(self.dimensions):
            if dimension.parent is not None:  # a parent always stands before its children
                parent = self.dimensions[dimension.parent].hyperparameter
                assert isinstance(parent, Choice)
                chosen = parent.indices(points[:, dimension.parent]) == dimension.option
                active[:, j] = chosen & active[:, dimension.parent]
        return active

    def snap(self, points: Array) -> Array:
        """The points moved to the middle of what they stand for, shape (n, d).

        Two points give the same config exactly when they snap to the same point: whole numbers and options
        go to the middle of their interval, coordinates that do not count to 0.5.
        """
        points = self._checked(points)
        snapped = points.copy()
        for j, dimension in enumerate(self.dimensions):
            if np.isfinite(dimension.hyperparameter.levels):
                snapped[:, j] = dimension.hyperparameter.units(dimension.hyperparameter.values(points[:, j]))
        return np.where(self.active(points), snapped, 0.5)

    def configs(self, points: Array) -> list[Config]:
        """Points of the unit cube, shape (n, d), to n configs with plain Python values."""
        points = self._checked(points)
        columns = [_column(d.hyperparameter, points[:, j]) for j, d in enumerate(self.dimensions)]
        active = self.active(points)
        return [self._config(i, columns, active[i]) for i in range(len(points))]

    def points(self, configs: Sequence[Mapping[str, Any]]) -> Array:
        """Configs to points of the unit cube, shape (n, d).

        Raises:
            InputError: a name is missing or unknown, or a value lies outside of its hyperparameter.
        """
        points = np.full((len(configs), self.dimension), 0.5)
        for i, config in enumerate(configs):
            unknown = [name for name in config if name not in self.names]
            if unknown:
                raise InputError(f"{unknown[0]!r} is not in the space{did_you_mean(unknown[0], self.names)}")
            for j, dimension in enumerate(self.dimensions):
                if self.active(points[i : i + 1])[0, j]:
                    if dimension.name not in config:
                        raise InputError(f"the config {dict(config)!r} lacks {dimension.name!r}; add its value")
                    try:
                        points[i, j] = dimension.hyperparameter.units([config[dimension.name]])[0]
                    except InputError as error:
                        raise InputError(f"{dimension.name}: {error}") from None
        return points

    def tiers(self, upto: int) -> "Space":
        """The space with every hyperparameter of a tier above `upto` (1 to 3) fixed at its default.

        >>> from caviar.space.hyperparameters import randint
        >>> Space(layers=randint(1, 4, tier=3, default=2), units=randint(50, 100)).tiers(upto=2)
        Space(layers=2, units=randint(50, 100))
        """
        if upto not in (1, 2, 3):
            raise InputError(f"tiers(upto={upto!r}): a tier is 1, 2 or 3")
        return self._replaced(lambda _, h: _fixed(h) if h.tier > upto else h)

    def widened(self, name: str, upper: bool) -> "Space":
        """The space with half a range more beyond the upper or lower bound of one number."""
        return self._replaced(lambda n, h: h.widened(upper) if n == name and not isinstance(h, Choice) else h)

    def around(self, found: Any, share: float = 0.5) -> "Space":
        """The space narrowed to where something good was found.

        Args:
            found: a result of a study (`study.best`) or a config, to be in the middle; or a square (`study.square`).
            share: of each number's range, on its own scale, around a result; a choice keeps its options.

        Raises:
            InputError: it lies outside of this space.

        >>> from caviar.space.hyperparameters import loguniform
        >>> Space(rate=loguniform(1e-4, 1), optimizer="adam").around({"rate": 0.1})
        Space(rate=loguniform(0.01, 1, default=0.1), optimizer='adam')
        """
        if isinstance(found, pd.DataFrame):
            rows = {row["name"]: row for row in found.to_dict("records") if not pd.isna(row["low"])}
            return self._replaced(lambda n, h: within(h, rows[n]["low"], rows[n]["high"]) if n in rows else h)
        config = getattr(found, "config", found)
        if not isinstance(config, Mapping) or not set(config) & set(self.names):
            raise InputError(f"around({found!r:.100}): give a result, a square, or a config of {', '.join(self.names)}")
        return self._replaced(lambda name, h: around(h, config[name], share) if name in config else h)

    def _replaced(self, replace: Any) -> "Space":
        def replaced(name: str, value: Any) -> Any:
            if isinstance(value, Choice):
                spaces = tuple(s and s._replaced(replace) for s in value.spaces)
                value = Choice(value.options, value.tier, value.default, spaces)
            return replace(name, value) if isinstance(value, Hyperparameter) else value

        space = Space(**{name: replaced(name, value) for name, value in self.hyperparameters.items()})
        space.grow = self.grow
        return space

    def _config(self, i: int, columns: list[list[Any]], active: NDArray[np.bool_]) -> Config:
        alive = {d.name: columns[j][i] for j, d in enumerate(self.dimensions) if active[j]}
        return dict(filled(self, alive))

    def _checked(self, points: Array) -> Array:
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != self.dimension or not ((points >= 0) & (points <= 1)).all():
            raise InputError(f"expected points of the unit cube of shape (n, {self.dimension}), got {points.shape}")
        return points

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.hyperparameters == other.hyperparameters

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Space({', '.join(f'{name}={value!r}' for name, value in self.hyperparameters.items())})"

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        cells = [("hyperparameter", "tier", "values")]
        cells += [(name, getattr(value, "tier", ""), value) for name, value in self.hyperparameters.items()]
        rows = ["".join(f'<td style="text-align:left">{escape(str(cell))}</td>' for cell in row) for row in cells]
        head, *body = (f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead>{head.replace('td', 'th')}</thead><tbody>{''.join(body)}</tbody></table>"


def cube(dimension: int) -> Space:
    """The plain unit cube of d real coordinates x0, x1, ..., for searches outside of any study."""
    return Space(**{f"x{j}": uniform(0.0, 1.0) for j in range(dimension)})


def _fixed(hyperparameter: Hyperparameter) -> Any:
    """A hyperparameter held at its default; the sub-space under that default stays."""
    default = default_of(hyperparameter)
    if isinstance(hyperparameter, Choice) and (under := hyperparameter.spaces[hyperparameter.index(default)]):
        return Choice((default,), hyperparameter.tier, None, (under,))
    return default


def _column(hyperparameter: Hyperparameter, unit: Array) -> list[Any]:
    values = hyperparameter.values(unit)
    if isinstance(hyperparameter, Integer):
        return [int(value) for value in values]
    return list(values.tolist())
