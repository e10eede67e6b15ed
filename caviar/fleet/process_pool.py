"""The pool in processes of this machine: it trains without Ray, which takes seconds to start.

A process that dies is replaced. One that hangs is not noticed, so it is for the built-in network, for fits of
scikit-learn, and for functions whose trials have processes of their own.
"""

import contextlib
import logging
import math
from collections.abc import Iterable
from multiprocessing.connection import wait

from caviar.errors import ClusterError
from caviar.fleet.dispatch import Blame, Dispatcher
from caviar.fleet.machine import usable_cpus
from caviar.fleet.messages import Event, Stack, timed_out
from caviar.fleet.pickling import dumps
from caviar.fleet.placement import Placement
from caviar.fleet.processes.messages import LeaseEnded, TrainerSetup
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.fleet.trainer_process import TrainerProcess
from caviar.fleet.worker.trainables import Trainable

logger = logging.getLogger("caviar")


class ProcessPool:
    """Trainers in processes, with the methods of `Trainers`; a process that dies is replaced."""

    def __init__(
        self, trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings = DEFAULTS
    ) -> None:
        self.trainable = trainable
        self.workers = placement.workers or max(1, usable_cpus(math.inf) // placement.threads)
        self._threads = placement.threads
        self._setup = dumps(TrainerSetup(trainable, metric, placement.trial_timeout, placement.threads))
        self._dispatcher, self._settings = Dispatcher(settings), settings
        self._false_starts = 0  # trainers in a row that have died as they started
        self._trainers: list[TrainerProcess] = []
        self._is_open = True  # for stacks that no trainer has begun

    @property
    def size(self) -> int:
        """The bytes that the copies of the data in all processes take."""
        return len(self._setup) * self.workers

    @property
    def is_ready(self) -> bool:
        """Whether a trainer has answered."""
        return any(trainer.name for trainer in self._trainers)

    @property
    def pending(self) -> int:
        return self._dispatcher.pending

    def start(self, trials: int) -> None:
        while self._is_open and len(self._trainers) < min(self.workers, trials):
            try:
                self._trainers.append(TrainerProcess(self._setup, self._threads))
            except ClusterError as error:
                self._do_without(str(error))

    def _do_without(self, reason: str) -> None:
        """Go on with the trainers that there are; raise ClusterError with the reason if there is none."""
        if not self._trainers:
            raise ClusterError(f"trainers cannot start: {reason}") from None
        self.workers = len(self._trainers)
        count = f"{self.workers} trainer{'s' * (self.workers > 1)}"
        logger.warning("goes on with %s, since no more can start: %s", count, reason)

    def submit(self, stacks: Iterable[Stack]) -> None:
        self._dispatcher.submit(stacks)
        self.start(self.pending)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        self.start(self.pending)
        events = [event for trainer in list(self._trainers) for event in self._hand_out_leases(trainer)]
        ready = wait([trainer.connection for trainer in self._trainers], 0.0 if events else timeout)
        for trainer in [trainer for trainer in self._trainers if trainer.connection in ready]:
            events += self._receive(trainer)
        return events

    def discard(self, trials: Iterable[int]) -> None:
        numbers = list(trials)
        self._dispatcher.discard(numbers)
        for trainer in list(self._trainers):
            with contextlib.suppress(OSError):  # the next poll sees that it has died
                trainer.discard(numbers)

    def stop(self, reason: str) -> list[Event]:
        ends = [end for trainer in self._trainers for end in timed_out(trainer.running, reason, trainer.name)]
        counted = self._dispatcher.receive(ends)
        self.close()
        return counted

    def close(self) -> None:
        self._dispatcher.stop()
        for trainer in self._trainers:
            trainer.close()
        self._trainers = []

    def hand_over(self, stacks: Iterable[Stack] = ()) -> list[Stack]:
        """Return what other trainers can train, of `stacks` and of what waits; keep what has begun or is paused here.

        A trainer ends once it has nothing left to do.
        """
        self._is_open = False
        self._dispatcher.submit(stacks)
        left = self._dispatcher.take_queued()
        for trainer in [trainer for trainer in self._trainers if not self._is_needed(trainer)]:
            self._trainers.remove(trainer)
            trainer.close()
        return left

    def _is_needed(self, trainer: TrainerProcess) -> bool:
        return bool(trainer.leases) or self._dispatcher.holds_paused(trainer)

    def _hand_out_leases(self, trainer: TrainerProcess) -> list[Event]:
        try:
            while (lease := self._dispatcher.next_lease(trainer, self.workers)) is not None:
                trainer.train(lease)
        except OSError:  # no trial is to blame for what ended an idle trainer
            return self._replace(trainer, Blame.FULL if trainer.running else Blame.NONE)
        return []

    def _receive(self, trainer: TrainerProcess) -> list[Event]:
        """Return the events of a trainer that count, or handle its death."""
        try:
            arrived = trainer.receive()
        except (EOFError, OSError):  # no trial is to blame for a trainer that has not even started
            return self._replace(trainer, Blame.FULL if trainer.name else Blame.NONE)
        counted: list[Event] = []
        for message in arrived:
            if isinstance(message, LeaseEnded):
                self._dispatcher.finish_lease(trainer)
            else:
                counted += self._dispatcher.receive([message])
        return counted

    def _replace(self, trainer: TrainerProcess, blame: Blame) -> list[Event]:
        """Queue the trials of a dead trainer again; return a `Done` for each that fails."""
        self._trainers.remove(trainer)
        self._false_starts = 0 if trainer.name else self._false_starts + 1
        if self._false_starts >= self._settings.false_starts:
            self._do_without(trainer.failure())
        trainer.close()
        events = self._dispatcher.lose(trainer, "its process died", blame, trainer.name)
        self.start(self.pending)
        return events
