"""CaviarSearchCV: scikit-learn's cross-validated search, run as a Caviar study.

What is known before and after the trials (scorers, metadata routing, `cv_results_`, `refit`, delegation to the best
estimator) is scikit-learn's own BaseSearchCV; which configurations are tried, and where, is Caviar's.
"""

import math
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _insert_error_scores, _warn_or_raise_about_fit_failures
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import _check_method_params

from caviar.errors import InputError, PausedError
from caviar.records.trial import Result
from caviar.sklearn.folds import CrossValidation
from caviar.sklearn.results import fits_of, raised_by
from caviar.sklearn.spaces import Translation, translated
from caviar.study.study import Study

SEEDS = np.iinfo(np.int32).max


class CaviarSearchCV(BaseSearchCV):
    """Search an estimator's parameters by cross-validation, coarse to fine, on Ray; instead of RandomizedSearchCV.

    Args:
        estimator: what is tuned; a pipeline's parameters are named "step__parameter".
        space: a `caviar.Space`; or a dict from parameters to hyperparameters of Caviar's, `scipy.stats` distributions
            or lists; or a list of such, of which every configuration takes one.
        n_iter: how many configurations are tried. Below 16 there is one wave, which only spreads them evenly.
        scoring, refit, cv, error_score, return_train_score: as RandomizedSearchCV's.
        search: "coarse-to-fine", "random", "sobol" or "grid".
        waves: how many waves, their sizes, "auto" or "continuous", as those of `caviar.Study`.
        early_stopping: None cross-validates every configuration to its end; "halving" lets only the best third go on
            at rungs of folds (see `caviar.Study`). The folds that are left out count as NaN.
        random_state: of the search, and of estimators that draw from NumPy's global generator.
        n_jobs: 1 trains in this process, without Ray; None and -1 take as many trainers as Ray has free CPUs;
            any other number that many.
        address, resources, trial_timeout: of the Ray cluster, as those of `caviar.Study`.
        out: a folder that is to hold the study, for `caviar.Study.read(out)` and `caviar report`; None: not kept.
        verbose: above 0 a bar shows how it goes.

    Fitted, as RandomizedSearchCV: `cv_results_`, `best_params_`, `best_score_`, `best_index_`, `best_estimator_`,
    `refit_time_`, `scorer_`, `n_splits_`, `multimetric_`, `n_features_in_`, `feature_names_in_`, `classes_`.

    As RandomizedSearchCV: splits, scores and ranks are the same, bit for bit, for the same configurations;
    `best_index_` is the highest mean score (not Caviar's smoothed estimate); a list is a choice without an order;
    a finite space is searched without repeats. Different:

    - The same random_state gives the same `cv_results_` (times aside) for every n_jobs, even for estimators without a
      random_state of their own (but for waves="continuous" and early_stopping="asha", which follow the clock).
    - A configuration's folds run one after the other in one trainer. Every fit has one BLAS thread; what it prints and
      warns is kept with the study, not shown.
    - With several metrics the search maximises the one that `refit` names, or the first.
    - With error_score="raise" the search ends at the first failure, which is raised anew here, its traceback a note.
    - A distribution needs `ppf` and `support`, not only `rvs`; an endless one ends at its quantiles 1e-6 and 1 - 1e-6.
      At least one parameter has to vary.
    - n_jobs=None is not 1, and there are no `pre_dispatch` and no scikit-learn callbacks.

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

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012 - scikit-learn's way
        name: rule for name, rule in BaseSearchCV._parameter_constraints.items() if name != "pre_dispatch"
    }

    def __init__(
        self,
        estimator: Any,
        space: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        search: str = "coarse-to-fine",
        waves: int | Sequence[int] | str = "auto",
        early_stopping: Any = None,
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
        out: str | Path | None = None,
    ) -> None:
        self.estimator = estimator
        self.space = space
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

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Try configurations, and fit the best one on all rows.

        Args:
            X: (n, features), or whatever the estimator takes.
            y: (n,) targets, where it takes some.
            params: for the fit of the estimator, the scorer and the splitter, as RandomizedSearchCV.fit takes them.

        Raises:
            InputError: a setting or space that cannot be, before anything is started.
            ValueError: all fits failed; it says how.
            ClusterError: there is no Ray, or no room on it.
        """
        if y is None and get_tags(self).target_tags.required:
            raise ValueError(f"{type(self.estimator).__name__} requires y to be passed, but the target y is None")
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **routed.splitter.split))
        self.n_splits_ = len(splits)
        if not splits:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        settings = {
            "fit_params": routed.estimator.fit,
            "score_params": routed.scorer.score,
            "return_train_score": self.return_train_score,
            "error_score": self.error_score,
        }
        names = list(scorer._scorers) if isinstance(scorer, _MultimetricScorer) else []
        objective = self.refit if isinstance(self.refit, str) else names[0] if names else "score"
        folds = CrossValidation(
            estimator=clone(self.estimator),
            x=X,
            y=y,
            splits=splits,
            scorer=scorer,
            settings=settings,
            translation=translated(self.space),
            metric=f"mean_test_{objective if names else 'score'}",
            objective=objective,
            options=get_config(),
        )
        results = self._run(folds)
        self._judge(folds, results, refit_metric)
        if self.refit:
            self._refit(folds, X, y)
        self.scorer_ = scorer._scorers if names else scorer
        return self

    def __sklearn_tags__(self) -> Any:
        tags, its = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.target_tags, tags.input_tags = deepcopy(its.target_tags), deepcopy(its.input_tags)
        return tags

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Refuse scikit-learn's callbacks: fits run elsewhere."""
        if callbacks:
            raise InputError("CaviarSearchCV calls no callbacks; follow it with verbose=1, or in the folder out=")
        return self

    def _run(self, folds: CrossValidation) -> list[Result]:
        """The results of the study, a trial a configuration."""
        translation = folds.translation
        for corner in (0.0, 1.0):  # a parameter that the estimator has not is refused here
            (config,) = translation.space.configs(np.full((1, translation.space.dimension), corner))
            clone(folds.estimator).set_params(**clone(translation.parameters(config), safe=False))
        with tempfile.TemporaryDirectory(prefix="caviar-") as scratch:
            study = Study(
                folds,
                space=translation.space,
                trials=self._trials(translation),
                waves=self.waves,
                seed=int(check_random_state(self.random_state).randint(SEEDS)),
                metric=folds.metric,
                mode="max",
                epochs=len(folds.splits),
                search=self.search,
                early_stopping=self.early_stopping,
                confirm=False,
                name=type(self.estimator).__name__,
                out=Path(scratch) / "study" if self.out is None else self.out,
                workers=_workers(self.n_jobs),
                address=self.address,
                resources=self.resources,
                trial_timeout=self.trial_timeout,
            )
            try:
                study.run(progress=self.verbose > 0, failures=1 if self.error_score == "raise" else math.inf)
            except PausedError as pause:
                raise raised_by(pause.last) from pause
            late = [result for result in study.results if result.state == "timed_out"]
            if late and self.error_score == "raise":
                raise raised_by(late[0])
            return study.results

    def _trials(self, translation: Translation) -> int:
        """How many configurations are tried: no more than there are."""
        if not isinstance(self.n_iter, int | np.integer) or self.n_iter < 1:
            raise InputError(f"n_iter={self.n_iter!r}: it is a whole number of at least 1")
        if translation.size < self.n_iter:
            there = int(translation.size)
            warnings.warn(f"the space has {there} configurations, fewer than n_iter={self.n_iter}", stacklevel=5)
            return there
        return int(self.n_iter)

    def _judge(self, folds: CrossValidation, results: Sequence[Result], refit_metric: Any) -> None:
        """Make `cv_results_` of the trials, and find the best."""
        fits = [fit for result in results for fit in fits_of(result, folds, self.error_score)]
        _warn_or_raise_about_fit_failures(fits, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(fits, self.error_score)
        self.multimetric_ = isinstance(fits[0]["test_scores"], dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(fits[0]["test_scores"])
            refit_metric = self.refit
        parameters = [folds.translation.parameters(result.config) for result in results]
        self.cv_results_ = self._format_results(parameters, self.n_splits_, fits)
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, self.cv_results_)
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = parameters[self.best_index_]

    def _refit(self, folds: CrossValidation, X: Any, y: Any) -> None:
        """Fit the best configuration on all rows."""
        best = clone(folds.estimator).set_params(**clone(self.best_params_, safe=False))
        begun = time.time()
        fit_params = folds.settings["fit_params"]
        self.best_estimator_ = best.fit(X, **fit_params) if y is None else best.fit(X, y, **fit_params)
        self.refit_time_ = time.time() - begun
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _workers(n_jobs: int | None) -> int | str:
    """The trainers of a study for scikit-learn's n_jobs."""
    if n_jobs is None or n_jobs == -1:
        return "auto"
    if n_jobs < 1:
        raise InputError(f"n_jobs={n_jobs}: it is None or -1 (all that Ray has free), 1 (this process), or a number")
    return 0 if n_jobs == 1 else int(n_jobs)
