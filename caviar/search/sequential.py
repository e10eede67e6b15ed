"""Coarse to fine for other tuners, which ask for one point at a time and keep the trials themselves."""

import numpy as np

from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.schedule import Budget
from caviar.space import Space
from caviar.space.scales import Array


def next_point(
    space: Space, points: Array, values: Array, pending: Array, *, trials: int, seed: int = 0, skip: int = 0
) -> Array:
    """Return the point to try next, snapped, shape (d,); it depends only on the arguments.

    Args:
        space: the space to search, d coordinates.
        points: the finished trials, shape (n, d).
        values: their values, lower is better, shape (n,); NaN: failed or diverged.
        pending: the running trials, shape (m, d).
        trials: about how many trials there will be; more may follow. The first quarter (at least 8) covers the whole
            space, then the square shrinks as results come in.
        seed: >= 0.
        skip: the number of workers that ask at the same time but come first; their points count as pending.

    >>> from caviar.space import cube
    >>> next_point(cube(2), np.empty((0, 2)), np.empty(0), np.empty((0, 2)), trials=20).shape
    (2,)
    """
    total = max(trials, len(points) + len(pending) + 1)
    search = CoarseToFine(space, Budget(total, "continuous", seed))
    search.tell(points, values)
    search.expect(pending)
    for _ in range(skip):
        search.ask(1)  # its point then counts as pending
    return np.array(search.ask(1)[0])
