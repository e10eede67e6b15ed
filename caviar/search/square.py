"""The square: where the process believes that the best trials are; how it is drawn, and how it is described.

It is a box in the unit cube with a probability for every option of a choice. It is drawn around the best cluster, as
far as a change of one hyperparameter may still lead to as good a value. So it shrinks as fast as the evidence allows,
and stays wide where a hyperparameter hardly matters or little is known. Waves are sampled mostly, not only, inside.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.search.clustering import best_cluster
from caviar.search.gaussian_process import GaussianProcess
from caviar.space import Choice, Integer, Space
from caviar.space.references import named
from caviar.space.scales import Array

_SD = 1.5  # a value may still be as good as the best if it is predicted so within this many standard deviations
_OFFSETS = np.geomspace(0.005, 1.0, 40)  # from the centre, at which this is asked
_LEAST_WEIGHT = 0.01  # of an option
_NEAR = 0.05  # a centre reaches a bound if it is closer than this share of the range
_CLEAR = 0.25  # the widest side of a square, as a share of the space, that says something about a bound


class SquareSide(NamedTuple):
    """The square along one hyperparameter, in that hyperparameter's values.

    `low`, `high` and the bounds of the space are None for a choice, which lists its options with their probabilities,
    such as "adam 75%, sgd 25%". `share` is the share of the range or of the options that is inside.
    """

    name: str
    low: float | None
    high: float | None
    space_low: float | None
    space_high: float | None
    share: float
    options: str


@dataclass(frozen=True)
class Square:
    """A region of the unit cube.

    Args:
        low, high: the lower and the upper corner, d coordinates in [0, 1].
        centre: the point it is drawn around, d coordinates in [0, 1].
        weights: per coordinate the probabilities of the options of a choice; empty for numbers.
        reason: why it is there, in one sentence.

    >>> square = Square((0.0, 0.5), (0.5, 1.0), (0.2, 0.9), ((), ()))
    >>> square.share
    0.25
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    centre: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    reason: str = ""

    @property
    def shares(self) -> Array:
        """The share of each coordinate's range inside, shape (d,); for a choice, the effective share of its options."""
        shares = [
            1 / (len(weights) * sum(w**2 for w in weights)) if weights else high - low
            for low, high, weights in zip(self.low, self.high, self.weights, strict=True)
        ]
        return np.array(shares)

    @property
    def share(self) -> float:
        """The share of the space's volume that is inside."""
        return float(np.prod(self.shares))

    def contains(self, points: Array, space: Space) -> NDArray[np.bool_]:
        """Return which points, shape (n, d), lie inside, shape (n,); a coordinate that a point does not use counts."""
        sides = (points >= self.low) & (points <= self.high)
        return np.array((sides | space.categorical | ~space.active(points)).all(axis=1))

    def sides(self, space: Space) -> list[SquareSide]:
        """Return one row per hyperparameter of the space, for a table.

        >>> from caviar.space import randint
        >>> Square((0.0,), (0.5,), (0.25,), ((),)).sides(Space(units=randint(1, 8)))
        [SquareSide(name='units', low=1, high=5, space_low=1, space_high=8, share=0.5, options='')]
        """
        sides = []
        for j, dimension in enumerate(space.dimensions):
            name, number, share = dimension.name, dimension.hyperparameter, float(self.shares[j])
            if isinstance(number, Choice):
                pairs = sorted(zip(self.weights[j], number.options, strict=True), key=lambda pair: -pair[0])
                options = ", ".join(f"{named(option)} {weight:.0%}" for weight, option in pairs)
                sides.append(SquareSide(name, None, None, None, None, share, options))
                continue
            kind = int if isinstance(number, Integer) else float
            low, high = map(kind, number.values(np.array([self.low[j], self.high[j]])))
            sides.append(SquareSide(name, low, high, number.low, number.high, share, ""))
        return sides

    def to_plain(self) -> dict[str, Any]:
        """Return the square as tuples and a string, for JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Square":
        """Return the square that `to_plain` wrote; raise ValueError if it lies outside of the unit cube."""
        weights = tuple(tuple(map(float, weights)) for weights in plain["weights"])
        low, high, centre = (tuple(map(float, plain[name])) for name in ("low", "high", "centre"))
        corners = np.array([low, high, centre])
        if not (corners.shape == (3, len(weights)) and np.all((corners >= 0) & (corners <= 1))):
            raise ValueError(f"a square must lie in the unit cube, got {corners.tolist()!r:.60}")
        for shares in filter(None, weights):
            if not (all(0 <= share < 1.01 for share in shares) and sum(shares) > 0.01):
                raise ValueError(f"the weights of options must be probabilities, got {shares!r:.60}")
        return cls(low, high, centre, weights, str(plain["reason"]))


def whole_space(space: Space) -> Square:
    """Return the square that covers the whole space."""
    d = space.dimension
    weights = tuple(
        (1 / levels,) * int(levels) if categorical else ()
        for levels, categorical in zip(space.levels, space.categorical, strict=True)
    )
    return Square((0.0,) * d, (1.0,) * d, (0.5,) * d, weights, "the whole space")


def zoom(space: Space, process: GaussianProcess) -> Square:
    """Return the square around the best member of the best cluster.

    Args:
        space: the space to search.
        process: conditioned on trials, at least one of which is finished.
    """
    finished = np.flatnonzero(np.isfinite(process.values))
    points = process.points[finished]
    members = best_cluster(points, process.mean(points), 1 / process.kernel.length_scales, space.categorical)
    centre = points[members[0]]
    low, high, weights = np.zeros(space.dimension), np.ones(space.dimension), []
    active = space.active(centre[None])[0]
    for j, categorical in enumerate(space.categorical):
        weights.append(_probabilities(process, centre, j, int(space.levels[j])) if categorical else ())
        if active[j] and not categorical:
            low[j], high[j] = _side(process, centre, j, 0.5 / space.levels[j])
    reason = f"{len(members)} of {len(finished)} finished trials form the best cluster"
    if process.constant:
        reason = f"all {len(finished)} finished trials are equal, so none of them shows where to search"
    return Square(tuple(low.tolist()), tuple(high.tolist()), tuple(centre.tolist()), tuple(weights), reason)


def _side(process: GaussianProcess, centre: Array, j: int, least: float) -> tuple[float, float]:
    """Return how far the centre may be moved along coordinate j, in both directions, to be still as good."""
    ends = []
    for sign in (-1, 1):
        steps = np.clip(centre[j] + sign * np.maximum(_OFFSETS, least), 0, 1)
        mean, sd = _along(process, centre, j, steps)
        worse = mean - _SD * sd > process.mean(centre[None])[0]
        ends.append(float(steps[np.argmax(worse)] if worse.any() else steps[-1]))
    return ends[0], ends[1]


def _probabilities(process: GaussianProcess, centre: Array, j: int, levels: int) -> tuple[float, ...]:
    """Return for each option of choice j, in place of the centre's, how likely it is as good, summing to one."""
    mean, sd = _along(process, centre, j, (np.arange(levels) + 0.5) / levels)
    chances = scipy.special.ndtr((process.mean(centre[None])[0] - mean) / np.maximum(sd, 1e-9))
    chances = np.maximum(chances, _LEAST_WEIGHT)
    return tuple((chances / chances.sum()).tolist())


def _along(process: GaussianProcess, centre: Array, j: int, steps: Array) -> tuple[Array, Array]:
    """Return the mean and the standard deviation of z where coordinate j of the centre is replaced, shape (m,) each."""
    points = np.tile(centre, (len(steps), 1))
    points[:, j] = steps
    mean, variance = process.marginals(points)
    return mean, np.sqrt(variance)


def bounds_reached(square: Square, space: Space) -> list[tuple[str, bool]]:
    """Return the bounds that the centre of the square lies at, as (name, is upper) pairs."""
    bounds = []
    for j, dimension in enumerate(space.dimensions):
        if square.weights[j] or (square.low[j] <= 0 and square.high[j] >= 1):
            continue
        near = max(_NEAR, 0.5 / dimension.hyperparameter.levels)
        if square.low[j] <= 0 and square.centre[j] <= near:
            bounds.append((dimension.name, False))
        if square.high[j] >= 1 and square.centre[j] >= 1 - near:
            bounds.append((dimension.name, True))
    return bounds


def edges(square: Square, space: Space) -> list[str]:
    """Return a sentence for every bound of the space that the best trials clearly lie at.

    Where the square reaches a bound and is wider than a quarter of the space, values far from the bound may be as good.

    >>> from caviar.space import uniform
    >>> edges(Square((0.8,), (1.0,), (1.0,), ((),)), Space(rate=uniform(0, 1)))
    ['rate: the best values lie at the upper bound 1; consider widening it']
    """
    hyperparameters = {dimension.name: dimension.hyperparameter for dimension in space.dimensions}
    sides = zip(space.dimensions, square.low, square.high, strict=True)
    narrow = {dimension.name for dimension, low, high in sides if high - low <= _CLEAR + 1e-9}
    return [
        f"{name}: the best values lie at the {'upper' if upper else 'lower'} bound "
        f"{getattr(hyperparameters[name], 'high' if upper else 'low'):g}; consider widening it"
        for name, upper in bounds_reached(square, space)
        if name in narrow
    ]


def extended_bounds(before: Space, after: Space) -> list[str]:
    """Return a sentence for every bound that a growing search has extended.

    >>> from caviar.space import loguniform
    >>> extended_bounds(Space(rate=loguniform(0.01, 1)), Space(rate=loguniform(0.01, 10)))
    ['rate: upper bound extended from 1 to 10']
    """
    sentences = []
    for old, new in zip(before.dimensions, after.dimensions, strict=True):
        for attribute, side in (("low", "lower"), ("high", "upper")):
            start, end = (getattr(dimension.hyperparameter, attribute, None) for dimension in (old, new))
            if start is not None and end is not None and start != end:
                sentences.append(f"{old.name}: {side} bound extended from {start:g} to {end:g}")
    return sentences
