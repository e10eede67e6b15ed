"""How long a pool waits for its trainers, and how it hands out work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PoolSettings:
    """The times, in seconds, and the counts that a pool uses; the defaults suit every study."""

    lease_seconds: float = 0.1  # of work in a lease, so that the cost of a message is spread over many short trials
    lease_stacks: int = 64  # the most stacks in a lease, so that a wave is spread over the trainers
    prefetch_seconds: float = 0.5  # a trainer gets a second lease if they are shorter; long ones would make stragglers
    max_losses: int = 3  # how many times a trial may lose its trainer before it fails
    silent_seconds: float = 60.0  # after which a trainer is pinged; after twice as long it is replaced
    head_seconds: float = 45.0  # without an answer of the cluster's head after which the study ends; Ray's own are 60
    grace_seconds: float = 5.0  # from a trial's time limit until its trainer is killed, if the trial hangs
    scale_seconds: float = 1.0  # between two checks for room in the cluster
    start_seconds: float = 15.0  # that a trainer may take to start before it is reported or given up on
    waiting_seconds: float = 5.0  # that a task waits for what the trainers hold before a warning
    report_seconds: float = 60.0  # between two reports of trainers that do not start
    false_starts: int = 3  # trainers in a row that may die while starting before the pool fails


DEFAULTS = PoolSettings()
