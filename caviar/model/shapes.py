"""Which models may train together in one stack, and how many should.

Models of one shape differ only in their numbers; a stack of them is a set of arrays with a leading axis K.
"""

import math
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from caviar.data.dataset import Dataset
from caviar.model.config import Config, check_config

_PADDING = 16  # hidden units are rounded up to a multiple of this: 50..100 units make four shapes, not fifty-one
_MAX_WIDTH = 64  # beyond it, a call's overhead is already shared by enough models


class Shape(NamedTuple):
    """Everything that must be equal for two models to share a stack; `units` are the padded hidden units."""

    layers: int
    units: int
    batch_size: int
    optimizer: str
    activation: str
    batch_norm: bool
    dropout: bool
    dtype: str


def shape_of(config: Config) -> Shape:
    """Return the shape of a config; configs of equal shape can train in one stack.

    >>> shape_of({"hidden_units": 50}) == shape_of({"hidden_units": 64, "learning_rate": 0.1})
    True
    """
    full = check_config(config)
    shared = {name: full[name] for name in ("batch_size", "optimizer", "activation", "batch_norm", "dtype")}
    units = -(-full["hidden_units"] // _PADDING) * _PADDING
    return Shape(layers=full["hidden_layers"], units=units, dropout=full["dropout"] > 0, **shared)


def widths(shape: Shape, features: int, outputs: int) -> list[int]:
    """Return the number of values between layers: features, each hidden layer's units, outputs.

    >>> widths(shape_of({"hidden_units": 50, "hidden_layers": 1}), features=4, outputs=3)
    [4, 64, 3]
    """
    return [features, *[shape.units] * shape.layers, outputs]


def parameter_count(config: Config, dataset: Dataset) -> int:
    """Return the number of parameters of the unpadded network: weights, biases, gammas and betas.

    >>> from caviar.data.loaders import load_digits
    >>> parameter_count({"hidden_units": 50, "hidden_layers": 1}, load_digits())
    3810
    """
    full = check_config(config)
    sizes = [dataset.features, *[full["hidden_units"]] * full["hidden_layers"], dataset.outputs]
    weights = sum(inputs * units for inputs, units in pairwise(sizes))
    return int(weights + sum(sizes[1:-1]) * (2 if full["batch_norm"] else 1) + sizes[-1])


def _bytes_touched(shape: Shape, dataset: Dataset) -> int:
    """Return approximately how many bytes one training step of one model reads and writes."""
    sizes = widths(shape, dataset.features, dataset.outputs)
    weights = sum(inputs * units for inputs, units in pairwise(sizes))
    activations = shape.batch_size * (dataset.features + 3 * sum(sizes[1:]))
    return np.dtype(shape.dtype).itemsize * (4 * weights + activations)


def stack_width(shape: Shape, dataset: Dataset, workers: int, trials: int, cache: int | None = None) -> int:
    """Return how many models of a shape to train together.

    As many as fit in twice one core's L2 cache, since wider stacks lose more to memory than they save in calls (with
    2 MiB, K = 64 was measured best for 64-32-10, 16 for 64-64-64-10, 4 for 64-128-128-10, as returned here), and few
    enough that each worker gets two stacks or more.

    Args:
        shape: from `shape_of`.
        dataset: the training data.
        workers: trainers that share the trials, >= 1.
        trials: the number of waiting trials, of all shapes, >= 1.
        cache: bytes of one core's L2 cache; None: this machine's.

    >>> from caviar.data.loaders import load_digits
    >>> stack_width(shape_of({}), load_digits(), workers=4, trials=64, cache=2**21)
    8
    """
    by_cache = round(2 * (cache or _cache_bytes()) / _bytes_touched(shape, dataset))
    by_workers = trials if workers == 1 else math.ceil(trials / (2 * workers))
    return max(1, min(by_cache, by_workers, trials, _MAX_WIDTH))


@cache
def _cache_bytes() -> int:
    """Return the size of one core's L2 cache in bytes, or 1 MiB if the system does not report it."""
    sizes = {"K": 2**10, "M": 2**20}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            level, size = ((folder / name).read_text(encoding="utf-8").strip() for name in ("level", "size"))
        except OSError:
            continue
        if level == "2" and size[-1] in sizes:
            return int(size[:-1]) * sizes[size[-1]]
    return 2**20
