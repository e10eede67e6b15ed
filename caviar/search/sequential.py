"""Coarse to fine for tuners of other people's, which ask for one point at a time and keep the trials themselves."""

from caviar.search.coarse_to_fine import CoarseToFine
from caviar.space import Space
from caviar.space.scales import Array


def next_point(
    space: Space, points: Array, values: Array, running: Array, *, trials: int, seed: int = 0, ahead: int = 0
) -> Array:
    """The point to try next; it follows from the arguments alone.

    Args:
        space: what may vary, d coordinates.
        points: the finished trials, shape (n, d).
        values: what is to be minimised, shape (n,); NaN: failed or diverged.
        running: points that are being tried, shape (m, d).
        trials: about how many there are to be: the first quarter (8 or more) is spread over the whole space, and
            the square shrinks as the others come in. More may follow.
        seed: 0 or more.
        ahead: how many others are being asked for just now; each gets a point of its own first.

    Returns:
        A snapped point of the unit cube, shape (d,).

    >>> import numpy as np
    >>> from caviar.space import cube
    >>> none = np.empty((0, 2))
    >>> next_point(cube(2), none, np.empty(0), none, trials=20).shape
    (2,)
    """
    budget = max(trials, len(points) + len(running) + ahead + 1)
    search = CoarseToFine(space, trials=budget, waves="continuous", seed=seed)
    search.tell(points, values)
    search.expect(running)
    point: Array = search.ask(ahead + 1)[-1]
    return point
