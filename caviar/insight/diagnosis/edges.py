"""Trials that broke, and whether a value of a hyperparameter sets them apart: the edge, with an interval.

The edge is where, by a logistic regression on all hyperparameters, half of the trials break. Its weights have normal
priors, which keeps them finite if the trials separate perfectly. The interval is of the posterior, by importance
sampling from Laplace's approximation (Bishop 2006, "Pattern Recognition and Machine Learning", sections 4.5 and 11.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.insight.diagnosis.evidence import Evidence
from caviar.insight.diagnosis.finding import Finding, Kind
from caviar.insight.diagnosis.statistics import LEVEL, rank_test
from caviar.insight.formatting import format_value
from caviar.records.trial import HAS_METRIC, State
from caviar.space import Choice, Space
from caviar.space.scales import Array

LEAST = 3  # broken trials, and others
_INTERCEPT, _SLOPE = 10.0, 30.0  # deviations of the priors, in logits, and logits across the range of a hyperparameter
_STEPS = 50  # of Newton's method
_NEAREST = 500  # trials to the edge
_DRAWS, _WIDER = 4000, 1.5  # draws of the weights, from Laplace's approximation widened by so much


@dataclass(frozen=True)
class Edge:
    """A value of a hyperparameter beyond which trials break.

    Args:
        name: the hyperparameter.
        upper: whether they break above it, or below.
        value, low, high: the edge and its 95% interval, in the hyperparameter's values.
        p: of the rank test that found it.
    """

    name: str
    upper: bool
    value: float
    low: float
    high: float
    p: float

    @property
    def safe(self) -> float:
        """The end of the interval up to which trials do not break."""
        return self.low if self.upper else self.high

    def is_crossed(self, values: Array) -> NDArray[np.bool_]:
        """Return which values of the hyperparameter lie beyond the edge."""
        return values > self.value if self.upper else values < self.value

    def __str__(self) -> str:
        interval = f"{format_value(self.low)} to {format_value(self.high)}"
        return f"{self.name} {'above' if self.upper else 'below'} {format_value(self.value)} ({interval})"


def from_states(evidence: Evidence) -> Iterator[Finding]:
    """Yield the trials that broke, grouped by what they have in common, and the edges beyond which they do."""
    table, count = evidence.table, len(evidence.table)
    failed = table[evidence.ended(State.FAILED)]
    for error, rows in failed.groupby(failed["error"].str.split("\n").str[0].str.slice(0, 120), sort=False):
        sentence = f"{len(rows)} of {count} trials failed: {error}"
        yield Finding(Kind.FAILED, sentence, "see output/ in the study's folder", tuple(map(int, rows["trial"])))
    diverged = "lower the largest learning rate, or let clip_norm vary"
    if evidence.outcome.settings.source.kind.is_code:
        diverged = f"leave out the configs in which {evidence.objective.metric} is not finite"
    for kind, state, words, remedy in (
        (Kind.TIMED_OUT, State.TIMED_OUT, "timed out", "raise trial_timeout, or leave out the configs that are slow"),
        (Kind.DIVERGED, State.DIVERGED, "diverged", diverged),
    ):
        broken = evidence.ended(state)
        if broken.any():
            numbers = tuple(map(int, table["trial"][broken]))
            yield Finding(kind, f"{broken.sum()} of {count} trials {words}", remedy, numbers)
    for state, verb in ((State.DIVERGED, "diverge"), (State.FAILED, "fail"), (State.TIMED_OUT, "time out")):
        broken = evidence.ended(state)
        if edge := find_edge(evidence, broken):
            yield about_edge(edge, evidence, broken, verb)


def from_state(evidence: Evidence, trial: int) -> Iterator[Finding]:
    """Yield how one trial broke, and the edge that it lies beyond, given its other hyperparameters."""
    row = int(np.flatnonzero(evidence.table["trial"] == trial)[0])
    state = State(evidence.table["state"][row])
    kinds = {State.DIVERGED: Kind.DIVERGED, State.FAILED: Kind.FAILED, State.TIMED_OUT: Kind.TIMED_OUT}
    if state not in kinds:
        return
    error = str(evidence.table["error"][row]).split("\n")[0]
    sentence = f"it {state.words}" + (f": {error}" if error else "")
    edge = find_edge(evidence, evidence.ended(state), at=row)
    if edge is None:
        yield Finding(kinds[state], sentence, "no single hyperparameter sets such trials apart", (trial,))
        return
    own = evidence.table[edge.name][row]
    where = f"its {edge.name} {format_value(own)} lies {'beyond' if edge.is_crossed(own) else 'near'} the edge"
    yield Finding(
        kinds[state],
        f"{sentence}; {where}: trials like it break at {edge}",
        f"keep {edge.name} {'below' if edge.upper else 'above'} {format_value(edge.safe)}",
        (trial,),
        edge.name,
        edge.value,
        edge.low,
        edge.high,
    )


def find_edge(evidence: Evidence, broken: NDArray[np.bool_], at: int | None = None) -> Edge | None:
    """Return the edge that best sets broken trials apart from finished ones, shape (n,); None if none does.

    Coordinates are compared within waves, at the level for all of them and both directions.

    Args:
        evidence: of n trials.
        broken: which trials, shape (n,).
        at: the row of the trial at whose other hyperparameters the edge is; None: at their medians.
    """
    space = evidence.space
    compared = broken | evidence.ended(*HAS_METRIC)
    waves = evidence.table["wave"].to_numpy()
    found: tuple[float, int, bool] = (LEVEL / (2 * space.dimension), -1, True)
    for j in np.flatnonzero(~space.categorical).tolist():
        used = compared & np.isfinite(evidence.points[:, j])
        if min(broken[used].sum(), (~broken[used]).sum()) < LEAST:
            continue
        for upper in (True, False):
            values = evidence.points[used, j] * (1 if upper else -1)
            found = min(found, (rank_test(values, waves[used].tolist(), broken[used]), int(j), upper))
    p, j, upper = found
    if j < 0:
        return None
    used = compared & np.isfinite(evidence.points[:, j])
    design, column = _design(evidence.points, space, j)
    others = np.median(design[used], axis=0) if at is None else design[at]
    low, value, high = _edge(design[used], broken[used], column, others, upper)
    dimension = space.dimensions[j]
    ends = dimension.hyperparameter.values(np.clip([low, value, high], 0.0, 1.0))
    low, value, high = map(float, ends.tolist())
    return Edge(dimension.name, upper, value, low, high, p)


def _design(points: Array, space: Space, j: int) -> tuple[Array, int]:
    """Return the columns of the regression, centred, and the index of that of coordinate j.

    A choice without an order has a column for each option but one.
    """
    columns: list[Array] = [np.ones(len(points))]
    index = 0
    for k, dimension in enumerate(space.dimensions):
        values = np.nan_to_num(points[:, k], nan=0.5)
        if k == j:
            index = len(columns)
        if isinstance(choice := dimension.hyperparameter, Choice) and choice.categorical:
            chosen = choice.indices(values)
            columns += [np.where(chosen == option, 0.5, -0.5) for option in range(1, len(choice.options))]
        else:
            columns.append(values - 0.5)
    return np.column_stack(columns), index


def _edge(design: Array, broken: NDArray[np.bool_], j: int, others: Array, upper: bool) -> tuple[float, float, float]:
    """Return the edge along column j, at the values of the others, with its interval: low, edge, high; in [0, 1]."""
    precision = np.full(design.shape[1], _SLOPE**-2)
    precision[0] = _INTERCEPT**-2
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = scipy.special.expit(design @ weights)
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(hessian, design.T @ (broken - chance) - precision * weights)
        weights = weights + step / max(1.0, float(np.abs(step).max()) / 5)  # farther it may overshoot
        if np.abs(step).max() < 1e-6:
            break
    value = 0.5 - float(np.delete(weights, j) @ np.delete(others, j)) / weights[j]
    normal = np.random.default_rng(0).standard_normal((_DRAWS, len(weights)))
    draws = weights + _WIDER * normal @ np.linalg.cholesky(np.linalg.inv(hessian)).T
    near = np.argsort(np.abs(chance - 0.5), kind="stable")[:_NEAREST]  # the others say nothing about where it is
    signed = np.where(broken[near], 1.0, -1.0) * (draws @ design[near].T)
    density = -np.logaddexp(0.0, -signed).sum(axis=1) - 0.5 * draws**2 @ precision
    logs = density + 0.5 * (normal**2).sum(axis=1)  # of the weights of importance sampling
    rest, slopes = np.delete(draws, j, axis=1) @ np.delete(others, j), draws[:, j]
    crossings = np.where(slopes > 0 if upper else slopes < 0, 0.5 - rest / slopes, np.inf if upper else -np.inf)
    low, high = _quantiles(crossings, np.exp(logs - logs.max()))
    return float(np.clip(low, 0, 1)), float(np.clip(value, 0, 1)), float(np.clip(high, 0, 1))


def _quantiles(values: Array, weights: Array) -> tuple[float, float]:
    """Return the 2.5% and the 97.5% quantile of weighted values, (n,) each."""
    order = np.argsort(values)
    shares = np.cumsum(weights[order]) / weights.sum()
    low, high = values[order][np.searchsorted(shares, [0.025, 0.975])]
    return float(low), float(high)


def about_edge(edge: Edge, evidence: Evidence, broken: NDArray[np.bool_], verb: str) -> Finding:
    """Return an edge as a finding; `verb` says what broken trials do."""
    beyond = edge.is_crossed(evidence.table[edge.name].to_numpy(float))
    compared = broken | evidence.ended(*HAS_METRIC)
    counts = f"{(beyond & broken).sum()} of the {(beyond & compared).sum()} trials there"
    return Finding(
        Kind.EDGE,
        f"trials {verb} with {edge}: {counts}, {(~beyond & broken).sum()} of the others",
        f"let {edge.name} {'end at' if edge.upper else 'begin at'} {format_value(edge.safe)}",
        tuple(map(int, evidence.table["trial"][beyond & broken])),
        edge.name,
        edge.value,
        edge.low,
        edge.high,
    )
