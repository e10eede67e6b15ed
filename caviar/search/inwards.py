"""Some points of a wave are drawn inwards: otherwise the first waves lie in the corners, about which least is known.

How many depends on where good values seem to lie. Network tunings often have their best values at a bound; there most
points are better left free. Where values rise from the centre of the space to its corners, every second is drawn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caviar.space.scales import Array

_WEIGHT, _SPREAD = 40.0, 0.3
_OFTEN, _SELDOM = 2, 4  # every second point, or every fourth
_BOWL = 0.35  # the value of `bowl` from which it is every second
_NO_SIZE = 1e-9  # of residuals, which are zero but for rounding


@dataclass(frozen=True, eq=False)
class Inwards:
    """The log of a normal density that is added to the log improvement (Hvarfner et al. 2022, "piBO").

    Args:
        centre: the middle between the best trial and the centre of the space, shape (d,).
        weight: of the log density, which fades as trials come in.
        every: it is added for every second or every fourth point.
        categorical: which coordinates are choices, which are left free, shape (d,).
    """

    centre: Array
    weight: float
    every: int
    categorical: NDArray[np.bool_]

    @classmethod
    def of(cls, points: Array, values: Array, categorical: NDArray[np.bool_]) -> "Inwards":
        """Return it for trials at points, shape (n, d), with smoothed values, shape (n,)."""
        centre = (points[np.argmin(values)] + 0.5) / 2
        every = _OFTEN if bowl(points, values, categorical) > _BOWL else _SELDOM
        return cls(centre, _WEIGHT / len(points), every, categorical)

    def log_density(self, points: Array, number: int) -> tuple[Array, Array]:
        """Return the log density, weighted, and its gradient; both are 0 if points are left free.

        Args:
            points: shape (k, d).
            number: of the point to choose, from 0; the trials are counted, too.

        Returns:
            Shapes (k,) and (k, d).
        """
        offset = np.where(self.categorical, 0.0, (points - self.centre) / _SPREAD)
        weight = 0.0 if (number + 1) % self.every else self.weight
        return -0.5 * weight * (offset**2).sum(axis=1), -weight * offset / _SPREAD


def bowl(points: Array, values: Array, categorical: NDArray[np.bool_]) -> float:
    """Return how much values rise from the centre of the space to its corners, from -1 to 1.

    This is the partial correlation of the values and the squared distances from the centre, given a linear trend along
    each coordinate; 0 if the points are too few to tell. The arguments are those of `Inwards.of`.

    >>> points = np.array([[0.0], [0.25], [0.5], [1.0]])
    >>> round(bowl(points, (points[:, 0] - 0.3) ** 2, np.array([False])), 6)
    1.0
    """
    offset = points[:, ~categorical] - 0.5
    trend = np.column_stack([np.ones(len(points)), offset])
    both = np.column_stack([values, (offset**2).sum(axis=1)])
    value, distance = (both - trend @ np.linalg.lstsq(trend, both)[0]).T
    size = float(np.sqrt((value @ value) * (distance @ distance)))
    return float(value @ distance) / size if size > _NO_SIZE else 0.0
