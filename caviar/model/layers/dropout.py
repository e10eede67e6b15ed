"""Inverted dropout: each step a model keeps each unit with probability 1 - p, scaled by 1 / (1 - p)
(Srivastava et al. 2014, section 10)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def draw_mask(
    generators: Sequence[np.random.Generator], rates: Sequence[float], rows: int, units: int, dtype: Any
) -> NDArray[Any]:
    """Give what to multiply activations by: 0 or 1 / (1 - p), (K, rows, units).

    A model without dropout gets ones and draws nothing, so that its numbers are the same in any stack.
    """
    mask = np.ones((len(rates), rows, units), dtype)
    for member, (generator, rate) in enumerate(zip(generators, rates, strict=True)):
        if rate > 0:
            kept = generator.random((rows, units), dtype=np.float32) >= rate
            np.multiply(kept, 1.0 / (1.0 - rate), out=mask[member], casting="same_kind")
    return mask
