"""The driver: wave after wave out to the pool, each result on disk before it counts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from caviar.fleet.cluster import hold_interrupts
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Stack
from caviar.records.trial import Trial
from caviar.fleet.pool import Pool
from caviar.fleet.remote_pool import RemotePool
from caviar.records.journal import Journal
from caviar.records.ranking import lowered
from caviar.records.trial import Result
from caviar.study.failures import Alarm
from caviar.study.halving import run_halving
from caviar.study.planner import Ledger, Record
from caviar.study.progress import Watcher
from caviar.study.stacking import stacked
from caviar.study.wave import Deadline, run_wave

WRITE_SECONDS = 2.0  # how often the tables are written, if that takes less than a twentieth of the time


@dataclass
class Driver:
    """What a run of a study needs.

    Args:
        ledger: what the study knows, kept up to date.
        journal: where it is written before it counts.
        pool: what trains.
        alarm: what stops a study whose trials fail one after the other.
        watch: who is told how it goes.
        deadline: when it is to end.
        write: writes the tables.
        stacking: False trains every network alone.

    Raises:
        PausedError: from `run`, trial after trial failed for one cause.
    """

    ledger: Ledger
    journal: Journal
    pool: Pool | RemotePool | LocalPool
    alarm: Alarm
    watch: Watcher
    deadline: Deadline
    write: Callable[[], None]
    stacking: bool = True
    _next_write: float = 0.0

    def run(self) -> None:
        """Train all that is left, or as much as there is time for."""
        while not self.deadline.over and (left := self.ledger.left or self._begin(self._room)):
            self._run_wave(left)

    @property
    def _room(self) -> int:
        """How many trials there may be besides those that run, where no wave says it: one in four is ahead of time.

        One trainer has no trial ahead, so that each is chosen in the light of all before it.
        """
        return self.pool.workers + self.pool.workers // 4 - self.pool.pending

    def _begin(self, count: int) -> list[Trial]:
        """The trials of the next wave, or up to `count` of it where there is no barrier; on disk before they begin."""
        record = self.ledger.plan(count)
        if record is None:
            return []
        before: Record = self.ledger.waves[-1] if self.ledger.waves else {"wave": 0, "edges": []}
        new = record["wave"] != before["wave"]
        with hold_interrupts():  # Ctrl-C finds what is on disk in the ledger too
            self.journal.append([record], now=new)
            self.ledger.take([record])
        if new:
            for sentence in record["edges"]:
                if sentence not in before["edges"]:
                    self.watch.say(sentence)
        return self.ledger.trials(self.ledger.waves[-1])

    def _more(self) -> list[Stack]:
        """Trials to begin while others run."""
        trials: list[Trial] = []
        while not self.ledger.asked and (room := self._room - len(trials)) > 0:
            trials += self._begin(room)
        return [(trial,) for trial in trials]

    def _run_wave(self, left: Sequence[Trial]) -> None:
        """Train the trials of a wave, or what is left of them; without a barrier, all that the search asks for."""
        settings, wave = self.ledger.settings, self.ledger.waves[-1]
        continuous = self.ledger.continuous and not wave["confirms"]
        what = "trials one after the other" if continuous else f"wave {wave['wave']}: {len(left)} trials"
        self.watch.say(f"{what} on {self.pool.workers} trainers")
        stacks = stacked(left, self.pool.trainable, self.pool.workers, self.stacking and not continuous)
        more = self._more if continuous else None
        if settings.early_stopping is None or wave["confirms"]:
            run_wave(self.pool, stacks, self._keep, self.deadline, more)
        else:
            run_halving(
                self.pool,
                stacks,
                self._keep,
                self.deadline,
                halving=settings.early_stopping,
                epochs=settings.epochs,
                value=partial(lowered, settings=settings),
                known=self.ledger.known,
                more=more,
            )
        self._count(self.alarm.held())

    def _keep(self, ended: list[Result]) -> None:
        counted: list[Result] = []
        try:
            for result in ended:
                counted += self.alarm.passed(replace(result, confirms=self.ledger.confirms(result.trial)))
        finally:
            self._count(counted)

    def _count(self, ended: list[Result]) -> None:
        """Trials have ended: on disk first, then in the ledger."""
        for result in ended:
            keep_output(result, self.journal.path.parent)
        with hold_interrupts():
            self.journal.append(result.as_record() for result in ended)
            self.ledger.keep(ended)
        self.watch.ended(len(self.ledger.results), self.ledger.best_metric)
        if time.monotonic() > self._next_write:
            self._write()

    def _write(self) -> None:
        begun = time.monotonic()
        self.write()
        ended = time.monotonic()
        self._next_write = ended + max(WRITE_SECONDS, 20 * (ended - begun))


def keep_output(result: Result, folder: Path) -> None:
    """What a trial printed goes to a file of its own."""
    if result.output:
        (folder / "output").mkdir(exist_ok=True)
        (folder / "output" / f"{result.trial:06d}.txt").write_text(result.output)
