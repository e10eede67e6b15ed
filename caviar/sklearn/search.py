"""CaviarSearchCV: scikit-learn's search by cross-validation, run as a Caviar study.

Scorers, metadata routing, `cv_results_` and delegation to the best estimator are scikit-learn's own; Caviar chooses
which configurations to try and where to train them.
"""

import contextlib
import logging
import math
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, cast

import joblib
import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import Tags, check_random_state, get_tags, indexable

import caviar.sklearn.internals as internals
from caviar._checks import check_integer
from caviar._other_names import SEARCH_ARGUMENTS, knows_other_names
from caviar._temporary import temporary_folder
from caviar.errors import InputError, PausedError
from caviar.fleet.protocol import Trainers
from caviar.records.early_stopping import Halving
from caviar.records.journal import read_results
from caviar.records.trial import Result, State
from caviar.search.schedule import Waves
from caviar.sklearn.callbacks import FoldData, FollowedTrainers, SearchTasks, fold_data
from caviar.sklearn.exceptions import exception_from, naming_n_jobs, warn_about_scorer
from caviar.sklearn.fold_trainers import open_trainers
from caviar.sklearn.folds import CrossValidation, fits_of, halving_of
from caviar.sklearn.spaces import Translation, translate
from caviar.study.study import Study

logger = logging.getLogger("caviar")


@knows_other_names(SEARCH_ARGUMENTS, None)
class CaviarSearchCV(internals.SearchCV):
    """Search an estimator's parameters by cross-validation, coarse to fine, on Ray; use it like RandomizedSearchCV.

    Args:
        estimator: the estimator to tune; a pipeline's parameters are named "step__parameter".
        space: a `caviar.Space`; a dict from parameters to Caviar hyperparameters, lists, or distributions of SciPy,
            Optuna or Ray Tune; or a list of these; each configuration then comes from one of them.
        param_distributions: RandomizedSearchCV's name for space; give one of them, the other stays None.
        n_iter: the number of configurations to try, >= 1. Below 16 they form one evenly spread wave.
        scoring, refit, cv, error_score, return_train_score: as in RandomizedSearchCV.
        search: "coarse-to-fine", "random", "sobol" or "grid".
        waves: the number of waves, their sizes, "auto" or "continuous", as in `caviar.Study`.
        early_stopping: None cross-validates every configuration in full; "halving" continues only the best third at
            each rung of folds, by their mean score so far; or a `caviar.Halving`. Skipped folds score NaN.
        random_state: seeds the search, and estimators that draw from NumPy's global generator.
        n_jobs: 1 fits in this process; None and -1 use one trainer per free CPU; any other number > 0 is that of the
            trainers, and -2 means one fewer than the CPUs of this machine. If no Ray is connected or named, fits begin
            in this process, then go on in others if that pays.
        address, resources, trial_timeout: the Ray cluster, as in `caviar.Study`.
        out: a folder to keep the study in, for `caviar.Outcome.read(out)` and `caviar report`; None: not kept.
        verbose: above 0 shows a progress bar.
        pre_dispatch: accepted, and not needed: a trainer gets the next fold when it is free.

    Fitted, as in RandomizedSearchCV: `cv_results_`, `best_params_`, `best_score_`, `best_index_`, `best_estimator_`,
    `refit_time_`, `scorer_`, `n_splits_`, `multimetric_`, `n_features_in_`, `feature_names_in_`, `classes_`.

    As in RandomizedSearchCV: splits, scores and ranks are equal, bit for bit, for equal configurations; `best_index_`
    has the highest mean score (not Caviar's smoothed estimate); a finite space is searched without repeats.
    Differences:

    - A list of ascending numbers is searched in its order; any other list is an unordered choice.
    - The same random_state gives the same `cv_results_` (except times) for every n_jobs, even for estimators without a
      random_state (except with waves="continuous" and early_stopping="asha", which depend on timing).
    - Every fit uses one BLAS thread; its output and warnings are kept with the study, not shown, but one warning
      reports a scorer that raises. With early_stopping, trial_timeout or callbacks, the folds of a configuration run
      one after another in one trainer.
    - With several metrics the search maximises the one that `refit` names, or else the first.
    - With error_score="raise" the search ends at the first failure and raises it again, with the traceback as a note.
    - A distribution needs `ppf` and `support`, not only `rvs`; infinite tails are cut at a probability of 1e-6.
    - n_jobs=None does not mean 1.
    - The callbacks of `set_callbacks` are called in this process, for every fold of every configuration as it begins
      and ends in a trainer; they are passed on to the estimators that are fitted with n_jobs=1, and to the refit.

    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> x, y = load_iris(return_X_y=True)
    >>> search = CaviarSearchCV(
    ...     LogisticRegression(max_iter=500), {"C": loguniform(1e-3, 1e3)}, n_iter=8, random_state=0, n_jobs=1
    ... ).fit(x, y)
    >>> bool(search.best_score_ > 0.95), sorted(search.best_params_)
    (True, ['C'])
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        space: object = None,
        *,
        param_distributions: object = None,
        n_iter: int = 10,
        scoring: object = None,
        n_jobs: int | None = None,
        refit: object = True,
        cv: object = None,
        verbose: int = 0,
        random_state: object = None,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
        search: str = "coarse-to-fine",
        waves: Waves = "auto",
        early_stopping: Halving | str | None = None,
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
        out: str | Path | None = None,
        pre_dispatch: int | str = "2*n_jobs",
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.random_state = random_state
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.search = search
        self.waves = waves
        self.early_stopping = early_stopping
        self.address = address
        self.resources = resources
        self.trial_timeout = trial_timeout
        self.out = out
        self.pre_dispatch = pre_dispatch

    @internals.fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: object, y: object = None, **params: object) -> Self:
        """Try configurations, fit the best one on all rows, and return the search.

        Args:
            X: (n, features), or whatever the estimator takes.
            y: (n,) targets, if the estimator takes them.
            params: for the estimator's fit, the scorer and the splitter, as in RandomizedSearchCV.fit.

        Raises:
            InputError: an invalid setting or space; raised before any work starts.
            ValueError: all fits failed; the message shows why.
        """
        if y is None and get_tags(self).target_tags.required:
            raise ValueError(f"{type(self.estimator).__name__} requires y to be passed, but the target y is None")
        scorer, refit_metric = internals.scorer_and_refit_metric(self)
        X, y = indexable(X, y)
        params = internals.check_method_params(X, params=params)
        routed = internals.routed_parameters(self, params)
        metadata = {"sample_weight": params["sample_weight"]} if params.get("sample_weight") is not None else None
        told = {"estimator": self, "X": X, "y": y, "metadata": metadata}  # of the fit and the refit
        root = internals.root_task(self, subtasks=1 + (self.refit is not False)).call_on_fit_task_begin(**told)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **routed.splitter.split))
        self.n_splits_ = len(splits)
        if not splits:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        scorers = internals.scorers_by_name(scorer)
        objective = self.refit if isinstance(self.refit, str) else next(iter(scorers), "score")
        fit_and_score = partial(
            internals.fit_and_score,
            X=X,
            y=y,
            scorer=scorer,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            return_train_score=self.return_train_score,
            error_score=self.error_score,
            return_times=True,
            verbose=0,
        )
        folds = CrossValidation(
            estimator=clone(self.estimator),
            fit_and_score=fit_and_score,
            splits=splits,
            scorers=tuple(scorers),
            error_score=self.error_score,
            translation=translate(self._space),
            metric=f"mean_test_{objective if scorers else 'score'}",
            objective=objective,
            options=get_config(),
        )
        data = [fold_data(self.estimator, X, y, train, routed.estimator.fit) for train, _ in splits]
        results = self._run(folds, root, data)
        candidates = [folds.translation.parameters(result.config) for result in results]
        fits = [fit for result in results for fit in fits_of(result, folds)]
        internals.set_results(self, candidates, fits, refit_metric)
        if self.refit:
            task, rows = root.subcontext("refit-with-best-params"), (X,) if y is None else (X, y)
            self.best_estimator_ = folds.configured(self.best_params_)
            with task.propagate_callback_context(self.best_estimator_):
                task.call_on_fit_task_begin(**told)
                start = time.time()
                self.best_estimator_.fit(*rows, **routed.estimator.fit)
                self.refit_time_ = time.time() - start
            task.call_on_fit_task_end(**told)
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        self.scorer_ = scorers or scorer
        root.call_on_fit_task_end(**told)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags, estimator_tags = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.target_tags, tags.input_tags = deepcopy(estimator_tags.target_tags), deepcopy(estimator_tags.input_tags)
        return tags

    @property
    def _space(self) -> object:
        if self.space is not None and self.param_distributions is not None:
            raise InputError(
                "space and param_distributions are two names for one argument, but both are set; "
                "try set_params(space=None) to keep param_distributions"
            )
        return self.param_distributions if self.space is None else self.space

    def _run(self, folds: CrossValidation, root: internals.Task, data: Sequence[FoldData]) -> Sequence[Result]:
        """Run the study and return its results with their curves, one per configuration; the rest is for callbacks."""
        folds.check_parameters()
        trials, workers = self._trials(folds.translation), _workers(self.n_jobs)
        tasks = SearchTasks(self, root, trials, data, local=workers == 0)
        if workers == 0:
            folds = replace(folds, follow=tasks.fit)
        with contextlib.ExitStack() as stack:
            stack.enter_context(naming_n_jobs())
            scratch = stack.enter_context(temporary_folder())
            study = Study(
                folds,
                space=folds.translation.space,
                trials=trials,
                waves=self.waves,
                seed=int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max)),
                metric=folds.metric,
                mode="max",
                epochs=len(folds.splits),
                search=self.search,
                early_stopping=halving_of(self.early_stopping, len(folds.splits)),
                confirm=False,
                name=type(self.estimator).__name__,
                out=scratch / "study" if self.out is None else self.out,
                workers=workers,
                address=self.address,
                resources=self.resources,
                trial_timeout=self.trial_timeout,
                isolation="none",  # an estimator's fit leaves nothing behind
            )
            study.record.temporary = self.out is None
            followed = internals.has_callbacks(self)
            apart = workers != 0 and not (followed or self.early_stopping or self.trial_timeout is not None)
            trainers = stack.enter_context(open_trainers(folds, study.placement, trials, apart=apart))
            if followed:
                trainers = cast(Trainers, FollowedTrainers(trainers, tasks))
            failures = 1 if self.error_score == "raise" else math.inf
            try:
                study.run(progress=self.verbose > 0, failures=failures, trainers=trainers)
            except PausedError as pause:
                raise exception_from(cast(Result, pause.last)) from pause
            ends = read_results(study.folder)
            warn_about_scorer(study.folder, trials)
        tasks.end()
        raised = study.record.state.results  # the journal keeps no tracebacks
        results = [replace(ends[number], raised=raised[number].raised) for number in sorted(ends)]
        timed_out = next((result for result in results if result.state is State.TIMED_OUT), None)
        if timed_out is not None and self.error_score == "raise":
            raise exception_from(timed_out)
        return results

    def _trials(self, translation: Translation) -> int:
        trials = check_integer("n_iter", self.n_iter)
        if translation.size >= trials:
            return trials
        found = f"{translation.size:.0f} configuration{'s' * (translation.size > 1)}"
        logger.warning("the space has %s, fewer than n_iter=%d", found, trials)
        return int(translation.size)


def _workers(n_jobs: int | None) -> int | str:
    if n_jobs is None or n_jobs == -1:
        return "auto"
    if n_jobs == 0:
        raise InputError(f"n_jobs must be None or an integer other than 0, got {n_jobs!r}; try 1 for this process")
    count = int(joblib.effective_n_jobs(n_jobs))
    return 0 if count == 1 else count
