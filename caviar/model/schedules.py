"""Learning-rate schedules: the rate of an epoch, the same for all its steps."""

import math
from collections.abc import Callable, Mapping

from caviar.model.config import Config

# (learning_rate, lr_decay, epoch from 0, total epochs) -> rate of the epoch
_SCHEDULES: Mapping[str, Callable[[float, float, int, int], float]] = {
    "inverse-time": lambda rate, decay, epoch, epochs: rate / (1 + decay * epoch),
    "cosine": lambda rate, decay, epoch, epochs: rate * (1 + math.cos(math.pi * min(1, epoch / epochs))) / 2,
    "constant": lambda rate, decay, epoch, epochs: rate,
}


def rate_of(config: Config, epoch: int, epochs: int) -> float:
    """Return the learning rate of an epoch.

    During warm-up it climbs in equal steps: with warmup=3 the first epochs have 1/4, 2/4 and 3/4 of the schedule's
    rate, the fourth all of it.

    Args:
        config: a full config (`check_config`).
        epoch, epochs: the number of the epoch, from 0, and the total number of epochs.

    >>> rate_of({"learning_rate": 1.0, "lr_decay": 0.5, "schedule": "inverse-time", "warmup": 0}, 2, 10)
    0.5
    """
    schedule = _SCHEDULES[config["schedule"]]
    rate = schedule(config["learning_rate"], config["lr_decay"], epoch, epochs)
    return float(rate * min(1.0, (epoch + 1) / (config["warmup"] + 1)))
