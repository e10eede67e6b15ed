"""Coarse to fine for other tuners, which ask for one point at a time and keep the trials themselves."""

import numpy as np

from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.schedule import Budget
from caviar.space import Space
from caviar.space.scales import Array


class Sequential:
    """A search that is told finished trials one after the other and asked for one point at a time.

    The next point depends only on the arguments and on what was told, in order.

    Args:
        space: the space to search, d coordinates.
        trials: about how many trials there will be; more may follow. The first quarter (at least 8) covers the whole
            space, then the search zooms in as results come in.
        seed: >= 0.

    >>> from caviar.space import cube
    >>> search = Sequential(cube(2), trials=20)
    >>> search.ask(np.empty((0, 2))).shape
    (2,)
    """

    def __init__(self, space: Space, *, trials: int, seed: int = 0) -> None:
        self._search = CoarseToFine(space, Budget(trials, "continuous", seed))

    def tell(self, points: Array, values: Array) -> None:
        """Add finished trials: points, shape (n, d), and values, lower is better, shape (n,); NaN: failed, diverged."""
        self._search.tell(points, values, counted=False)

    def ask(self, pending: Array, *, skip: int = 0) -> Array:
        """Return the point to try next, snapped, shape (d,).

        Args:
            pending: all running trials, shape (m, d).
            skip: the number of workers that ask at the same time but come first; their points count as pending.
        """
        self._search.expect(pending, only=True)
        return np.array([self._search.ask(1)[0] for _ in range(skip + 1)][-1])  # what was asked for counts as pending


def next_point(
    space: Space, points: Array, values: Array, pending: Array, *, trials: int, seed: int = 0, skip: int = 0
) -> Array:
    """Return the point to try next, snapped, shape (d,); it depends only on the arguments, those of `Sequential`.

    >>> from caviar.space import cube
    >>> next_point(cube(2), np.empty((0, 2)), np.empty(0), np.empty((0, 2)), trials=20).shape
    (2,)
    """
    search = Sequential(space, trials=trials, seed=seed)
    search.tell(points, values)
    return search.ask(pending, skip=skip)
