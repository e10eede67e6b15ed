"""One configuration's cross-validation as a trial: what runs in the trainers, a report a fold."""

import contextlib
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection._validation import _fit_and_score

from caviar.sklearn.spaces import Translation

Report = dict[str, float]


class FitFailed(Exception):
    """An estimator's fit raised in some folds; says what, and carries the report of all folds."""

    def __init__(self, reason: str, report: Report) -> None:
        super().__init__(reason)
        self.report = report


@dataclass(frozen=True)
class CrossValidation:
    """Fits and scores clones of an estimator, fold after fold.

    estimator, x, y, splits, scorer: as scikit-learn has checked them; settings: the other arguments of its
    `_fit_and_score`; translation: from a trial's config to parameters; metric: the column of the mean so far;
    objective: the score that it is the mean of, where there are several; options: scikit-learn's global ones.

    The columns of a report are those of `cv_results_`: split0_test_score and so on for the folds done.
    """

    estimator: Any
    x: Any
    y: Any
    splits: Sequence[tuple[Any, Any]]
    scorer: Any
    settings: Mapping[str, Any]
    translation: Translation
    metric: str
    objective: str
    options: Mapping[str, Any]

    def __call__(self, config: Mapping[str, Any], seed: int) -> Iterator[Report]:
        """The reports of one configuration; a fold without a finite score holds them back to the last fold's.

        Raises:
            FitFailed: after the last fold, where the fit raised in some.
        """
        parameters = self.translation.parameters(dict(config))
        report: Report = {}
        scores: list[float] = []
        failures: list[str] = []
        for fold, (train, test) in enumerate(self.splits):
            with config_context(**self.options), _seeded(seed + fold):
                result = _fit_and_score(
                    clone(self.estimator),
                    self.x,
                    self.y,
                    scorer=self.scorer,
                    train=train,
                    test=test,
                    parameters=parameters,
                    verbose=0,
                    return_times=True,
                    **self.settings,
                )
            scores.append(_objective(result["test_scores"], self.objective))
            report = {**report, **_columns(fold, result), self.metric: statistics.fmean(scores)}
            if result["fit_error"] is not None:
                report[f"split{fold}_failed"] = 1
                failures.append(result["fit_error"])
                print(f"fold {fold}: {result['fit_error']}")
            if not failures and (math.isfinite(report[self.metric]) or fold == len(self.splits) - 1):
                yield report
        if failures:
            raise FitFailed(exception_of(failures[0]), report)


def _objective(scores: Any, name: str) -> float:
    """The score to be maximised, among those of a fold."""
    if isinstance(scores, dict):
        scores = scores[name] if name in scores else next(iter(scores.values()))
    return float(scores)


def _columns(fold: int, result: Mapping[str, Any]) -> Report:
    """A fold's result under the names of `cv_results_`."""
    columns: Report = {}
    for part in ("test", "train"):
        scores = result.get(f"{part}_scores")
        named = scores if isinstance(scores, dict) else {} if scores is None else {"score": scores}
        columns |= {f"split{fold}_{part}_{name}": float(score) for name, score in named.items()}
    return columns | {f"split{fold}_{time}": float(result[time]) for time in ("fit_time", "score_time")}


def exception_of(trace: str) -> str:
    """The exception at the end of a traceback's text, with its whole message.

    >>> exception_of('Traceback:\\n  File "a.py", line 1, in f\\n    f()\\nValueError: two\\nlines\\n')
    'ValueError: two\\nlines'
    """
    after = trace.rpartition('  File "')[2].splitlines()[1:]
    return "\n".join(dropwhile(lambda line: line.startswith("    "), after)) or trace


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """NumPy's global generator with a seed, for estimators without a random_state of their own."""
    state = np.random.get_state()  # noqa: NPY002 - the one that scikit-learn uses
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
