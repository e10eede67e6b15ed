"""The driver: wave after wave out to the pool, each result on disk before it counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from caviar.fleet.pool import Pool
from caviar.study.halving import run_halving
from caviar.study.journal import Journal
from caviar.study.ledger import Ledger, Record
from caviar.study.progress import Watcher
from caviar.study.result import Result
from caviar.study.stacking import stacked
from caviar.study.tuning import lowered
from caviar.study.wave import Deadline, run_wave


@dataclass(frozen=True)
class Driver:
    """What a run of a study needs.

    Args:
        ledger: what the study knows, kept up to date.
        journal: where it is written before it counts.
        pool: what trains.
        watch: who is told how it goes.
        deadline: when it is to end.
        write: writes the tables; called after every wave.
        stacking: False trains every network alone.
    """

    ledger: Ledger
    journal: Journal
    pool: Pool
    watch: Watcher
    deadline: Deadline
    write: Callable[[], None]
    stacking: bool = True

    def run(self) -> None:
        """Train all that is left, or as much as there is time for."""
        while not self.deadline.over and (wave := self.ledger.open_wave or self._next_wave()):
            self._run_wave(wave)
            self.write()

    def _next_wave(self) -> Record | None:
        record = self.ledger.plan()
        if record is not None:
            self.journal.append([record])
            self.ledger.take([record])
        return record

    def _run_wave(self, wave: Record) -> None:
        """Train the trials of a wave, or what is left of them after an interruption."""
        trials, results, settings = self.ledger.trials(wave), self.ledger.results, self.ledger.settings
        known = [results[trial.number] for trial in trials if trial.number in results]
        left = [trial for trial in trials if trial.number not in results]
        self.watch.say(f"wave {wave['wave']}: {len(left)} trials on {self.pool.workers} trainers")
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
                known=known,
            )

    def _keep(self, ended: list[Result]) -> None:
        results = [replace(result, confirms=self.ledger.confirms(result.trial)) for result in ended]
        for result in results:
            keep_output(result, self.journal.path.parent)
        self.journal.append([result.as_record() for result in results])
        self.ledger.keep(results)
        self.watch.ended(len(self.ledger.results), self.ledger.best_metric)


def keep_output(result: Result, folder: Path) -> None:
    """What a trial printed goes to a file of its own."""
    if result.output:
        (folder / "output").mkdir(exist_ok=True)
        (folder / "output" / f"{result.trial:06d}.txt").write_text(result.output)
