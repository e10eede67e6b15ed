"""The type of every array in the model: float32 or float64, according to a stack's `dtype`, or integer indices."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
