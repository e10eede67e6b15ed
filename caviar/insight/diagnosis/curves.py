"""What learning curves show: training that is too short or too long, and networks that do not learn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used

from caviar.insight.diagnosis.edges import LEAST, about_edge, find_edge
from caviar.insight.diagnosis.evidence import Evidence
from caviar.insight.diagnosis.finding import Finding, Kind
from caviar.insight.diagnosis.statistics import LEVEL, PowerLaw, scatter, trend_test
from caviar.space.scales import Array

LEAST_REPORTS = 8  # of a curve, and of the part of it in which a trend is looked for
_LAST = 3  # reports whose mean is compared
_MANY = 10  # times the epochs: forecasts beyond are not numbers


@dataclass(frozen=True)
class Course:
    """Where the curve of one trial turns, or would end."""

    trial: int
    epochs: float


def from_curves(evidence: Evidence) -> Iterator[Finding]:
    """Yield what more than half of the ten best trials show, and whether many trials do not learn."""
    objective, best = evidence.objective, evidence.best
    longer = _shown_by_most(best, lambda trial: still_improving(evidence, trial))
    if longer:
        middle = float(np.median([course.epochs for course in longer]))
        yield Finding(
            Kind.TOO_SHORT,
            f"{len(longer)} of the {len(best)} best trials still improve {objective.metric} when training ends",
            _train_longer(middle, evidence.outcome.settings.epochs),
            tuple(course.trial for course in longer),
            value=middle,
        )
    over = _shown_by_most(best, lambda trial: turning_point(evidence, trial))
    if over:
        middle = float(np.median([course.epochs for course in over]))
        yield Finding(
            Kind.OVERFITTING,
            f"{len(over)} of the {len(best)} best trials over-fit from epoch {middle:.0f} on: train_loss goes on "
            f"falling, {_validation(evidence)} rises",
            _fit_less(middle),
            tuple(course.trial for course in over),
            value=middle,
        )
    stuck = [not learns(evidence, number) for number in evidence.table["trial"]]
    if sum(stuck) >= LEAST:
        yield Finding(
            Kind.NOT_LEARNING,
            f"{sum(stuck)} of {len(stuck)} trials do not learn: their train_loss stays above "
            f"{evidence.chance_loss:.4g}, that of predictions that ignore all columns",
            "compare their learning rates with those that learn; without batch norm, a high rate kills ReLU units",
            tuple(evidence.table["trial"][stuck].tolist()),
        )
        if edge := find_edge(evidence, np.array(stuck)):
            yield about_edge(edge, evidence, np.array(stuck), "do not learn")


def from_curve(evidence: Evidence, trial: int) -> Iterator[Finding]:
    """Yield what the curve of one trial shows."""
    epochs = len(evidence.curve(trial, evidence.objective.metric))
    if course := still_improving(evidence, trial):
        sentence = f"{evidence.objective.metric} still improves after {epochs} epochs"
        yield Finding(Kind.TOO_SHORT, sentence, _train_longer(course.epochs, epochs), (trial,), value=course.epochs)
    if course := turning_point(evidence, trial):
        sentence = (
            f"it over-fits from epoch {course.epochs:.0f} on: train_loss goes on falling, {_validation(evidence)} rises"
        )
        yield Finding(Kind.OVERFITTING, sentence, _fit_less(course.epochs), (trial,), value=course.epochs)
    if not learns(evidence, trial):
        remedy = "try a lower learning rate, then a higher one, and batch norm"
        yield Finding(
            Kind.NOT_LEARNING,
            "it does not learn: its train_loss stays above that of predictions that ignore all columns",
            remedy,
            (trial,),
        )


def still_improving(evidence: Evidence, trial: int) -> Course | None:
    """Return how many epochs a trial needs, if its metric still improves when it ends; None if it does not.

    Its second half must have a trend (Kendall), and twice as many epochs must be worth more than the noise of a trial,
    by a power law through the last two thirds of its reports. It needs as many as leave no such gain.
    """
    curve = evidence.objective.sign * evidence.curve(trial, evidence.objective.metric)
    epochs = len(curve)
    if epochs < LEAST_REPORTS or trend_test(-curve[-max(LEAST_REPORTS, epochs // 2) :]) >= LEVEL:
        return None
    law = PowerLaw.fit(np.arange(epochs // 3 + 1.0, epochs + 1.0), curve[epochs // 3 :])
    enough = max(evidence.noise.deviation if evidence.noise else 0.0, scatter(curve), 1e-12)
    return Course(trial, law.epochs_until(enough)) if law.gain(epochs) > enough else None


def turning_point(evidence: Evidence, trial: int) -> Course | None:
    """Return the epoch from which on a trial over-fits; None if it does not.

    After the epoch of the lowest validation loss, that loss must rise and the training loss fall (Kendall, without that
    epoch, which is the lowest by choice), and the last reports must lie above it by more than their scatter explains.
    """
    train, loss = evidence.curve(trial, "train_loss"), evidence.curve(trial, _validation(evidence))
    if len(loss) != len(train) or len(loss) < LEAST_REPORTS:
        return None
    lowest = int(np.argmin(_smooth(loss)))
    after, learned = loss[lowest + 1 :], train[lowest + 1 :]
    if len(after) < LEAST_REPORTS or trend_test(after) >= LEVEL or trend_test(-learned) >= LEVEL:
        return None
    rise = float(after[-_LAST:].mean() - _smooth(loss)[lowest])
    margin = -float(scipy.special.ndtri(LEVEL)) * scatter(loss) * (2 / _LAST) ** 0.5
    return Course(trial, lowest + 1) if rise > margin else None


def learns(evidence: Evidence, trial: int) -> bool:
    """Return whether a trial gets below the loss of predictions that ignore all columns, or improves.

    To improve, both its training loss and its metric must have a trend (Kendall): a network that has blown up and died
    has a loss that falls, from a huge one. It is True if the trial has too few reports, or that loss is not known.
    """
    loss, chance = evidence.curve(trial, "train_loss"), evidence.chance_loss
    if chance is None or len(loss) < LEAST_REPORTS or float(loss[-_LAST:].mean()) < chance:
        return True
    metric = evidence.objective.sign * evidence.curve(trial, evidence.objective.metric)
    return trend_test(-loss) < LEVEL and trend_test(-metric) < LEVEL


def _shown_by_most(trials: Sequence[int], course_of: Callable[[int], Course | None]) -> list[Course]:
    """Return what some trials show, if more than half of them do and they are at least three."""
    found = [course for trial in trials if (course := course_of(trial))]
    return found if len(found) >= 3 and 2 * len(found) > len(trials) else []


def _smooth(curve: Array) -> Array:
    """Return the mean of each report and its neighbours, those at the ends repeated."""
    padded = np.concatenate([curve[:1], curve, curve[-1:]])
    smooth: Array = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return smooth


def _validation(evidence: Evidence) -> str:
    """The name of the validation loss: the metric, if it is one to minimise on the validation part."""
    metric = evidence.objective.metric
    return metric if evidence.objective.mode == "min" and metric.startswith("val_") else "val_loss"


def _train_longer(epochs: float, now: int) -> str:
    if epochs > _MANY * now:
        return f"train longer: by their curves more than {_MANY} times as many epochs would still pay"
    return f"train about {epochs:.0f} epochs, {epochs - now:.0f} more; then twice as many gain less than noise"


def _fit_less(epoch: float) -> str:
    return f"end after about {epoch:.0f} epochs, or let weight_decay, dropout or label_smoothing vary"
