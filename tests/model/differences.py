"""Derivatives by central differences, to compare gradients with."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def derivative(function: Callable[[], float], array: NDArray[np.float64], step: float = 1e-5) -> NDArray[np.float64]:
    """Return d function() / d array, by moving each number of the array up and down in place.

    The five-point rule has an error of the fourth order in the step: 1e-5 is far from both its rounding and its
    truncation error here.
    """
    result = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        values = []
        for steps in (-2, -1, 1, 2):
            array[index] = value + steps * step
            values.append(function())
        array[index] = value
        result[index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return result


def assert_close(gradient: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Assert equality to 1e-6, relative to the largest number of the array."""
    scale = np.abs(expected).max()
    assert np.abs(gradient - expected).max() <= 1e-6 * scale + 1e-12, (gradient, expected)
