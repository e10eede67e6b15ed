"""What trials say about single hyperparameters: options that lose, bounds in the way, no influence, small batches."""

from collections.abc import Iterator

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.insight.diagnosis.evidence import Evidence
from caviar.insight.diagnosis.finding import Finding, Kind
from caviar.insight.diagnosis.statistics import LEVEL, in_words, rank_test
from caviar.insight.formatting import format_value
from caviar.insight.surrogate import Surrogate
from caviar.model.config import NETWORK_DEFAULTS
from caviar.space import Choice
from caviar.space.references import named

LEAST = 8  # finished trials
SMALL_BATCH = 16  # below it batch norm gets worse (Wu and He 2018, "Group Normalization", figure 1)
_INSIDE = 0.02  # of the range: how far from a bound the slope there is measured
_NEAR = 0.05  # of the range: closer is at the bound
_LEAST_OF_OPTION = 3  # trials
_MANY = 16  # finished trials, before a process knows what has no influence
_POSITIONS = 21  # along a hyperparameter
_KNOWN = 0.1  # of what does not count: a change that is surely larger is an influence, if a small one
_ONE_SIDED = 1.645  # standard deviations below which 95% of a normal distribution lie
_CENTRES = 20  # trials around which it is varied
_SMALL = 0.12**0.5  # of the first wave's standard deviation: an even change by so much has 1% of the variance


def from_hyperparameters(evidence: Evidence) -> Iterator[Finding]:
    """Yield what the trials say about single hyperparameters."""
    if evidence.finished.sum() < LEAST or np.ptp(evidence.values[evidence.finished]) == 0:
        return
    yield from _small_batches(evidence)
    yield from _losing_options(evidence)
    yield from _bounds(evidence)
    yield from _without_influence(evidence)


def has_small_batches(evidence: Evidence) -> NDArray[np.bool_]:
    """Return which trials of the built-in network normalize over fewer than 16 rows, shape (n,)."""
    if evidence.outcome.settings.source.kind.is_code:
        return np.zeros(len(evidence.table), bool)
    table = evidence.table
    sizes = table["batch_size"].to_numpy(float) if "batch_size" in table else np.full(len(table), 64.0)
    default = NETWORK_DEFAULTS["batch_norm"]
    normalized = table["batch_norm"].to_numpy(bool) if "batch_norm" in table else np.full(len(table), default)
    return normalized & (sizes < SMALL_BATCH)


def _small_batches(evidence: Evidence) -> Iterator[Finding]:
    small, finished = has_small_batches(evidence), evidence.finished
    if small[finished].sum() < _LEAST_OF_OPTION or small[finished].all():
        return
    waves = evidence.table["wave"].to_numpy()[finished].tolist()
    p = rank_test(evidence.values[finished], waves, small[finished])
    if p < LEVEL:
        yield Finding(
            Kind.SMALL_BATCHES,
            f"{small.sum()} trials with batch norm over fewer than {SMALL_BATCH} rows are worse ({in_words(p)}): the "
            "mean and variance of so few rows are noise",
            f"let batch_size begin at {SMALL_BATCH}, or set batch_norm to False",
            tuple(map(int, evidence.table["trial"][small])),
            "batch_size",
            float(SMALL_BATCH),
        )


def _losing_options(evidence: Evidence) -> Iterator[Finding]:
    """Compare the trials of each option of a choice with the others, within waves."""
    space, waves = evidence.space, evidence.table["wave"].to_numpy()
    choices = [(j, d) for j, d in enumerate(space.dimensions) if d.hyperparameter.categorical]
    count = sum(len(d.hyperparameter.options) for _, d in choices if isinstance(d.hyperparameter, Choice))
    for j, dimension in choices:
        choice = dimension.hyperparameter
        assert isinstance(choice, Choice)
        used = evidence.finished & np.isfinite(evidence.points[:, j])
        values, chosen = evidence.values[used], choice.indices(evidence.points[used, j])
        good = values <= np.quantile(values, 0.25) if len(values) else values > 0
        for index, option in enumerate(choice.options):
            own = chosen == index
            if own.sum() < _LEAST_OF_OPTION or (own & good).any():
                continue
            if (p := rank_test(values, waves[used].tolist(), own)) < LEVEL / count:
                yield Finding(
                    Kind.LOSING_OPTION,
                    f"{dimension.name} {named(option)} never wins: none of its {own.sum()} trials is among the best "
                    f"quarter ({in_words(p)})",
                    f"leave {named(option)} out of {dimension.name}",
                    tuple(map(int, evidence.table["trial"][used][own])),
                    dimension.name,
                )


def _bounds(evidence: Evidence) -> Iterator[Finding]:
    """Ask the process whether the metric still improves towards a bound that the winner lies at."""
    surrogate = evidence.surrogate
    if surrogate is None:
        return
    numbers = [j for j in surrogate.active if not surrogate.space.categorical[j]]
    for j in numbers:
        levels, own = surrogate.space.levels[j], float(surrogate.winner[j])
        hyperparameter = surrogate.space.dimensions[j].hyperparameter
        near, inside = max(_NEAR, 0.5 / levels), _INSIDE if np.isinf(levels) else 1.5 / levels
        for upper, distance in ((False, own), (True, 1 - own)):
            if distance > near or levels < 3:
                continue
            at, within = (1.0, 1 - inside) if upper else (0.0, inside)
            points = surrogate.along(j, np.array([at, within]))
            mean, deviation = surrogate.differences(points[1:], points[:1])
            p = float(scipy.special.ndtr(-mean[0] / max(float(deviation[0]), 1e-12)))
            if p < LEVEL / (2 * len(numbers)):
                bound = float(hyperparameter.values(np.array([at]))[0])
                yield Finding(
                    Kind.BOUND,
                    f"the best values of {surrogate.space.dimensions[j].name} lie at its "
                    f"{'upper' if upper else 'lower'} bound, {format_value(bound)}, and {evidence.objective.metric} "
                    f"still improves towards it ({in_words(p)})",
                    "widen it, or let the search: grow=True",
                    hyperparameter=surrogate.space.dimensions[j].name,
                    value=bound,
                )


def _without_influence(evidence: Evidence) -> Iterator[Finding]:
    """Ask the process how much each hyperparameter can change, around the winner and other trials."""
    surrogate, finished = evidence.surrogate, evidence.finished
    if surrogate is None or finished.sum() < _MANY:
        return
    worst = surrogate.process.shift + surrogate.process.scale * surrogate.process.z.max()  # it clips poor trials
    first = np.minimum(evidence.values[evidence.first], worst)
    limit = _SMALL * float(first.std()) if len(first) else 0.0
    for j in surrogate.active:
        least, most = _largest_change(surrogate, j)
        if most < limit and least < _KNOWN * limit:
            name = surrogate.space.dimensions[j].name
            yield Finding(
                Kind.NO_INFLUENCE,
                f"{name} has no influence: whatever its value, {evidence.objective.metric} changes by less than "
                f"{format_value(limit)} (95% sure)",
                f"fix {name}, and give its trials to the others",
                hyperparameter=name,
                value=most,
            )


def _largest_change(surrogate: Surrogate, j: int) -> tuple[float, float]:
    """Return bounds of the largest change along coordinate j, from any of some trials, by the process; each at 95%."""
    trials = surrogate.process.points
    spread = np.linspace(0, len(trials) - 1, min(_CENTRES, len(trials))).astype(int)
    least = most = 0.0
    for centre in (surrogate.winner, *trials[spread]):
        moved = surrogate.along(j, surrogate.steps(j, _POSITIONS), centre)
        mean, deviation = surrogate.differences(moved, np.tile(centre, (len(moved), 1)))
        least = max(least, float((np.abs(mean) - _ONE_SIDED * deviation).max()))
        most = max(most, float((np.abs(mean) + _ONE_SIDED * deviation).max()))
    return least, most
