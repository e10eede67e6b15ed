"""Derivatives by central differences, to hold gradients against."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def derivative(function: Callable[[], float], array: NDArray[np.float64], step: float = 1e-5) -> NDArray[np.float64]:
    """Give d function() / d array, by moving each number of the array up and down in place.

    The five-point rule, whose error is of the fourth order in the step: 1e-5 is far from both its rounding
    and its truncation error here.
    """
    result = np.empty_like(array)
    for place in np.ndindex(array.shape):
        value = array[place]
        at = []
        for steps in (-2, -1, 1, 2):
            array[place] = value + steps * step
            at.append(function())
        array[place] = value
        result[place] = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * step)
    return result


def assert_close(gradient: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Equal to 1e-6 relative to the largest of the array."""
    scale = np.abs(expected).max()
    assert np.abs(gradient - expected).max() <= 1e-6 * scale + 1e-12, (gradient, expected)
