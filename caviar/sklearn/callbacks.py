"""scikit-learn's callbacks, called in this process for the tasks of a search, wherever its fits run.

The tasks have the names of `RandomizedSearchCV`: the fit, in it the search, in that a task for each fold of each
candidate, and at last the refit.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sklearn.base import BaseEstimator

from caviar.fleet.messages import Done, Event, Report, Stack, Started
from caviar.fleet.protocol import Trainers
from caviar.records.trial import State
from caviar.sklearn.folds import Rows
from caviar.sklearn.internals import Task, check_method_params, split_rows

FoldData = Mapping[str, Callable[[], object]]  # X, y and metadata of a fold, made only if a callback asks for them


def fold_data(
    estimator: BaseEstimator, X: object, y: object, train: Rows, fit_params: Mapping[str, object]
) -> FoldData:
    """Return what the callbacks of a fold may ask for: its training rows, and their weights if `fit` takes some."""

    def metadata() -> dict[str, object] | None:
        rows = check_method_params(X, params=fit_params, indices=train)
        return {"sample_weight": rows["sample_weight"]} if rows.get("sample_weight") is not None else None

    def split(part: int) -> Callable[[], object]:
        return lambda: split_rows(estimator, X, y, train)[part]

    return {"X": split(0), "y": split(1), "metadata": metadata}


class SearchTasks:
    """The tasks of the folds of all candidates, which begin and end as the events of their trials arrive.

    Args:
        search: the estimator that the callbacks are told of.
        root: the context of its fit.
        candidates: how many trials there will be.
        folds: the data of each fold.
        local: whether the fits run in this process: then a task begins right before its fit, in `fit`.
    """

    def __init__(
        self, search: BaseEstimator, root: Task, candidates: int, folds: Sequence[FoldData], *, local: bool
    ) -> None:
        self._search, self._folds, self._local = search, folds, local
        self._context = root.subcontext("search", max_subtasks=candidates * len(folds), sequential_subtasks=False)
        self._context.call_on_fit_task_begin(estimator=search)
        self._tasks: dict[tuple[int, int], Task] = {}  # that have begun, by trial and fold
        self._ended: set[tuple[int, int]] = set()
        self._until: dict[int, int] = {}  # after how many folds a trial pauses
        self._trial: int | None = None  # the last one that started

    def end(self) -> None:
        """End the search, before its refit."""
        self._context.call_on_fit_task_end(estimator=self._search)

    def submitted(self, stacks: Iterable[Stack]) -> None:
        """Note until which fold each trial runs."""
        self._until |= {trial.number: trial.until or len(self._folds) for stack in stacks for trial in stack}

    def follow(self, events: Iterable[Event]) -> None:
        """Begin and end tasks; a trial that runs again because its trainer was lost begins none twice."""
        for event in events:
            match event:
                case Started(trial, reports):
                    self._trial = trial
                    if not self._local:
                        self._begin(trial, reports)
                case Report(trial, epoch):
                    self._end(trial, epoch - 1)
                    if not self._local and epoch < self._until[trial]:
                        self._begin(trial, epoch)
                case Done(trial, State.FINISHED | State.DIVERGED | State.FAILED):
                    for fold in range(len(self._folds)):  # reports may have been held back
                        self._begin(trial, fold)
                        self._end(trial, fold)
                case Done(trial, State.TIMED_OUT):
                    for fold in range(len(self._folds)):
                        self._end(trial, fold)

    @contextlib.contextmanager
    def fit(self, estimator: BaseEstimator, fold: int) -> Iterator[None]:
        """Begin the task of a fit in this process, and pass callbacks on to the estimator in the block."""
        if self._trial is None:  # nobody follows
            yield
            return
        self._end(self._trial, fold - 1)
        task = self._new_task(self._trial, fold)
        with task.propagate_callback_context(estimator):
            task.call_on_fit_task_begin(estimator=self._search, **self._folds[fold])
            yield

    def _new_task(self, trial: int, fold: int) -> Task:
        task = self._context.subcontext("candidate-split-evaluation", task_id=trial * len(self._folds) + fold)
        self._tasks[trial, fold] = task
        return task

    def _begin(self, trial: int, fold: int) -> None:
        if (trial, fold) not in self._tasks:
            self._new_task(trial, fold).call_on_fit_task_begin(estimator=self._search, **self._folds[fold])

    def _end(self, trial: int, fold: int) -> None:
        if (trial, fold) in self._tasks and (trial, fold) not in self._ended:
            self._ended.add((trial, fold))
            self._tasks[trial, fold].call_on_fit_task_end(estimator=self._search, **self._folds[fold])


class FollowedTrainers:
    """Trainers that tell the tasks of a search what happens; all else is theirs."""

    def __init__(self, trainers: Trainers, tasks: SearchTasks) -> None:
        self._trainers, self._tasks = trainers, tasks

    def __getattr__(self, name: str) -> object:
        return getattr(self._trainers, name)

    def submit(self, stacks: Iterable[Stack]) -> None:
        stacks = list(stacks)
        self._tasks.submitted(stacks)
        self._trainers.submit(stacks)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        events = self._trainers.poll(timeout)
        self._tasks.follow(events)
        return events
