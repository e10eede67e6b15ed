"""The study of a search: its trials are configurations, cross-validated by its trainers."""

import contextlib
import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import joblib
import numpy as np
from sklearn.utils import check_random_state

from caviar._checks import check_integer
from caviar._temporary import temporary_folder
from caviar.errors import InputError, PausedError
from caviar.fleet.protocol import Trainers
from caviar.records.journal import read_results
from caviar.records.trial import Result, State
from caviar.sklearn.callbacks import FoldData, FollowedTrainers, SearchTasks
from caviar.sklearn.exceptions import exception_from, naming_n_jobs, warn_about_scorer
from caviar.sklearn.fold_trainers import open_trainers
from caviar.sklearn.folds import CrossValidation, halving_of
from caviar.sklearn.internals import SearchCV, Task, has_callbacks
from caviar.study.study import Study

logger = logging.getLogger("caviar")


def run_study(search: SearchCV, folds: CrossValidation, root: Task, data: Sequence[FoldData]) -> Sequence[Result]:
    """Run the study of a `CaviarSearchCV`, and return its results with their curves, one per configuration.

    Args:
        search: whose arguments say how.
        folds: what is done with each configuration.
        root: the task of the search's fit, for callbacks.
        data: what the callbacks of each fold may ask for.
    """
    folds.check_parameters()
    trials, workers = _trials(search.n_iter, folds.translation.size), _workers(search.n_jobs)
    tasks = SearchTasks(search, root, trials, data, local=workers == 0)
    if workers == 0:
        folds = replace(folds, follow=tasks.fit)
    with contextlib.ExitStack() as stack:
        stack.enter_context(naming_n_jobs())
        scratch = stack.enter_context(temporary_folder())
        study = _new_study(search, folds, trials, workers, scratch)
        followed = has_callbacks(search)
        apart = workers != 0 and not (followed or search.early_stopping or search.trial_timeout is not None)
        trainers = stack.enter_context(open_trainers(folds, study.placement, trials, apart=apart))
        if followed:
            trainers = cast(Trainers, FollowedTrainers(trainers, tasks))
        failures = 1 if search.error_score == "raise" else math.inf
        try:
            study.run(progress=search.verbose > 0, failures=failures, trainers=trainers)
        except PausedError as pause:
            raise exception_from(cast(Result, pause.last)) from pause
        ends = read_results(study.folder)
        warn_about_scorer(study.folder, trials)
    tasks.end()
    raised = study.record.state.results  # the journal keeps no tracebacks
    results = [replace(ends[number], raised=raised[number].raised) for number in sorted(ends)]
    timed_out = next((result for result in results if result.state is State.TIMED_OUT), None)
    if timed_out is not None and search.error_score == "raise":
        raise exception_from(timed_out)
    return results


def _new_study(search: SearchCV, folds: CrossValidation, trials: int, workers: int | str, scratch: Path) -> Study:
    """Return a new study; it is kept in a temporary folder only, unless the search names another one."""
    study = Study(
        folds,
        space=folds.translation.space,
        trials=trials,
        waves=search.waves,
        seed=int(check_random_state(search.random_state).randint(np.iinfo(np.int32).max)),
        metric=folds.metric,
        mode="max",
        epochs=len(folds.splits),
        search=search.search,
        early_stopping=halving_of(search.early_stopping, len(folds.splits)),
        confirm=False,
        name=type(search.estimator).__name__,
        out=scratch / "study" if search.out is None else search.out,
        workers=workers,
        address=search.address,
        resources=search.resources,
        trial_timeout=search.trial_timeout,
        isolation="none",  # an estimator's fit leaves nothing behind
    )
    study.record.temporary = search.out is None
    return study


def _trials(n_iter: object, size: float) -> int:
    """Return how many configurations are tried: no more than a space of this size has."""
    trials = check_integer("n_iter", n_iter)
    if size >= trials:
        return trials
    logger.warning("the space has %d configuration%s, fewer than n_iter=%d", size, "s" * (size > 1), trials)
    return int(size)


def _workers(n_jobs: int | None) -> int | str:
    if n_jobs is None or n_jobs == -1:
        return "auto"
    if n_jobs == 0:
        raise InputError(f"n_jobs must be None or an integer other than 0, got {n_jobs!r}; try 1 for this process")
    count = int(joblib.effective_n_jobs(n_jobs))
    return 0 if count == 1 else count
