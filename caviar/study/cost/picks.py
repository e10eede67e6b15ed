"""Where the picks of later waves may go: a search is imitated on random objectives, since the true one is unknown.

An objective is a random bowl in the unit cube. Configs that cost more are a little better in it, because they were so
in the studies of the benchmark: larger networks that take more steps win more often. A pick of a later wave is the best
of a few random configs, of more and more from wave to wave, as a search that zooms in picks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.space.scales import Array

_RIVALS = 2.0  # among how many random configs a pick of the second wave is the best; wave after wave, so many more
_MOST_RIVALS = 16
_COST = (0.15, 0.6)  # of the preference for costly configs: mean and deviation, in deviations of the bowl


Rows = NDArray[np.intp]


class Picks(NamedTuple):
    """An imitated study: rows of a table of candidates, wave by wave, and what each candidate would have reached."""

    waves: tuple[Rows, ...]
    losses: Array  # of the candidates, (n,)


def imitate(
    candidates: Array, logs: Array, first: int, sizes: Sequence[int], zooms: bool, generator: np.random.Generator
) -> Picks:
    """Return the picks of a study on a random objective.

    Args:
        candidates: points of the unit cube, shape (n, d), those of the first wave in front.
        logs: of the seconds that each is expected to cost, shape (n,).
        first: how many points the first wave has.
        sizes: of the waves.
        zooms: whether the search picks later waves by what it has seen.
        generator: of the objective.
    """
    dimension = candidates.shape[1]
    weights = generator.exponential(size=dimension)  # a few hyperparameters matter most
    bowl = ((candidates - generator.random(dimension)) ** 2) @ weights
    losses = _standard(bowl) - generator.normal(*_COST) * _standard(logs)
    waves: list[Rows] = [np.arange(first)]
    for wave, size in enumerate(sizes[1:], 1):
        rivals = min(int(_RIVALS * wave), _MOST_RIVALS) if zooms else 1
        drawn = generator.integers(first, len(candidates), (size, rivals))
        waves.append(drawn[np.arange(size), np.argmin(losses[drawn], axis=1)])
    return Picks(tuple(waves), losses)


def _standard(values: Array) -> Array:
    """Return values with a mean of 0 and a deviation of 1, or all 0."""
    deviation = float(values.std())
    standard: Array = (values - values.mean()) / deviation if deviation > 1e-9 else np.zeros(len(values))
    return standard
