"""The networks of confirmed trials, and of the best with `keep=k`: written before a trial counts as ended.

The search did not ask for the weights of the trials that are confirmed later, so they are trained again, in the stacks
of those that confirm them; so is whatever else is missing at the end of a study.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from caviar.data.dataset import Dataset
from caviar.model.trained.schema import Schema
from caviar.records.model_files import ModelFiles, trials_to_keep
from caviar.records.record import StudyRecord
from caviar.records.trial import Result, State, Trial
from caviar.records.trial_files import best_trials

logger = logging.getLogger("caviar")


class ModelKeeper:
    """Keeps the networks of a study; of a function or a program, `dataset` is None and nothing is kept."""

    def __init__(self, record: StudyRecord, dataset: Dataset | None) -> None:
        settings = record.state.settings
        self._record, self._settings = record, settings
        self._files, self._kept = ModelFiles(record.folder), set[int]()
        self._best = self._best_of(record.state.results)  # so that results are not all sorted for each new one
        self._keeps = dataset is not None and bool(settings.confirm or settings.keep)
        if dataset is not None and self._keeps:
            self._kept = self._files.numbers()
            self._files.write_schema(Schema.of(dataset))

    def _best_of(self, results: Mapping[int, Result]) -> dict[int, Result]:
        best = best_trials(results, self._settings.objective, self._settings.keep or 0)
        return {number: results[number] for number in best}

    @property
    def missing(self) -> set[int]:
        """The numbers of the trials that have ended and whose networks should be there, but are not."""
        return trials_to_keep(self._record.state.results, self._settings) - self._kept if self._keeps else set()

    def trials_again(self, numbers: Iterable[int]) -> list[Trial]:
        """Return trials that have ended, to be trained again for their networks, except those that are there."""
        results = [self._record.state.results[n] for n in sorted({*numbers} - self._kept)] if self._keeps else []
        return [Trial(r.trial, r.wave, r.config, r.seed, keep=True) for r in results]

    def save(self, results: list[Result]) -> list[Result]:
        """Write the networks of results that are about to count, and return the results without them."""
        ended = [replace(result, weights=b"") if result.weights else result for result in results]
        candidates = self._best | {result.trial: result for result in ended}
        wanted = trials_to_keep(candidates, self._settings)
        self._best = self._best_of(candidates)
        for result in results:
            if result.weights and result.trial in wanted:
                self._write(result)
        return ended

    def save_again(self, result: Result) -> None:
        """Write the network of a trial that was trained again, and say so if it is not that of its row."""
        if not result.weights:
            if result.state is not State.TIMED_OUT:
                again = "trial %d was trained again for its weights, and %s: %s"
                logger.warning(again, result.trial, result.state, result.error)
            return
        metric = self._settings.objective.metric
        now, before = result.metrics[metric], self._record.state.results[result.trial].metrics[metric]
        if now != before:
            again = "trial %d was trained again for its weights, on other software or hardware: %s is %.6g, not %.6g"
            logger.warning(again, result.trial, metric, now, before)
        self._write(result)

    def _write(self, result: Result) -> None:
        self._files.write(result.trial, result.weights)
        self._kept.add(result.trial)

    def remove_others(self) -> None:
        """Remove the networks that are no longer among the best that are to be kept."""
        if self._keeps and self._settings.keep:
            self._files.keep(kept := trials_to_keep(self._record.state.results, self._settings))
            self._kept &= kept
