"""How many optimizer steps networks of one shape take to a given accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.model.training import Training

TOGETHER = 16  # networks of a stack
Config = Mapping[str, Any]


def steps_to_reach(
    configs: Sequence[Config], seeds: Sequence[int], dataset: Dataset, *, accuracy: float, steps: int, every: int
) -> NDArray[np.float64]:
    """Train each network until its validation accuracy is reached, and no longer.

    Args:
        configs: of one shape.
        seeds: one a network.
        dataset: for classification.
        accuracy: in (0, 1], on the validation part with the running averages of batch norm.
        steps: how long at most.
        every: how many steps lie between two looks at the accuracy; what is given is a multiple of it.

    Returns:
        Steps, (networks,); infinity where it was not reached or training diverged.
    """
    reached = np.full(len(configs), np.inf)
    for start in range(0, len(configs), TOGETHER):
        stop = min(start + TOGETHER, len(configs))
        training = endless(configs[start:stop], seeds[start:stop], dataset)
        done = 0
        while done < steps and training.members:
            advance(training, every)
            done += every
            for member, report in zip(list(training.members), training.evaluate("val"), strict=True):
                if report["val_accuracy"] >= accuracy:
                    reached[start + member] = done
                    training.stop(member)
                elif not np.isfinite(report["val_loss"]):
                    training.stop(member)
    return reached


def endless(configs: Sequence[Config], seeds: Sequence[int], dataset: Dataset) -> Training:
    """A training that is counted in steps, with a learning rate that does not depend on how long it will be."""
    constant = [{**config, "schedule": "constant"} for config in configs]
    return Training(constant, seeds, dataset, epochs=2**31)


def advance(training: Training, steps: int) -> None:
    """Train so many steps, over the ends of epochs; what diverged leaves there."""
    while steps and training.members:
        steps -= training.run(steps)
        if not training.steps_left:
            training.epoch()
