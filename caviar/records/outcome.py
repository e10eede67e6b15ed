"""What can be read from a study, running or finished: settings, tables, winner. It needs no data and runs nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from caviar._other_names import OUTCOME_ATTRIBUTES, knows_other_names
from caviar.csv import to_csv
from caviar.errors import InputError
from caviar.records import journal
from caviar.records.cells import options_as_cells
from caviar.records.confirmation import confirmation_table
from caviar.records.evaluation import Evaluation
from caviar.records.events import ForecastMade, WaveBegan
from caviar.records.models import check_network, kept_model, members_of
from caviar.records.ranking import estimates, rank_trials, search_told
from caviar.records.replay import StudyState
from caviar.records.search_log import Expected, Observed
from caviar.records.settings import Settings
from caviar.records.tables import history_table, results_table, square_table, waves_table, write_csv
from caviar.records.trial import NOT_PROMISED, TABLES, Result, State
from caviar.records.trial_files import fetch_folder
from caviar.search import Search
from caviar.space import Space

if TYPE_CHECKING:  # scikit-learn and Optuna are slow to import
    from optuna import Study as OptunaStudy
    from optuna.storages import BaseStorage

    from caviar.model.trained.estimators import Estimator


@knows_other_names(None, OUTCOME_ATTRIBUTES)
@dataclass(frozen=True, eq=False)
class Outcome:
    """A study at one moment; each table is created once, when first used.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> _ = study.run(progress=False)
    >>> outcome = Outcome.read(study.folder)
    >>> len(outcome.table), outcome.best.trial == study.best.trial
    (4, True)
    """

    folder: Path
    settings: Settings
    versions: Mapping[str, str]  # of Python and the packages that it was started with
    results: tuple[Result, ...] = ()  # of the trials that had ended, by number, without curves
    begun: tuple[WaveBegan, ...] = ()  # the waves
    search_log: tuple[Expected | Observed, ...] = ()  # what the search was told
    initial_trials: str = ""  # the configs and trials given before the first run, in words
    notes: tuple[str, ...] = ()  # what was done with the columns of the table, and why, a sentence each
    test: Evaluation | None = None  # what the winner gets on the test part; None before the end, and for functions
    forecasts: tuple[ForecastMade, ...] = ()  # what the next wave was worth, after each wave of the search but the last
    began: Settings | None = None  # what it was before it was extended, if it was
    extended: tuple[int, ...] = ()  # by how many trials, each time
    total: int = 0  # how many trials it has when it ends, as far as is known, with those that confirm others

    @classmethod
    def read(cls, where: str | Path) -> "Outcome":
        """Read the study in a folder, or at the URI of its mirror; raise InputError if there is none."""
        folder = journal.local_folder(where)
        return cls.of(journal.read_state(folder), folder)

    @classmethod
    def of(cls, state: StudyState, folder: Path) -> "Outcome":
        """Return what can be read from a state as it is now."""
        initial_trials = [_count(state.enqueued_count, "config"), _count(state.warm_started_count, "finished trial")]
        return cls(
            folder=folder,
            settings=state.settings,
            versions=state.versions,
            results=tuple(state.results[number] for number in sorted(state.results)),
            begun=tuple(state.waves),
            search_log=tuple(state.search_log),
            initial_trials=" and ".join(words for words in initial_trials if words),
            notes=state.notes,
            test=state.test,
            forecasts=tuple(state.forecasts.values()),
            began=state.began.settings if state.extended else None,
            extended=state.extended,
            total=state.total,
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each trial, by number."""
        return results_table(self.results, self.settings.space.names)

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for each report of every trial: its epoch, seconds and metrics; read from the journal."""
        ends = journal.read_results(self.folder) if self.results else {}  # it may hold more by now
        return history_table(ends[result.trial] for result in self.results if result.trial in ends)

    @cached_property
    def waves(self) -> pd.DataFrame:
        """A row for each wave: what it reached, and the square, where the best trials were expected."""
        return waves_table(self.begun, self.results, self.settings, self.forecasts)

    @cached_property
    def square(self) -> pd.DataFrame:
        """The region where the best trials are expected, a row for each hyperparameter, beside the whole space."""
        return square_table(self.begun[-1] if self.begun else None, self.settings)

    @cached_property
    def confirmation(self) -> pd.DataFrame:
        """A row for each confirmed trial, the winner first; no rows before the confirming wave has ended."""
        wave = self.begun[-1] if self.begun else None
        by_number = {result.trial: result for result in self.results}
        replicates: dict[int, list[Result]] = {}
        if wave and wave.confirms and all(number in by_number for number in wave.numbers):
            for number, original in zip(wave.numbers, wave.confirms, strict=True):
                replicates.setdefault(original, []).append(by_number[number])
        return confirmation_table([by_number[n] for n in replicates], replicates, self.settings.objective)

    @cached_property
    def search(self) -> Search:
        """The search as it knows all trials, whose Gaussian process is fitted once."""
        return search_told(self.settings, self.search_log)

    @cached_property
    def ranking(self) -> tuple[Result, ...]:
        """The finished trials: the confirmed ones, best first, then the others by their estimates."""
        known = estimates(self.search, self.search_log)
        by_estimate = rank_trials(self.results, known, self.settings.objective)
        confirmed = [self.trial(int(number)) for number in self.confirmation["trial"]]
        numbers = {result.trial for result in confirmed}
        return (*confirmed, *(result for result in by_estimate if result.trial not in numbers))

    @property
    def best(self) -> Result:
        """The winner: confirmed with fresh seeds, or else with the best estimate; InputError if none has finished."""
        if not self.ranking:
            remedy = "see the errors in its table" if self.results else "run the study first"
            raise InputError(f"no trial of {self.folder} has finished; {remedy}")
        return self._with_folder(self.ranking[0])

    @property
    def has_finished(self) -> bool:
        """Whether any trial has finished."""
        return any(result.state is State.FINISHED for result in self.results)

    @property
    def stopped(self) -> str:
        """Why the study ended before its last wave, in a sentence; "" if it did not, or went on."""
        last = self.forecasts[-1] if self.forecasts else None
        return last.sentence(self.settings.objective.metric) if last and last.stop and not self.extended else ""

    @property
    def edges(self) -> tuple[str, ...]:
        """A sentence for each bound that the last square lies against, and for each that was extended."""
        return self.begun[-1].edges if self.begun else ()

    @property
    def space(self) -> Space:
        """The space of the last wave: the study's, or wider where the search has extended a bound."""
        return (self.begun[-1].space if self.begun else None) or self.settings.space

    def trial(self, number: int | None = None) -> Result:
        """Return a trial that has ended, with the folder of its files, by its number; the best one if left out."""
        if number is None:
            return self.best
        for result in self.results:
            if result.trial == number:
                return self._with_folder(result)
        raise InputError(f"no trial {number!r} of {self.folder} has ended; its table lists those that have")

    def model(self, trial: int | None = None, *, ensemble: bool = False) -> "Estimator":
        """Return the model of a trial of the built-in network, from the study's folder or its mirror, without data.

        Args:
            trial: its number; the winner if left out.
            ensemble: average the networks that confirmed it, instead.

        Raises:
            InputError: its weights were not kept; the message says how to train it again.
        """
        from caviar.model.trained.estimators import estimator_of

        check_network(self.settings)
        return estimator_of(kept_model(self.folder, members_of(self.trial(trial), self.results, ensemble)))

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the table's CSV without the columns that depend on the machine; equal if it is repeated."""
        promised = self.table.drop(columns=list(NOT_PROMISED), errors="ignore")
        return hashlib.sha256(to_csv(options_as_cells(promised, self.settings.space))).hexdigest()

    def to_optuna(self, storage: "str | BaseStorage", name: str | None = None) -> "OptunaStudy":
        """Write the study into a storage of Optuna's, as a new study, and return it.

        A trial that was stopped early becomes a pruned one; one that diverged, failed or timed out a failed one. The
        curves are its intermediate values; what Optuna has no place for, such as other metrics, its user attributes.

        Args:
            storage: such as "sqlite:///studies.db", or a storage of Optuna's.
            name: of the new study; this one's by default.

        Raises:
            InputError: the storage has a study of this name.
            MissingError: Optuna is not installed.

        >>> import caviar, optuna, tempfile
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = caviar.Study("digits", trials=4, epochs=2, workers=0, out=tempfile.mkdtemp())
        >>> table = study.run(progress=False)
        >>> written = study.outcome.to_optuna(optuna.storages.InMemoryStorage())
        >>> len(written.trials), bool(written.best_value == table["val_accuracy"].max())
        (4, True)
        """
        from caviar.records.optuna_study import create_study, frozen_trial

        study = create_study(self.settings, storage, name)
        with_curves = journal.read_results(self.folder) if self.results else {}
        results = [with_curves.get(result.trial, result) for result in self.results]
        study.add_trials(frozen_trial(result, self.space, self.settings.objective) for result in results)
        return study

    def _with_folder(self, result: Result) -> Result:
        return replace(result, locate=partial(fetch_folder, self.folder, result.trial))

    def write_tables(self) -> None:
        """Write results.csv, history.csv, waves.csv and confirmation.csv into the folder, each whole or not at all."""
        results = options_as_cells(self.table, self.settings.space)
        tables = (results, self.history, self.waves, self.confirmation)
        for name, table in zip(TABLES, tables, strict=True):
            write_csv(table, self.folder / f"{name}.csv")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}" if number else ""


class HasOutcome(Protocol):
    """A study that can run."""

    @property
    def outcome(self) -> Outcome:
        """What can be read from it."""


AnyStudy = Outcome | HasOutcome | str | Path


def outcome_of(study: AnyStudy) -> Outcome:
    """Return the outcome of a study that is given as a `Study`, as its outcome, its folder or the URI of its mirror.

    >>> outcome_of(None)
    Traceback (most recent call last):
    caviar.errors.InputError: a study must be a caviar.Study, its outcome or its folder, got None
    """
    if isinstance(study, str | Path):
        return Outcome.read(study)
    outcome = study if isinstance(study, Outcome) else getattr(study, "outcome", None)
    if not isinstance(outcome, Outcome):
        raise InputError(f"a study must be a caviar.Study, its outcome or its folder, got {study!r:.100}")
    return outcome
