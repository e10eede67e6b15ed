"""Which points of a space are the same config, and how many configs there are.

Coordinates with finitely many values make duplicates likely and a space exhaustible; a search asks for
fresh configs here as long as there are any.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from caviar.space import Choice, Space
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

COUNTABLE = 20_000  # spaces with at most so many combinations of levels are listed where it helps
TRIES = 20


class Levels:
    """The configs of a space, told apart by their snapped points."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def among(self, points: Array, taken: Array) -> NDArray[np.bool_]:
        """Which of the snapped points, shape (n, d), are among the snapped points taken, shape (m, d)."""
        known = {row.tobytes() for row in taken}
        return np.array([row.tobytes() in known for row in points], dtype=bool)

    def fresh(self, points: Array, taken: Array) -> Array:
        """The points snapped, in order, each config once and none of those taken."""
        points = self.space.snap(points)
        known = {row.tobytes() for row in taken}
        keep = []
        for i, row in enumerate(points):
            if (key := row.tobytes()) not in known:
                known.add(key)
                keep.append(i)
        return points[keep]

    def all(self) -> Array | None:
        """Every config once as snapped points, shape (n, d); None if there are too many or endless ones."""
        levels = self.space.levels
        if not np.isfinite(levels).all() or levels.prod() > COUNTABLE:
            return None
        middles = [_middles(dimension.hyperparameter) for dimension in self.space.dimensions]
        mesh = np.meshgrid(*middles, indexing="ij") if middles else [np.zeros(1)]
        points = np.stack([axis.ravel() for axis in mesh], axis=1)[:, : len(levels)]
        return self.fresh(points, points[:0])

    def filled(
        self,
        points: Array,
        count: int,
        taken: Array,
        draw: Callable[[int], Array],
        generator: np.random.Generator,
    ) -> Array:
        """Exactly `count` snapped points: fresh ones of those given first, then fresh ones drawn.

        Args:
            points: the points preferred, in order, shape (n, d).
            count: how many to return.
            taken: snapped points that count as used, shape (m, d).
            draw: gives n more points, shape (n, d).
            generator: chooses among the configs left of a small space, and repeats when none is left.
        """
        chosen = self.fresh(points, taken)[:count]
        for _ in range(TRIES):
            if len(chosen) == count:
                return chosen
            more = self.fresh(draw(count), np.concatenate([taken, chosen]))
            chosen = np.concatenate([chosen, more])[:count]
        every = self.all()
        if every is not None:
            left = self.fresh(every, np.concatenate([taken, chosen]))
            chosen = np.concatenate([chosen, generator.permutation(left)])[:count]
        return np.concatenate([chosen, self.space.snap(draw(count - len(chosen)))])


def _middles(hyperparameter: Hyperparameter) -> Array:
    """The points of [0, 1] that stand for the values of a choice or a whole number, shape (levels,)."""
    if isinstance(hyperparameter, Choice):
        return hyperparameter.units(hyperparameter.options)
    return hyperparameter.units(np.arange(hyperparameter.low, hyperparameter.high + 1))
