"""How long a pool waits for its trainers, and how it hands out work.

The defaults suit every study; tests and benchmarks pass others.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PoolSettings:
    """The times, in seconds, and the counts that a pool works with.

    Args:
        lease_seconds: how much work a lease holds, so that the cost of a message is spread over many short trials.
        lease_stacks: the most stacks in a lease, so that a wave is spread over the trainers.
        prefetch_seconds: a trainer holds a second lease if leases are shorter than this; with longer ones, a second
            lease would gain nothing and make stragglers.
        max_losses: how many times a trial may lose its trainer before it fails.
        silent_seconds: a trainer that sends nothing for this long is pinged, and replaced after twice as long.
        grace_seconds: how long after its time limit a hanging trial is ended with its trainer.
        scale_seconds: how often the trainers are compared with the room in the cluster.
        start_seconds: how long a trainer may take to start before it is reported or given up.
        report_seconds: the time between two reports of trainers that do not start.
        false_starts: a pool fails if this many trainers in a row die as they start.

    >>> PoolSettings(silent_seconds=4.0).max_losses
    3
    """

    lease_seconds: float = 0.1
    lease_stacks: int = 64
    prefetch_seconds: float = 0.5
    max_losses: int = 3
    silent_seconds: float = 60.0
    grace_seconds: float = 5.0
    scale_seconds: float = 1.0
    start_seconds: float = 15.0
    report_seconds: float = 60.0
    false_starts: int = 3


DEFAULTS = PoolSettings()
