"""The pool of trainers on Ray: keeps them busy, takes events as they come, does without the dead.

A turn of the loop waits for whatever lease has something to say, and hands on its events.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import ray
from ray.exceptions import RayError

from caviar.fleet.cluster import Placement
from caviar.fleet.dispatch import Dispatcher
from caviar.fleet.messages import Done, Event, Stack, Started
from caviar.fleet.scaling import TrainerGroup, Worker, innocent, reason
from caviar.fleet.worker.trainables import Trainable

SILENT_SECONDS = 60.0  # a lease that says nothing for so long has its trainer pinged, after twice that replaced
GRACE_SECONDS = 5.0  # a trial that runs over its time limit is ended with its trainer so much later


def silence(sentence: str) -> None:
    """Tell nobody."""


class Pool:
    """Trainers on the connected Ray cluster.

    Args:
        trainable: what they train; put into Ray's object store once.
        metric: the name of the metric that every report is to have.
        placement: how many trainers there are to be, and what each takes.
        say: is told, in a sentence, what is waited for.

    Raises:
        ClusterError: this machine's Ray has no room for a single trainer.
    """

    def __init__(
        self, trainable: Trainable, metric: str, placement: Placement, say: Callable[[str], None] = silence
    ) -> None:
        self.trainable = trainable
        self._trial_timeout = placement.trial_timeout
        self._dispatcher = Dispatcher()
        memory = placement.resources.get("memory")
        self._crew = TrainerGroup((ray.put(trainable), metric, placement.trial_timeout, memory), placement, say)

    @property
    def workers(self) -> int:
        """How many trainers there are or will soon be."""
        return self._crew.size

    @property
    def pending(self) -> int:
        """How many trials have not ended."""
        return self._dispatcher.pending

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks of trials, to be started in this order."""
        self._dispatcher.submit(stacks)
        self._crew.follow(self.pending)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        """Wait up to `timeout` seconds for news; returns the events that came, each trial's `Done` exactly once."""
        self._crew.follow(self.pending)
        for worker in self._crew.here:
            self._hand_out(worker)
        streams = {worker.leases[0]: worker for worker in self._crew.here if worker.leases}
        waited_for = [*streams, *self._crew.coming]
        ready, _ = ray.wait(waited_for, num_returns=len(waited_for), timeout=0.0) if waited_for else ([], [])
        if not ready and waited_for:
            ready, _ = ray.wait(waited_for, num_returns=1, timeout=timeout)
        elif not waited_for:
            time.sleep(min(timeout, 0.1))  # there is no trainer, and no room for one
        events: list[Event] = []
        for answer in ready:
            if answer in streams:
                events += self._read(streams[answer])
            else:
                self._crew.arrive(answer)
        return events + self._look_after_the_silent()

    def discard(self, trials: Sequence[int]) -> None:
        """Let paused trials go, with the memory that they hold in their trainers."""
        self._dispatcher.discard(trials)
        for worker in self._crew.here:
            worker.actor.discard.remote(trials)

    def stop(self, reason: str) -> list[Event]:
        """Train nothing more; returns the ends, as timed out, of the trials that have begun."""
        now = time.monotonic()
        ended = [
            Done(trial, "timed_out", reason, now - since, worker.name)
            for worker in self._crew.here
            for trial, since in worker.started.items()
        ]
        counted = self._dispatcher.receive(ended)
        self._dispatcher.stop()
        return counted

    def close(self) -> None:
        """End all trainers."""
        self._crew.dismiss()

    def _hand_out(self, worker: Worker) -> None:
        while (lease := self._dispatcher.next_lease(worker, len(self._crew.here))) is not None:
            if not worker.leases:
                worker.heard = time.monotonic()
            worker.leases.append(worker.actor.run.options(num_returns="streaming").remote(lease))

    def _read(self, worker: Worker) -> list[Event]:
        """One batch of events of a worker's oldest lease, or its end, or the loss of the worker."""
        worker.heard, worker.ping = time.monotonic(), None
        try:
            events: list[Event] = ray.get(next(worker.leases[0]), timeout=SILENT_SECONDS)
        except StopIteration:
            worker.leases.pop(0)
            self._dispatcher.finished(worker)
            return []
        except RayError as error:
            return self._lose(worker, reason(error), charge=not innocent(error, worker.name))
        for event in events:
            if isinstance(event, Started):
                worker.started[event.trial] = worker.heard
            elif isinstance(event, Done):
                worker.started.pop(event.trial, None)
        counted = self._dispatcher.receive(events)
        self._hand_out(worker)  # it is not to wait while the driver writes and plans
        return counted

    def _lose(self, worker: Worker, why: str, charge: bool) -> list[Event]:
        """Do without a worker; its trials run again, but for those that are given up."""
        self._crew.lose(worker, again=charge)  # where a node has gone, there may be no room for another
        return self._dispatcher.lost(worker, why, charge, worker.name)

    def _look_after_the_silent(self) -> list[Event]:
        """End trials that hang past their time limit; ping trainers that say nothing, do without the deaf."""
        now = time.monotonic()
        events: list[Event] = []
        for worker in list(self._crew.here):
            over = [trial for trial, since in worker.started.items() if self._overdue(trial, now - since)]
            if over:
                why = f"it ran over its {self._trial_timeout:g} s"
                ended = [Done(trial, "timed_out", why, now - worker.started[trial], worker.name) for trial in over]
                events += self._dispatcher.receive(ended)
                self._crew.lose(worker, again=True)
                events += self._dispatcher.lost(worker, "a trial ran over its time limit", charge=False)
            elif worker.leases and now - worker.heard > SILENT_SECONDS:
                events += self._ping(worker, now)
        return events

    def _overdue(self, trial: int, seconds: float) -> bool:
        """Whether a trial has had the time of all members of its stack, who take turns, and some grace."""
        if self._trial_timeout is None:
            return False
        return seconds > self._trial_timeout * self._dispatcher.width(trial) + GRACE_SECONDS

    def _ping(self, worker: Worker, now: float) -> list[Event]:
        if worker.ping is None:
            worker.ping = worker.actor.ping.remote()
        answered, _ = ray.wait([worker.ping], timeout=0.0)
        if answered:
            worker.heard, worker.ping = now, None
        elif now - worker.heard > 2 * SILENT_SECONDS:
            return self._lose(worker, f"it said nothing for {2 * SILENT_SECONDS:g} s", charge=True)
        return []
