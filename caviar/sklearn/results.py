"""From the trials of a study back to what scikit-learn expects of its fits."""

import contextlib
import math
from pydoc import locate

from caviar.errors import CaviarError
from caviar.records.trial import Metrics, Result, State
from caviar.sklearn.folds import CrossValidation, exception_of
from caviar.sklearn.internals import Fit


def fits_of(result: Result, folds: CrossValidation) -> list[Fit]:
    """Return the fit of each fold: one that failed scores `error_score`, one that early stopping skipped NaN."""
    names = _score_names(result.metrics, 0) or list(folds.scorers) or ["score"]
    return [_fit(result, fold, folds, names) for fold in range(len(folds.splits))]


def _fit(result: Result, fold: int, folds: CrossValidation, names: list[str]) -> Fit:
    metrics, prefix = result.metrics, f"split{fold}_"
    done = f"{prefix}fit_time" in metrics
    failed = f"{prefix}failed" in metrics or not (done or result.state is State.STOPPED)
    default = float(folds.error_score) if failed and folds.error_score != "raise" else math.nan
    names = _score_names(metrics, fold) or names
    test, train = (
        {name: metrics.get(f"{prefix}{part}_{name}", default) for name in names} for part in ("test", "train")
    )
    single = not folds.scorers and names == ["score"]
    return Fit(
        fit_error=result.error.removeprefix("FitFailed: ") if failed else None,
        test_scores=test["score"] if single else test,
        train_scores=train["score"] if single else train,
        fit_time=metrics.get(f"{prefix}fit_time", math.nan),
        score_time=metrics.get(f"{prefix}score_time", math.nan),
    )


def _score_names(metrics: Metrics, fold: int) -> list[str]:
    prefix = f"split{fold}_test_"
    return [name.removeprefix(prefix) for name in metrics if name.startswith(prefix)]


def exception_from(result: Result) -> Exception:
    """Return the exception that a failed trial raised, to raise again, with what the trial printed as a note."""
    name, _, message = exception_of(result.output).partition(": ")
    kind = locate(name) if "Traceback" in result.output else None
    error: Exception = CaviarError(result.error)
    if isinstance(kind, type) and issubclass(kind, Exception):
        with contextlib.suppress(TypeError):  # some take more than a message
            error = kind(message)
    error.add_note(result.output)
    return error
