"""The type of every array of the model: float32 or float64, as a stack's `dtype` says, or integers that index."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
