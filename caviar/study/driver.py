"""The driver: sends wave after wave to the trainers; each result is on disk before it counts."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from caviar.errors import PausedError, StorageError
from caviar.files import write_atomically, writing
from caviar.fleet.interrupts import hold_interrupts
from caviar.fleet.messages import Stack
from caviar.fleet.protocol import Trainers
from caviar.records.events import StudyPaused, TrialEnded
from caviar.records.lock import LEFT, is_asked_to_stop
from caviar.records.outcome import Outcome
from caviar.records.record import StudyRecord
from caviar.records.trial import CurvePoint, Result, Trial
from caviar.records.trial_files import keep_best, output_file
from caviar.study.callbacks import CallbackList
from caviar.study.failures import FailureMonitor
from caviar.study.halving import run_halving
from caviar.study.keeping import ModelKeeper
from caviar.study.planner import Planner
from caviar.study.progress import ProgressReporter, describe_left
from caviar.study.stacking import stack_trials
from caviar.study.wave import Deadline, run_wave

if TYPE_CHECKING:
    from caviar.study.cost.left import TimeLeft

_LOOK_SECONDS = 0.5  # between two looks at whether the study should stop
_WRITE_SECONDS = 2.0  # between two writes of the tables, or 20 times as long as a write takes
logger = logging.getLogger("caviar")


@dataclass
class Driver:
    """Sends the waves of a study to the trainers, and keeps what comes back."""

    record: StudyRecord  # its journal open; kept up to date
    planner: Planner
    trainers: Trainers
    monitor: FailureMonitor
    progress: ProgressReporter
    deadline: Deadline
    callbacks: CallbackList
    models: ModelKeeper
    _next_write: float = 0.0
    _next_look: float = 0.0
    _left: "TimeLeft | None" = None  # once a trial has reported

    def run(self) -> None:
        """Train the trials that have not ended, as time allows; raise PausedError if trial after trial fails."""
        try:
            self._train()
        except PausedError as pause:
            raise self._paused(pause) from None

    def _train(self) -> None:
        self.trainers.start(self.planner.next_trials)  # while the search is imported, and plans the first wave
        while not self.deadline.passed:
            trials = self.planner.running_trials() or self._begin(self._room)
            if not trials:
                return self._complete_models()
            self._run_wave(trials)

    def _paused(self, pause: PausedError) -> PausedError:
        """Write down the failures that paused the study, and return the error with the file of the last traceback."""
        failed = self.monitor.pending()
        for result in failed:
            _save_output(result, self.record.folder)
        again = tuple(result.trial for result in failed)
        self.record.append([*map(TrialEnded, failed), StudyPaused(pause.signature, again)])
        if not failed[-1].output:
            return pause
        file = self.record.folder / output_file(failed[-1].trial)
        return PausedError(f"{pause}; its traceback is in {file}", pause.signature, pause.last)

    def _complete_models(self) -> None:
        """Train trials again whose networks should be there, but are not."""
        if trials := self.models.trials_again(self.models.missing):
            logger.info("training %d trial%s again for their weights", len(trials), "s" * (len(trials) > 1))
            stacks = stack_trials(trials, self.trainers.trainable, self.trainers.workers)
            run_wave(self.trainers, stacks, self._keep, self.deadline)

    @property
    def _room(self) -> int:
        """How many trials may begin without a barrier: a quarter of the trainers have one waiting.

        A single trainer has none waiting, so each trial is chosen after all results before it.
        """
        return self.trainers.workers + self.trainers.workers // 4 - self.trainers.pending

    def _begin(self, count: int) -> list[Trial]:
        """Begin the next wave, or up to `count` trials of it if there are no barriers, once it is on disk."""
        state = self.record.state
        if forecast := self.planner.forecast(self.trainers.workers):
            with hold_interrupts():
                self.record.append([forecast])
            logger.info(forecast.sentence(state.settings.objective.metric))
        wave = self.planner.next_wave(count)
        if wave is None:
            return []
        last = state.waves[-1] if state.waves else None
        is_new = last is None or wave.wave != last.wave
        with hold_interrupts():  # Ctrl-C must not separate what is on disk from the state
            self.record.append([wave], mirror_now=is_new)
        if is_new:
            for sentence in wave.edges:
                if last is None or sentence not in last.edges:
                    logger.info(sentence)
        return self.planner.trials(wave)

    def _begin_more(self) -> list[Stack]:
        """Begin trials while others run."""
        trials: list[Trial] = []
        while not self.record.state.searched and (room := self._room - len(trials)) > 0:
            trials += self._begin(room)
        return [(trial,) for trial in trials]

    def _run_wave(self, trials: Sequence[Trial]) -> None:
        """Train the trials of a wave that have not ended; without barriers, all that the search asks for."""
        state, workers = self.record.state, self.trainers.workers
        settings, wave = state.settings, state.waves[-1]
        continuous = state.continuous and not wave.confirms
        what = "trials one after the other" if continuous else f"wave {wave.wave}: {len(trials)} trials"
        logger.info("%s on %d trainer%s", what, workers, "s" * (workers > 1))
        trials = [*trials, *self.models.trials_again(wave.confirms)]
        stacks = [(t,) for t in trials] if continuous else stack_trials(trials, self.trainers.trainable, workers)
        next_trials = self._begin_more if continuous else None
        halving = settings.early_stopping
        if halving is None or wave.confirms:
            run_wave(self.trainers, stacks, self._keep, self.deadline, next_trials, self._report)
        else:
            run_halving(
                self.trainers,
                stacks,
                self._keep,
                self.deadline,
                halving=halving,
                epochs=settings.epochs,
                objective=settings.objective,
                predicted_ends=self.planner.predicted_ends if halving.predicted else None,
                spared=state.spared,
                ended=state.open_wave,
                next_trials=next_trials,
                on_report=self._report,
            )
        self._count(self.monitor.pending())

    def _report(self, trial: Trial, point: CurvePoint) -> None:
        if self._left is None:
            from caviar.study.cost.left import TimeLeft  # here: the first trial should not wait for it

            self._left = TimeLeft(self.record.state, self.trainers.trainable)
        self._left.report(trial.number, point, self.trainers.workers)
        if trial.number in self.record.state.running:  # and is not only trained again for its weights
            self.callbacks.report(trial, point)

    def _keep(self, results: list[Result]) -> None:
        counted: list[Result] = []
        try:
            for result in results:
                if result.trial not in self.record.state.running:
                    self.models.save_again(result)
                    continue
                confirms = self.record.state.confirms(result.trial)
                counted += self.monitor.check(result if confirms is None else replace(result, confirms=confirms))
        finally:
            self._count(counted)
        if (now := time.monotonic()) > self._next_look:
            self._next_look = now + _LOOK_SECONDS
            if is_asked_to_stop(self.record.folder):
                raise KeyboardInterrupt

    def _count(self, results: list[Result]) -> None:
        """Add results that count: first on disk, then to the state."""
        if not results:
            return
        self.record.check()  # before files are written beside it
        results = self.models.save(results)
        for result in results:
            _save_output(result, self.record.folder)
        ended_waves = self.planner.ended_waves
        with hold_interrupts():
            self.record.append([TrialEnded(result) for result in results])
            self.callbacks.trials_ended(results)
            for number in range(ended_waves + 1, self.planner.ended_waves + 1):
                self._end_wave(number)
        left = self._left.span(self.trainers.workers, self.record.state.total) if self._left else None
        self.progress(self.record.state.ended, self.record.state.best, left)
        self.callbacks.call()
        if not self.record.temporary and (begun := time.monotonic()) > self._next_write:
            keep_files(self.record, self.models)
            try:
                Outcome.of(self.record.state, self.record.folder).write_tables()  # not kept: it may be large
                write_atomically(self.record.folder / LEFT, describe_left(left).encode())
            except StorageError as error:  # a spreadsheet on Windows, for example, has one open
                logger.warning("%s; will retry", error)
            ended = time.monotonic()
            self._next_write = ended + max(_WRITE_SECONDS, 20 * (ended - begun))

    def _end_wave(self, number: int) -> None:
        """Tell the callbacks of a wave all of whose trials have ended; without barriers, it has many parts or none."""
        state = self.record.state
        parts = [wave for wave in state.waves if wave.wave == number]
        if parts:
            self.callbacks.wave_ended(parts[-1], [state.results[trial] for part in parts for trial in part.numbers])


def keep_files(record: StudyRecord, models: ModelKeeper) -> None:
    """Remove the files of trials that are not among the best, if only theirs are to be kept."""
    settings = record.state.settings
    if settings.keep is not None:
        try:
            keep_best(record.folder, record.state.results, settings.objective, settings.keep)
            models.remove_others()
        except StorageError as error:
            logger.warning("%s; will retry", error)


def _save_output(result: Result, folder: Path) -> None:
    """Write what a trial printed to its own file."""
    if result.output:
        path = folder / output_file(result.trial)
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(result.output.encode())
