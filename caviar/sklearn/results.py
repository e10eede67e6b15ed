"""From the trials of a study back to what scikit-learn expects of its fits."""

import contextlib
import math
from collections.abc import Mapping
from pydoc import locate
from typing import Any

from sklearn.metrics._scorer import _MultimetricScorer

from caviar.errors import CaviarError
from caviar.records.trial import Result
from caviar.sklearn.folds import CrossValidation, exception_of


def fits_of(result: Result, folds: CrossValidation, error_score: float) -> list[dict[str, Any]]:
    """What scikit-learn's `_fit_and_score` gave for each fold of a trial, out of the trial's last report."""
    metrics, error = result.metrics, result.error.removeprefix("FitFailed: ")
    multiple = isinstance(folds.scorer, _MultimetricScorer)
    names = _names(metrics, 0) or (list(folds.scorer._scorers) if multiple else ["score"])
    fits = []
    for fold in range(len(folds.splits)):
        done = f"split{fold}_fit_time" in metrics
        failed = f"split{fold}_failed" in metrics or not (done or result.state == "stopped")
        fit: dict[str, Any] = {"fit_error": error if failed else None}
        for part in ("test", "train"):
            missing = error_score if failed else math.nan
            here = _names(metrics, fold) or names
            scores = {name: metrics.get(f"split{fold}_{part}_{name}", missing) for name in here}
            fit[f"{part}_scores"] = scores if multiple or list(scores) != ["score"] else scores["score"]
        fit |= {time: metrics.get(f"split{fold}_{time}", math.nan) for time in ("fit_time", "score_time")}
        fits.append(fit)
    return fits


def _names(metrics: Mapping[str, float], fold: int) -> list[str]:
    """The names of the scores that a fold reported."""
    start = f"split{fold}_test_"
    return [name.removeprefix(start) for name in metrics if name.startswith(start)]


def raised_by(result: Result) -> Exception:
    """The error of a trial that failed, to be raised anew, with what the trial printed as a note."""
    name, _, message = exception_of(result.output).partition(": ")
    kind = locate(name) if "Traceback" in result.output else None
    error: Exception = CaviarError(result.error)
    if isinstance(kind, type) and issubclass(kind, Exception):
        with contextlib.suppress(TypeError):  # some take more than a message
            error = kind(message)
    error.add_note(result.output)
    return error
