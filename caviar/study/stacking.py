"""Which trials of a wave train together: those whose networks have the same shape, and how many of them."""

import math
from collections import defaultdict
from collections.abc import Sequence

from caviar.data.dataset import Dataset
from caviar.fleet.messages import Stack
from caviar.fleet.worker.trainables import NetworkTrainable, Trainable
from caviar.model.config import NETWORK_DEFAULTS
from caviar.model.shapes import Shape, bytes_touched, cache_bytes, parameter_count, shape_of
from caviar.records.trial import Trial

STEP_OPERATIONS = 500_000  # what the calls of a training step cost, in a network's parameters times rows (70 us)
WIDEST = 64  # beyond, enough models share the overhead of a call


def stack_trials(trials: Sequence[Trial], trainable: Trainable, workers: int) -> list[Stack]:
    """Return the trials of a wave in stacks, the longest first, so that the wave does not end with one straggler.

    Args:
        trials: those that have not ended.
        trainable: what trains them; only the built-in network trains stacks.
        workers: how many trainers there are; a stack is never so wide that some of them would idle.
    """
    if not isinstance(trainable, NetworkTrainable):
        return [(trial,) for trial in trials]
    by_shape: dict[Shape, list[Trial]] = defaultdict(list)
    for trial in trials:
        by_shape[shape_of(trial.config)].append(trial)
    stacks: list[Stack] = []
    for shape, members in by_shape.items():
        width = stack_width(shape, trainable.dataset, workers, len(trials))
        stacks += [tuple(members[i : i + width]) for i in range(0, len(members), width)]
    return sorted(stacks, key=lambda stack: -_cost(stack, trainable))


def stack_width(shape: Shape, dataset: Dataset, workers: int, trials: int) -> int:
    """Return how many models of a shape to train together.

    As many as fit in twice one core's L2 cache, since wider stacks lose more to memory than they save in calls
    (measured with 2 MiB: K = 64 was best for 64-32-10, 16 for 64-64-64-10, 4 for 64-128-128-10, as this gives), and
    never so many that workers idle: each worker should get two stacks or more of the trials.

    Args:
        shape: from `shape_of`.
        dataset: what they train on.
        workers: trainers that share the trials, >= 1.
        trials: how many wait to be trained, of all shapes, >= 1.

    Returns:
        A width >= 1, and at most `trials`.
    """
    by_cache = round(2 * cache_bytes() / bytes_touched(shape, dataset.features, dataset.outputs))
    by_workers = trials if workers == 1 else math.ceil(trials / (2 * workers))
    return max(1, min(by_cache, by_workers, trials, WIDEST))


def _cost(stack: Stack, trainable: NetworkTrainable) -> float:
    """About what an epoch of a stack takes, in a network's parameters times rows."""
    config = {**NETWORK_DEFAULTS, **stack[0].config}
    rows = len(trainable.dataset.train_x)
    batch = min(int(config["batch_size"]), rows)
    parameters = parameter_count(config, trainable.dataset)
    return (rows // batch) * (STEP_OPERATIONS + len(stack) * batch * parameters)
