"""Cross-validate one configuration as a trial that reports once per fold, and turn its result back into fits.

A report is about one fold, so that reports do not grow with their number: fold_test_score, fold_fit_time and so on, as
in `cv_results_`, and fold_failed if the fit raised. Folds that are reported together have names such as
split7_test_score.
"""

import contextlib
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, clone

from caviar.errors import InputError
from caviar.fleet.messages import Done
from caviar.fleet.pickling import dumps, loads
from caviar.records.early_stopping import Halving, halving_from
from caviar.records.trial import Config, Metrics, Result, State
from caviar.sklearn.exceptions import carried, exception_of
from caviar.sklearn.internals import Fit, Parameters
from caviar.sklearn.spaces import Translation

Rows = NDArray[np.integer]
Report = dict[str, float]
FIT_FAILED = "FitFailed: "  # before the error of a trial whose fit raised
_HALVING = Halving(factor=3, predicted=False)  # "halving": a mean over folds does not fall as a loss does


class FitFailed(Exception):
    """An estimator's fit raised in some folds.

    `report` covers those not yet reported and is the trial's last one; `caviar_pickled` holds the tracebacks, by fold.
    """

    def __init__(self, reason: str, report: Report, tracebacks: Mapping[int, str]) -> None:
        super().__init__(reason)
        self.report, self.caviar_pickled = report, dumps(tracebacks)


def halving_of(early_stopping: Halving | str | None, folds: int) -> Halving | None:
    """Return how a search stops configurations early; raise InputError if it could not skip any of the folds.

    >>> halving_of("halving", 5).rungs(5)
    (2,)
    """
    halving = _HALVING if early_stopping == "halving" else halving_from(early_stopping)
    if halving is not None and not halving.rungs(folds):
        fewest = halving.fewest_epochs  # an epoch is a fold
        remedy = "leave it out" if fewest is None else f"try cv={fewest}, or leave it out"
        raise InputError(f"early_stopping skips none of {folds} folds, got {halving!r}; {remedy}")
    return halving


@dataclass(frozen=True)
class CrossValidation:
    """A function of a config and a seed that fits and scores clones of an estimator, fold after fold."""

    estimator: BaseEstimator  # the one to clone
    fit_and_score: Callable[..., Fit]  # scikit-learn's, without the estimator, its parameters and the rows of the fold
    splits: Sequence[tuple[Rows, Rows]]  # the training rows and the test rows of each fold
    scorers: Sequence[str]  # the names of the scores; () for a single score, or scores returned by a callable
    error_score: float | str  # as in RandomizedSearchCV
    translation: Translation  # from a trial's config to the estimator's parameters
    metric: str  # the column of the mean score so far
    objective: str  # the score that `metric` is the mean of, if there are several
    options: Mapping[str, object]  # scikit-learn's global configuration
    # encloses the fit of a clone and a fold in the process of the search, for callbacks
    follow: Callable[[BaseEstimator, int], contextlib.AbstractContextManager[None]] | None = None

    def __call__(self, config: Config, seed: int) -> Iterator[Report]:
        """Yield what `FoldReports` reports; `seed` is NumPy's global seed in the first fold."""
        return self.fit(config, seed, range(len(self.splits)))

    def fit(self, config: Config, seed: int, folds: Sequence[int]) -> Iterator[Report]:
        """Fit some folds, by number, and yield their reports; raise FitFailed at the end if any fit raised."""
        parameters = self.translation.parameters(config)
        reports = FoldReports(self.metric, self.objective, len(folds))
        tracebacks: dict[int, str] = {}
        for fold in folds:
            fit = self._fit(fold, parameters, seed + fold)
            error = None
            if fit["fit_error"] is not None:
                print(f"fold {fold}: {fit['fit_error']}")  # a trial's output is kept with it
                tracebacks[fold], error = fit["fit_error"], exception_of(fit["fit_error"])
            if report := reports.add(fold, _columns(fit), error):
                yield report
        if reports.error is not None:
            raise FitFailed(reports.error, reports.held, tracebacks)

    def configured(self, parameters: Parameters) -> BaseEstimator:
        """Return a clone of the estimator with some parameters set; raises ValueError for an unknown one."""
        return clone(self.estimator).set_params(**clone(parameters, safe=False))

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the estimator does not have."""
        space = self.translation.space
        for config in space.configs(np.repeat([[0.0], [1.0]], space.dimension, axis=1)):
            self.configured(self.translation.parameters(config))

    def _fit(self, fold: int, parameters: Parameters, seed: int) -> Fit:
        train, test = self.splits[fold]
        estimator = clone(self.estimator)
        followed = self.follow(estimator, fold) if self.follow else contextlib.nullcontext()
        with config_context(**self.options), _numpy_seed(seed), followed, carried():
            return self.fit_and_score(estimator, train=train, test=test, parameters=parameters)


@dataclass
class FoldReports:
    """The reports of a trial: one per fold, with the mean score so far.

    Once the mean score is not finite, or a fit raised, the other folds are held, and reported together after the last
    one: as a report, or if any fit raised, by FitFailed.

    Args:
        metric: the name of the mean score.
        objective: the score that it is the mean of.
        count: the number of folds.

    >>> reports = FoldReports("mean_test_score", "score", count=2)
    >>> reports.add(0, {"test_score": 1.0}, None), reports.add(1, {"test_score": 0.5}, None)
    ({'fold_test_score': 1.0, 'mean_test_score': 1.0}, {'fold_test_score': 0.5, 'mean_test_score': 0.75})
    """

    metric: str
    objective: str
    count: int
    error: str | None = field(init=False, default=None)  # the first exception of a fit
    _held: dict[int, Report] = field(init=False, default_factory=dict)  # not yet reported, by fold
    _scores: list[float] = field(init=False, default_factory=list)

    def add(self, fold: int, columns: Report, error: str | None) -> Report | None:
        """Add the next fold, and return the next report, or None if it is held."""
        first = next(name for name in columns if name.startswith("test_"))
        self._scores.append(columns.get(f"test_{self.objective}", columns[first]))
        self._held[fold] = columns
        if self.error is None:
            self.error = error
        if self.error is not None or not (math.isfinite(self._mean) or len(self._scores) == self.count):
            return None
        report, self._held = self.held, {}
        return report

    @property
    def held(self) -> Report:
        """The report of the folds that are held."""
        return _report(self._held) | {self.metric: self._mean}

    @property
    def _mean(self) -> float:
        return statistics.fmean(self._scores)


def _columns(fit: Fit) -> Report:
    """Return what is reported about one fold."""
    columns: Report = {"failed": 1} if fit["fit_error"] is not None else {}
    for part, scores in (("test", fit["test_scores"]), ("train", fit.get("train_scores", {}))):
        scores = scores if isinstance(scores, dict) else {"score": scores}
        columns |= {f"{part}_{name}": float(score) for name, score in scores.items()}
    return columns | {"fit_time": float(fit["fit_time"]), "score_time": float(fit["score_time"])}


def _report(held: Mapping[int, Report]) -> Report:
    """Return what is reported about some folds, by number."""
    if len(held) == 1:
        return {f"fold_{name}": value for columns in held.values() for name, value in columns.items()}
    return {f"split{fold}_{name}": value for fold, columns in held.items() for name, value in columns.items()}


def _reported(result: Result) -> Mapping[int, Metrics]:
    """Return what was reported about each fold, by number, from a trial's curve."""
    folds: dict[int, dict[str, float]] = {}
    for number, point in enumerate(result.curve):
        for name, value in point.metrics.items():
            prefix, _, column = name.partition("_")
            if prefix == "fold":
                folds.setdefault(number, {})[column] = value
            elif prefix.startswith("split"):
                folds.setdefault(int(prefix.removeprefix("split")), {})[column] = value
    return folds


@contextlib.contextmanager
def _numpy_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which estimators without a random_state draw from."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def fits_of(result: Result, folds: CrossValidation) -> list[Fit]:
    """Return the fit of each fold of a result with its curve.

    A failed fit scores `error_score`, one skipped by early stopping scores NaN.
    """
    reported = _reported(result)
    names = _score_names(reported.get(0, {})) or list(folds.scorers) or ["score"]
    tracebacks = tracebacks_of(result)
    fits = range(len(folds.splits))
    return [_fold_fit(result, reported.get(fold, {}), tracebacks.get(fold), folds, names) for fold in fits]


def tracebacks_of(end: Result | Done) -> dict[int, str]:
    """Return the tracebacks of the fits that raised, by fold, of the end of a trial; {} if none has arrived."""
    return dict(loads(end.raised)) if end.raised and end.error.startswith(FIT_FAILED) else {}


def _fold_fit(result: Result, metrics: Metrics, traceback: str | None, folds: CrossValidation, names: list[str]) -> Fit:
    failed = "failed" in metrics or not (metrics or result.state is State.STOPPED)
    default = float(folds.error_score) if failed and folds.error_score != "raise" else math.nan
    names = _score_names(metrics) or names
    test, train = ({name: metrics.get(f"{part}_{name}", default) for name in names} for part in ("test", "train"))
    single = not folds.scorers and names == ["score"]
    return Fit(
        fit_error=(traceback or result.error.removeprefix(FIT_FAILED)) if failed else None,
        test_scores=test["score"] if single else test,
        train_scores=train["score"] if single else train,
        fit_time=metrics.get("fit_time", math.nan),
        score_time=metrics.get("score_time", math.nan),
    )


def _score_names(metrics: Metrics) -> list[str]:
    return [name.removeprefix("test_") for name in metrics if name.startswith("test_")]
