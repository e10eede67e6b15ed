"""Train many configurations of the built-in network on the digits, in stacks, in this process."""

from collections.abc import Sequence

import pandas as pd

from caviar._checks import check_integer
from caviar.data.loaders import load_digits
from caviar.experiments.sweep import STACK
from caviar.model.shapes import shape_of
from caviar.model.training import Training
from caviar.records.trial import Config, Metrics


def train(configs: Sequence[Config], seeds: Sequence[int], epochs: int) -> pd.DataFrame:
    """Train each configuration of the default space once, each with its own seed.

    Returns a row per configuration, in order: the metrics of its last epoch; NaN where it diverged.
    """
    check_integer("epochs", epochs)
    dataset = load_digits()
    rows: list[Metrics] = [{} for _ in configs]
    shapes = [shape_of(config) for config in configs]
    for shape in dict.fromkeys(shapes):
        members = [i for i, other in enumerate(shapes) if other == shape]
        for start in range(0, len(members), STACK):
            stack = members[start : start + STACK]
            training = Training([configs[i] for i in stack], [seeds[i] for i in stack], dataset, epochs)
            reports = [training.epoch() for _ in range(epochs)][-1]
            for i, report in zip(stack, reports, strict=True):
                rows[i] = report or {}
            for member, report in zip(training.members, training.evaluate("test"), strict=True):
                rows[stack[member]] = {**rows[stack[member]], **report}
    return pd.DataFrame(rows, columns=["train_loss", "val_loss", "val_accuracy", "test_loss", "test_accuracy"])
