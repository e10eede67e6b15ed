"""Every private scikit-learn name that Caviar uses, each in one place with its purpose.

A new version of scikit-learn may change these without notice, so the rest of the package only uses public names.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Protocol, Self, TypedDict

from sklearn import base
from sklearn.metrics import _scorer
from sklearn.model_selection import _search, _validation
from sklearn.utils import Bunch, metaestimators, validation

fit_context = base._fit_context  # checks an estimator's arguments before `fit` runs
fit_and_score = _validation._fit_and_score  # fits and scores one fold
check_method_params = validation._check_method_params  # makes the parameters of `fit` indexable, and picks rows
split_rows = metaestimators._safe_split  # picks rows of X and y, also of a kernel matrix

SCORING_FAILED = "Scoring failed."  # begins the warning about a scorer that has raised

Scores = float | dict[str, float]  # a dict for several metrics
Parameters = dict[str, object]  # of an estimator


class Fit(TypedDict):
    """What scikit-learn reports about one fold."""

    fit_error: str | None
    test_scores: Scores
    train_scores: Scores
    fit_time: float
    score_time: float


def scorers_by_name(scorer: object) -> dict[str, object]:
    """Return the scorers of a search with several metrics by name; {} for a single metric."""
    return dict(scorer._scorers) if isinstance(scorer, _scorer._MultimetricScorer) else {}


class SearchCV(_search.BaseSearchCV):
    """scikit-learn's search by cross-validation; its fits run as a study instead."""


def scorer_and_refit_metric(search: SearchCV) -> tuple[object, str]:
    """Return the scorer that `scoring` asks for, and the metric that ranks the candidates."""
    scorer, refit_metric = search._get_scorers()
    return scorer, refit_metric


def has_callbacks(estimator: object) -> bool:
    """Return whether `set_callbacks` was given any."""
    return bool(getattr(estimator, "_skl_callbacks", ()))


class Task(Protocol):
    """A task of a fit, which tells callbacks when it begins and ends: scikit-learn's `CallbackContext`."""

    def subcontext(self, task_name: str = "", **settings: object) -> Self: ...
    def call_on_fit_task_begin(self, estimator: object, **told: object) -> Self: ...
    def call_on_fit_task_end(self, estimator: object, **told: object) -> object: ...
    def propagate_callback_context(self, sub_estimator: object) -> contextlib.AbstractContextManager[object]: ...


class _Untold(Task):
    """A task before scikit-learn 1.9, which has no callbacks to tell."""

    def subcontext(self, task_name: str = "", **settings: object) -> Self:
        return self

    def call_on_fit_task_begin(self, estimator: object, **told: object) -> Self:
        return self

    def call_on_fit_task_end(self, estimator: object, **told: object) -> object:
        return None

    def propagate_callback_context(self, sub_estimator: object) -> contextlib.AbstractContextManager[object]:
        return contextlib.nullcontext()


def root_task(search: SearchCV, subtasks: int) -> Task:
    """Set up the callbacks of a search that begins to fit, and return its outermost task."""
    if not hasattr(search, "_init_callback_context"):
        return _Untold()
    task: Task = search._init_callback_context(max_subtasks=subtasks)
    return task


def routed_parameters(search: SearchCV, params: Mapping[str, object]) -> Bunch:
    """Return the parameters of `fit` for the estimator, the scorer and the splitter, by metadata routing."""
    return search._get_routed_params_for_fit(params)


def set_results(search: SearchCV, candidates: Sequence[Parameters], fits: list[Fit], refit_metric: str) -> None:
    """Set `cv_results_` and the best candidate, as scikit-learn does after its fits; raise ValueError if all failed.

    `fits` holds all folds of the first candidate, then those of the second, and so on.
    """
    _validation._warn_or_raise_about_fit_failures(fits, search.error_score)
    if callable(search.scoring):
        _validation._insert_error_scores(fits, search.error_score)  # names the scores of failed folds like the others
    scores = fits[0]["test_scores"]
    search.multimetric_ = isinstance(scores, dict)
    if callable(search.scoring) and search.multimetric_:
        search._check_refit_for_multimetric(scores)
        refit_metric = search.refit
    search.cv_results_ = search._format_results(candidates, search.n_splits_, fits)
    if search.refit or not search.multimetric_:
        search.best_index_ = search._select_best_index(search.refit, refit_metric, search.cv_results_)
        if not callable(search.refit):
            search.best_score_ = search.cv_results_[f"mean_test_{refit_metric}"][search.best_index_]
        search.best_params_ = candidates[search.best_index_]
