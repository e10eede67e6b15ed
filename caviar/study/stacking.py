"""Which trials of a wave are trained together: those whose networks have the same shape."""

from collections import defaultdict
from collections.abc import Sequence

from caviar.fleet.messages import Stack
from caviar.records.trial import Trial
from caviar.fleet.worker.trainables import NetworkTrainable, Trainable
from caviar.model.config import NETWORK_DEFAULTS
from caviar.model.shapes import Shape, parameter_count, shape_of, stack_width

STEP_OPERATIONS = 500_000  # what the calls of a training step cost, in a network's parameters times rows (70 us)


def stacked(trials: Sequence[Trial], trainable: Trainable, workers: int, stacking: bool = True) -> list[Stack]:
    """The trials of a wave in stacks, the longest first, so that the wave's end is not one straggler.

    Args:
        trials: those that are left to be trained.
        trainable: what trains them; only the built-in network knows of stacks.
        workers: how many trainers there are; a stack is never so wide that some of them would idle.
        stacking: False gives every trial a stack of its own.
    """
    if not isinstance(trainable, NetworkTrainable) or not stacking:
        return [(trial,) for trial in trials]
    by_shape: dict[Shape, list[Trial]] = defaultdict(list)
    for trial in trials:
        by_shape[shape_of(trial.config)].append(trial)
    stacks: list[Stack] = []
    for shape, alike in by_shape.items():
        width = stack_width(shape, trainable.dataset, workers, len(trials))
        stacks += [tuple(alike[i : i + width]) for i in range(0, len(alike), width)]
    return sorted(stacks, key=lambda stack: -_cost(stack, trainable))


def _cost(stack: Stack, trainable: NetworkTrainable) -> float:
    """About what an epoch of a stack takes, in a network's parameters times rows."""
    config = {**NETWORK_DEFAULTS, **stack[0].config}
    batch = min(int(config["batch_size"]), len(trainable.dataset.train_x))
    steps = len(trainable.dataset.train_x) // batch
    return steps * (STEP_OPERATIONS + len(stack) * batch * parameter_count(config, trainable.dataset))
