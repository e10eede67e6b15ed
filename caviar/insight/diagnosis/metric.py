"""Whether the metric can tell trials apart: constant, saturated, of too few rows, or mostly noise."""

from collections.abc import Iterator

import numpy as np

from caviar._threads import one_blas_thread
from caviar.insight.diagnosis.evidence import Evidence
from caviar.insight.diagnosis.finding import Finding, Kind
from caviar.insight.diagnosis.statistics import LEVEL, more_than, rows_behind, variance_ratio_test
from caviar.insight.formatting import format_value
from caviar.search.gaussian_process import GaussianProcess
from caviar.space.scales import Array

LEAST = 8  # finished trials
_SHARED = 0.1  # a share of trials with exactly the best value that is no accident
_MUCH = 0.25  # of the variance of the trials: then noise has half of their standard deviation
_EXPLAINED = 0.3  # a correlation: 9% of the variance
_Z = -2.3263  # the quantile at `LEVEL` of a normal distribution
# a difference of fewer rows is no evidence even if all rows that differ favour one trial: 2^-7 < LEVEL (sign test)
LEAST_ROWS = 7


def from_metric(evidence: Evidence) -> Iterator[Finding]:
    """Yield why the metric does not tell trials apart, if it does not; only the first reason."""
    values = evidence.values[evidence.finished]
    if len(values) < LEAST:
        return
    metric = evidence.objective.metric
    if (values == values[0]).all():
        constant = evidence.objective.sign * float(values[0]) + 0.0  # not -0.0
        yield Finding(
            Kind.CONSTANT,
            f"{metric} is {format_value(constant)} in all {len(values)} finished trials",
            "check that it is computed from the trained model, and that the hyperparameters reach it",
        )
        return
    rows = rows_of(evidence)
    best = values == values.min()
    ceiling = rows is None or values.min() == -1.0  # below 1, equal accuracies are a matter of rows
    if ceiling and more_than(_SHARED, int(best.sum()), len(values)) < LEVEL:
        reached = evidence.objective.sign * float(values.min())
        yield Finding(
            Kind.SATURATED,
            f"{best.sum()} of {len(values)} trials share the best {metric}, {format_value(reached)}",
            "optimise a metric that tells them apart, such as val_loss",
            tuple(map(int, evidence.table["trial"][evidence.finished][best])),
            value=reached,
        )
        return
    if (finding := _few_rows(evidence, rows)) or (finding := _noise(evidence)):
        yield finding


def rows_of(evidence: Evidence) -> int | None:
    """Return how many validation rows the metric is of, if it is a share of them; None if that cannot be told."""
    if evidence.objective.mode != "max":
        return None
    rows = rows_behind(-evidence.values[evidence.finished])
    return rows if rows and rows > 1 else None


def indistinguishable(evidence: Evidence, trial: int) -> str:
    """Return why a trial may be as good as the winner; "" if it is not, or that cannot be told."""
    values = dict(zip(evidence.table["trial"].tolist(), evidence.values.tolist(), strict=True))
    gap = values[trial] - values[evidence.best[0]]
    rows, noise = rows_of(evidence), evidence.noise
    if trial == evidence.best[0]:
        return ""
    if rows and abs(different := round(gap * rows)) < LEAST_ROWS:
        return f"{abs(different)} of {rows} validation rows"
    if noise and abs(gap) < -_Z * 2**0.5 * noise.deviation:
        return f"{format_value(abs(gap))}, as trials do that differ only in their seed"
    return ""


def _few_rows(evidence: Evidence, rows: int | None) -> Finding | None:
    """Compare the best trial with an ordinary one, the median of those sampled evenly."""
    first = evidence.values[evidence.first]
    if rows is None or len(first) < LEAST:
        return None
    gap = round(rows * float(np.median(first) - np.nanmin(evidence.values)))
    if gap >= LEAST_ROWS:
        return None
    return Finding(
        Kind.FEW_ROWS,
        f"{evidence.objective.metric} is of {rows} validation rows, and the best trial is right in {gap} more of them "
        f"than the median of the first wave; a difference of fewer than {LEAST_ROWS} can be chance",
        "validate on more rows, or by folds: validation=5",
        value=float(rows),
    )


def _noise(evidence: Evidence) -> Finding | None:
    """Compare replicates with the spread of the trials; without replicates, ask what a process predicts."""
    noise, first = evidence.noise, evidence.values[evidence.first]
    if noise is None or len(first) < LEAST:
        return None
    if noise.freedom:
        known = variance_ratio_test(noise.deviation**2, noise.freedom, first, _MUCH) < LEVEL
        how = f"by {noise.freedom} degrees of freedom of trials with fresh seeds"
    else:
        known = _unpredictable(evidence)
        how = "the Gaussian process predicts less than a tenth of the variance of unseen trials"
    if not known:
        return None
    deviation = float(first.std(ddof=1)) if not noise.freedom else noise.deviation
    least = -_Z * 2**0.5 * deviation
    return Finding(
        Kind.NOISE,
        f"the noise of a trial is about {format_value(deviation)} {evidence.objective.metric}, a large part of what "
        f"trials differ by ({how}): a difference of two trials below {format_value(least)} means nothing",
        "report the mean over several seeds or folds, or confirm more trials: confirm=(5, 8)",
        value=deviation,
    )


@one_blas_thread()
def _unpredictable(evidence: Evidence) -> bool:
    """Return whether the correlation of leave-one-out predictions with the values is surely small (Fisher's z)."""
    surrogate = evidence.surrogate
    if surrogate is None or len(surrogate.process.points) < LEAST:
        return False
    process = surrogate.process
    z, predicted = process.z, _leave_one_out(process)
    correlation = float(np.corrcoef(z, predicted)[0, 1]) if predicted.std() > 0 else 0.0
    highest = np.arctanh(min(max(correlation, 0.0), 0.999)) - _Z / max(len(z) - 3, 1) ** 0.5
    return bool(highest < np.arctanh(_EXPLAINED))


def _leave_one_out(process: GaussianProcess) -> Array:
    """Return what the process would predict for each trial without it, shape (n,).

    Rasmussen and Williams (2006), eq. 5.12: mu_i = z_i - alpha_i / K^-1_ii.
    """
    inverse = np.linalg.inv(process.factor)
    predicted: Array = process.z - process.alpha / (inverse**2).sum(axis=0)
    return predicted
