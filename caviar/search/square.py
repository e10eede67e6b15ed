"""The square: the region around the best cluster that the next wave samples from, and why.

It is a box in the unit cube, with a probability for every option of a choice, readable as a table of
hyperparameter values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.space import Choice, Integer, Space
from caviar.space.scales import Array

NEAR = 0.05  # a centre within this share of the range from a bound is at that bound


@dataclass(frozen=True)
class Square:
    """A region of the unit cube.

    Args:
        low: the lower corner, d coordinates in [0, 1].
        high: the upper corner, d coordinates in [0, 1].
        centre: the point that it was drawn around, d coordinates.
        weights: per coordinate the probabilities of a choice's options; empty for numbers.
        reason: why it is where it is, one sentence.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    centre: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    reason: str = ""

    @property
    def shares(self) -> Array:
        """The share of each coordinate's range inside, shape (d,); of a choice: its effective options."""
        sides = [
            1 / (len(weights) * sum(w**2 for w in weights)) if weights else high - low
            for low, high, weights in zip(self.low, self.high, self.weights, strict=True)
        ]
        return np.array(sides)

    @property
    def share(self) -> float:
        """The share of the space's volume inside."""
        return float(np.prod(self.shares))

    def inside(self, points: Array) -> Array:
        """Points of the unit cube moved into the square, shape (n, d): uniform ones stay evenly spread."""
        moved: Array = np.asarray(self.low) + points * (np.asarray(self.high) - np.asarray(self.low))
        for j, weights in enumerate(self.weights):
            if weights:
                option = np.searchsorted(np.cumsum(weights), points[:, j] * sum(weights), side="right")
                moved[:, j] = (np.minimum(option, len(weights) - 1) + 0.5) / len(weights)
        return moved

    def describe(self, space: Space) -> list[dict[str, Any]]:
        """One row a hyperparameter: name, low, high, space_low, space_high, share, options; for a DataFrame."""
        rows = []
        for j, dimension in enumerate(space.dimensions):
            hyperparameter, low, high = dimension.hyperparameter, None, None
            options = ""
            if isinstance(hyperparameter, Choice):
                listed = sorted(zip(self.weights[j], hyperparameter.options, strict=True), key=lambda pair: -pair[0])
                options = ", ".join(f"{option} {weight:.0%}" for weight, option in listed)
            else:
                low, high = hyperparameter.values(np.array([self.low[j], self.high[j]])).tolist()
                if isinstance(hyperparameter, Integer):
                    low, high = int(low), int(high)
            rows.append(
                {
                    "name": dimension.name,
                    "low": low,
                    "high": high,
                    "space_low": getattr(hyperparameter, "low", None),
                    "space_high": getattr(hyperparameter, "high", None),
                    "share": float(self.shares[j]),
                    "options": options,
                }
            )
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and strings, for JSON."""
        return {
            "low": list(self.low),
            "high": list(self.high),
            "centre": list(self.centre),
            "weights": [list(weights) for weights in self.weights],
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Square":
        """The square that `as_dict` was called on."""
        return cls(
            tuple(plain["low"]),
            tuple(plain["high"]),
            tuple(plain["centre"]),
            tuple(tuple(weights) for weights in plain["weights"]),
            plain["reason"],
        )


def whole(space: Space) -> Square:
    """The square that is the whole space."""
    d = space.dimension
    weights = tuple(
        (1 / levels,) * int(levels) if categorical else ()
        for levels, categorical in zip(space.levels, space.categorical, strict=True)
    )
    return Square((0.0,) * d, (1.0,) * d, (0.5,) * d, weights, "the whole space")


def lying_against(square: Square, space: Space) -> list[tuple[str, bool]]:
    """The bounds that the square lies against: pairs of a hyperparameter's name and whether it's the upper."""
    found = []
    for j, dimension in enumerate(space.dimensions):
        if square.weights[j] or (square.low[j] <= 0 and square.high[j] >= 1):
            continue
        near = max(NEAR, 0.5 / dimension.hyperparameter.levels)
        if square.low[j] <= 0 and square.centre[j] <= near:
            found.append((dimension.name, False))
        if square.high[j] >= 1 and square.centre[j] >= 1 - near:
            found.append((dimension.name, True))
    return found


def edges(square: Square, space: Space) -> list[str]:
    """A sentence for every bound of the space that the square lies against."""
    bounds = {dimension.name: dimension.hyperparameter for dimension in space.dimensions}
    return [
        f"the best values of {name} lie at the {'upper' if upper else 'lower'} bound "
        f"{getattr(bounds[name], 'high' if upper else 'low'):g}: widen it"
        for name, upper in lying_against(square, space)
    ]


def grown(before: Space, after: Space) -> list[str]:
    """A sentence for every bound that a search with `space.grow` has moved.

    >>> from caviar.space import loguniform
    >>> grown(Space(rate=loguniform(0.01, 1)), Space(rate=loguniform(0.01, 10)))
    ['rate was let grow beyond its upper bound 1: to 10']
    """
    sentences = []
    for old, new in zip(before.dimensions, after.dimensions, strict=True):
        for bound, side in (("low", "lower"), ("high", "upper")):
            was, now = (getattr(dimension.hyperparameter, bound, None) for dimension in (old, new))
            if was is not None and now is not None and was != now:
                sentences.append(f"{old.name} was let grow beyond its {side} bound {was:g}: to {now:g}")
    return sentences
