"""Which trials of a wave train together: those whose networks have the same shape, and how many of them."""

from collections import defaultdict
from collections.abc import Sequence

from caviar.fleet.messages import Stack
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import Trainable
from caviar.model.config import NETWORK_DEFAULTS
from caviar.model.shapes import Shape, parameter_count, shape_of, stack_width
from caviar.records.trial import Trial

STEP_OPERATIONS = 500_000  # the cost of a step's function calls, in parameters times rows (70 us)
UPDATE_ROWS = 32  # Adam's update of a parameter costs as much as so many rows


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


def _cost(stack: Stack, trainable: NetworkTrainable) -> float:
    """The approximate cost of an epoch of a stack, in a network's parameters times rows."""
    config = {**NETWORK_DEFAULTS, **stack[0].config}
    rows = len(trainable.dataset.train_x)
    batch = min(int(config["batch_size"]), rows)
    parameters = parameter_count(config, trainable.dataset)
    return (rows // batch) * (STEP_OPERATIONS + len(stack) * parameters * (batch + UPDATE_ROWS))
