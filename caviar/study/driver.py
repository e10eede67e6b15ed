"""The driver: wave after wave out to the pool, each result on disk before it counts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from caviar.fleet.pool import Pool
from caviar.study.alarm import Alarm
from caviar.study.halving import run_halving
from caviar.study.journal import Journal
from caviar.study.ledger import Ledger, Record
from caviar.study.progress import Watcher
from caviar.study.result import Result
from caviar.study.stacking import stacked
from caviar.study.tuning import lowered
from caviar.study.wave import Deadline, run_wave

WRITE_SECONDS = 10.0  # how often the tables are written while a wave runs, if that takes less than a twentieth of it


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
    pool: Pool
    alarm: Alarm
    watch: Watcher
    deadline: Deadline
    write: Callable[[], None]
    stacking: bool = True
    _next_write: float = 0.0

    def run(self) -> None:
        """Train all that is left, or as much as there is time for."""
        while not self.deadline.over and (wave := self.ledger.open_wave or self._next_wave()):
            self._run_wave(wave)
            self._write()

    def _next_wave(self) -> Record | None:
        record = self.ledger.plan()
        if record is not None:
            self.journal.append([record])
            self.ledger.take([record])
        return record

    def _run_wave(self, wave: Record) -> None:
        """Train the trials of a wave, or what is left of them after an interruption."""
        trials, results, settings = self.ledger.trials(wave), self.ledger.results, self.ledger.settings
        left = [trial for trial in trials if trial.number not in results]
        before: list[str] = next((w["edges"] for w in reversed(self.ledger.waves) if w["wave"] == wave["wave"] - 1), [])
        news = [sentence for sentence in wave["edges"] if sentence not in before]
        for sentence in (f"wave {wave['wave']}: {len(left)} trials on {self.pool.workers} trainers", *news):
            self.watch.say(sentence)
        stacks = stacked(left, self.pool.trainable, self.pool.workers, self.stacking)
        if settings.early_stopping is None or wave["confirms"]:
            run_wave(self.pool, stacks, self._keep, self.deadline)
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
