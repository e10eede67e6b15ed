"""What tests of pools share: training to the end, what the events say, and a network that trains in a moment."""

import numpy as np

from caviar.data.dataset import from_arrays
from caviar.fleet.messages import Done, Report
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.trial import Trial

EPOCHS = 4
ROWS = np.random.default_rng(0).normal(size=(60, 3))
NETWORK = NetworkTrainable(from_arrays(ROWS, np.where(ROWS[:, 0] > 0, "yes", "no")), EPOCHS)


def network_trials(count, until=None):
    """Trials of the network, with different learning rates."""
    configs = [{"hidden_units": 8, "batch_size": 16, "learning_rate": 0.01 * (n + 1)} for n in range(count)]
    return [Trial(number, 1, config, seed=number, until=until) for number, config in enumerate(configs)]


def train(pool, stacks):
    """Train stacks until none is left, and return the events."""
    pool.submit(stacks)
    events = []
    while pool.pending:
        events += pool.poll()
    return events


def ends(events):
    """The ends of trials, by their numbers."""
    return {event.trial: event for event in events if isinstance(event, Done)}


def curves(events):
    """The metrics that were reported, by trial and epoch."""
    return {(event.trial, event.epoch): event.metrics for event in events if isinstance(event, Report)}
