"""Many configurations of the built-in network trained on the digits, stacked, in this process."""

from collections.abc import Sequence

import pandas as pd

from caviar.data.loaders import load_digits
from caviar.model.training import Training, shape_of, stack_width
from caviar.space import Config

EPOCHS = 10


def trained(configs: Sequence[Config], seeds: Sequence[int], epochs: int = EPOCHS) -> pd.DataFrame:
    """Train every configuration once.

    Args:
        configs: of the default space.
        seeds: one a configuration.
        epochs: how long.

    Returns:
        A row a configuration, in order: the metrics of its last epoch; NaN where it diverged.
    """
    dataset = load_digits()
    rows: list[dict[str, float]] = [{} for _ in configs]
    shapes = [shape_of(config) for config in configs]
    for shape in dict.fromkeys(shapes):
        same = [i for i, other in enumerate(shapes) if other == shape]
        width = stack_width(shape, dataset, workers=1, trials=len(same))
        for start in range(0, len(same), width):
            stack = same[start : start + width]
            training = Training([configs[i] for i in stack], [seeds[i] for i in stack], dataset, epochs)
            reports = [training.epoch() for _ in range(epochs)][-1]
            for i, report in zip(stack, reports, strict=True):
                rows[i] = report or {}
    return pd.DataFrame(rows, columns=["train_loss", "val_loss", "val_accuracy", "test_loss", "test_accuracy"])
