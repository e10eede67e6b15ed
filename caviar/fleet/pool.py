"""The pool of trainers on Ray: keeps them busy, passes on their events, and replaces dead trainers.

One `poll` waits until any lease has new events, and returns them. A trainer that was pinged gets no lease until it has
answered.
"""

import time
from collections.abc import Iterable
from dataclasses import replace

import ray
from ray import ObjectRef
from ray.exceptions import RayError

from caviar.fleet.dispatch import Blame, Dispatcher
from caviar.fleet.losses import blame, loss_reason
from caviar.fleet.messages import Done, Event, Stack, Started, over_limit, timed_out
from caviar.fleet.placement import Placement
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.scaling import TrainerGroup, Worker
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import Trainable


class Pool:
    """Trainers on the connected Ray cluster, with the methods of `Trainers`."""

    def __init__(self, trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings) -> None:
        self.trainable = trainable
        self._settings = settings
        self._trial_timeout = placement.trial_timeout
        self._dispatcher = Dispatcher(settings)
        self._trainers = TrainerGroup(_reachable(trainable), metric, placement, settings)

    @property
    def workers(self) -> int:
        return self._trainers.size

    @property
    def pending(self) -> int:
        return self._dispatcher.pending

    @property
    def is_ready(self) -> bool:
        """Whether a trainer has answered."""
        return bool(self._trainers.ready)

    def start(self, trials: int) -> None:
        """Start trainers for this many trials, which will soon be submitted."""
        self._trainers.scale(trials)

    def submit(self, stacks: Iterable[Stack]) -> None:
        self._dispatcher.submit(stacks)
        self._trainers.scale(self.pending)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        self._trainers.scale(self.pending)
        for worker in self._trainers.ready:
            self._hand_out_leases(worker)
        streams = {worker.leases[0]: worker for worker in self._trainers.ready if worker.leases}
        pings = [worker.ping for worker in self._trainers.ready if worker.ping]
        sources = [*streams, *pings, *self._trainers.starting]
        if not sources:
            time.sleep(min(timeout, 0.1))  # there is no trainer, and no room for one
            return []
        ready, _ = ray.wait(sources, num_returns=len(sources), timeout=0.0)
        if not ready:
            ready, _ = ray.wait(sources, num_returns=1, timeout=timeout)
        events: list[Event] = []
        for source in ready:
            if source in streams:
                events += self._receive(streams[source])
            elif source in self._trainers.starting:
                self._trainers.confirm_start(source)
        return events + self._check_heartbeats()

    def discard(self, trials: Iterable[int]) -> None:
        numbers = list(trials)
        self._dispatcher.discard(numbers)
        for worker in self._trainers.ready:
            worker.actor.discard.remote(numbers)

    def stop(self, reason: str) -> list[Event]:
        ends = [end for worker in self._trainers.ready for end in timed_out(worker.running, reason, worker.name)]
        counted = self._dispatcher.receive(ends)
        self._dispatcher.stop()
        return counted

    def close(self) -> None:
        self._trainers.shutdown()

    def _hand_out_leases(self, worker: Worker) -> None:
        while not worker.ping and (lease := self._dispatcher.next_lease(worker, len(self._trainers.ready))) is not None:
            if not worker.leases:
                worker.last_message = time.monotonic()
            worker.leases.append(worker.actor.run.options(num_returns="streaming").remote(lease))

    def _receive(self, worker: Worker) -> list[Event]:
        """Return a batch of events from a worker's oldest lease, or handle the end of the lease or of the worker."""
        worker.last_message = time.monotonic()
        try:
            events: list[Event] = ray.get(next(worker.leases[0]), timeout=self._settings.silent_seconds)
        except StopIteration:
            worker.leases.pop(0)
            self._dispatcher.finish_lease(worker)
            return []
        except RayError as error:
            return self._remove(worker, loss_reason(error), blame(error))
        for event in events:
            if isinstance(event, Started):
                worker.running[event.trial] = worker.last_message
            elif isinstance(event, Done):
                worker.running.pop(event.trial, None)
        counted = self._dispatcher.receive(events)
        self._hand_out_leases(worker)  # before the driver writes and plans
        return counted

    def _remove(self, worker: Worker, reason: str, blame: Blame) -> list[Event]:
        """Stop a trainer and queue its trials again; return a `Done` for each that fails."""
        self._trainers.remove(worker, replace=blame is not Blame.NONE)  # a lost node leaves no room for another trainer
        for other in self._trainers.ready:
            if not other.ping:  # what ended this trainer may have ended others, which then get no trial
                self._ping(other)
        return self._dispatcher.lose(worker, reason, blame, worker.name)

    def _check_heartbeats(self) -> list[Event]:
        """End trials that hang past their time limit, ping silent trainers and replace unresponsive ones."""
        now = time.monotonic()
        events: list[Event] = []
        for worker in list(self._trainers.ready):
            running = worker.running.items()
            if overdue := {trial: start for trial, start in running if self._is_overdue(trial, now - start)}:
                if worker.leases and ray.wait(worker.leases[:1], timeout=0.0)[0]:
                    continue  # the driver was slow: what this trainer has sent may say that they have ended
                assert self._trial_timeout is not None
                ends = timed_out(overdue, over_limit(self._trial_timeout), worker.name)
                events += self._dispatcher.receive(ends)
                self._trainers.remove(worker, replace=True)
                events += self._dispatcher.lose(worker, "a trial exceeded its time limit", Blame.NONE)
            elif worker.ping:
                events += self._await_ping(worker, worker.ping, now)
            elif worker.leases and now - worker.last_message > self._settings.silent_seconds:
                self._ping(worker)
        return events

    def _is_overdue(self, trial: int, seconds: float) -> bool:
        """Return whether a trial has exceeded the limits of its whole stack, whose trials take turns, plus grace."""
        if self._trial_timeout is None:
            return False
        return seconds > self._trial_timeout * self._dispatcher.width(trial) + self._settings.grace_seconds

    def _ping(self, worker: Worker) -> None:
        worker.ping = worker.actor.ping.remote()
        since = time.monotonic() - self._settings.silent_seconds
        worker.last_message = max(worker.last_message, since)  # it has time to answer, however slow the driver

    def _await_ping(self, worker: Worker, ping: ObjectRef, now: float) -> list[Event]:
        """Look whether a trainer has answered its ping, and remove it if it is dead or has been silent for too long."""
        silent_seconds = 2 * self._settings.silent_seconds
        if ray.wait([ping], timeout=0.0)[0]:
            worker.last_message, worker.ping = now, None
            try:
                ray.get(ping)
            except RayError as error:
                return self._remove(worker, loss_reason(error), blame(error))
        elif now - worker.last_message > silent_seconds:
            return self._remove(worker, f"it did not answer for {silent_seconds:g} s", Blame.FULL)
        return []


def _reachable(trainable: Trainable) -> Trainable:
    """Return a trainable whose trainers find this machine, if the files of its study are here."""
    if isinstance(trainable, IsolatedFunction) and trainable.files and trainable.files.is_here:
        node = ray.get_runtime_context().get_node_id()
        return replace(trainable, files=replace(trainable.files, node=node))
    return trainable
