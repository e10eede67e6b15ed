"""Inverted dropout (Srivastava et al. 2014, section 10): in each step a model keeps each unit with probability 1 - p,
scaled by 1 / (1 - p).
"""

from collections.abc import Sequence

import numpy as np

from caviar.model.arrays import Array


def draw_mask(
    generators: Sequence[np.random.Generator], rates: Sequence[float], rows: int, units: int, dtype: np.dtype
) -> Array:
    """Return the factors of activations, 0 or 1 / (1 - p), (K, rows, units).

    A model without dropout gets ones and draws nothing, so that its numbers are the same in any stack.

    Args:
        generators, rates: one per model; a rate is p, in [0, 1).
        rows, units, dtype: of the activations.
    """
    mask = np.ones((len(rates), rows, units), dtype)
    for member, (generator, rate) in enumerate(zip(generators, rates, strict=True)):
        if rate > 0:
            kept = generator.random((rows, units), dtype=np.float32) >= rate
            np.multiply(kept, 1.0 / (1.0 - rate), out=mask[member], casting="same_kind")
    return mask
