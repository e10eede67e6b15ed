"""Is one study better than another? Their winners, the way there, the cost, and what differed.

What counts is what a winner would reach if it were trained again, not what it happened to reach. With one study on
either side, the answer is about these two winners; with several, about such studies.

`python -m tests.benchmarks.answers.comparison` compares studies that differ in their seeds alone.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape

import numpy as np
import pandas as pd
import scipy  # whose packages are slow to load; each is loaded when first used

from caviar.errors import InputError
from caviar.insight.attribution import HyperparameterGain, gains_between
from caviar.insight.differences import Difference, differences
from caviar.insight.estimate import Estimate
from caviar.insight.formatting import as_html
from caviar.insight.incumbents import Incumbents
from caviar.insight.studies import Studies, StudyGroup, study_groups
from caviar.records.confirmation import t_quantile
from caviar.space.references import named

_COSTS = ("trials", "epochs", "seconds")


@dataclass(frozen=True)
class Side:
    """The studies on one side, and what one of them took on average."""

    name: str
    studies: int
    reached: float  # by their winners, if they were trained again
    trials: float  # with those that confirm others
    epochs: float
    seconds: float  # of training


@dataclass(frozen=True)
class StudyComparison:
    """Two sides, and whether the second is better; intervals are of 95%."""

    metric: str
    a: Side
    b: Side
    seeds: tuple[int, ...]  # of the pairs; () if the studies are not paired
    gain: Estimate  # of b over a, > 0 if b is better, in the unit of the metric
    probability: float  # that b is better
    differences: tuple[Difference, ...]  # in settings, space, data and versions
    gains: tuple[HyperparameterGain, ...]  # what of the gain comes from which hyperparameter; () if it cannot be told
    progress: tuple[tuple[int, Estimate, Estimate], ...] = field(repr=False)  # best so far of a and b, by trials

    def __str__(self) -> str:
        return " ".join([self._verdict(), self._cost(), self._differences()])

    def _repr_html_(self) -> str:
        tables = (f"<p>{escape(title)}</p>{as_html(table)}" for title, table in self.tables().items())
        return f"<p>{escape(str(self))}</p>{''.join(tables)}"

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all that there is to see, by title."""
        tables = {"Best so far, by trials": self.table()}
        if self.gains:
            rows = [(g.hyperparameter, named(g.a), named(g.b), str(g.gain)) for g in self.gains]
            tables[f"Where the winners differ, and what that gains in {self.metric}"] = pd.DataFrame(
                rows, columns=["hyperparameter", "a", "b", "gain"]
            )
        if self.differences:
            tables["What differs"] = pd.DataFrame(map(asdict, self.differences))
        return tables

    def table(self) -> pd.DataFrame:
        """Return the best so far, a row for each number of trials: each side with low and high, NaN where unknown."""
        rows = [(n, *(x for each in pair for x in (each.value, each.low, each.high))) for n, *pair in self.progress]
        names = [f"{side}{end}" for side in ("a", "b") for end in ("", "_low", "_high")]
        return pd.DataFrame(rows, columns=["trials", *names])

    def _verdict(self) -> str:
        a, b, gain, probability = self.a, self.b, self.gain, self.probability
        if gain.value < 0:
            a, b, gain, probability = b, a, -gain, 1 - probability
        who = f"the winner of {b.name} is better than that of {a.name}"
        if a.studies + b.studies > 2:
            pairs = f"{len(self.seeds)} pairs of studies with the same seed" if self.seeds else "the studies"
            who = f"{b.name} is better than {a.name} on average over {pairs}"
        reached = f"{self.metric} {b.reached:.4g} instead of {a.reached:.4g}"
        return f"With a probability of {_percent(probability)}, {who}: {reached}, a difference of {gain}."

    def _cost(self) -> str:
        costs = [(name, getattr(self.a, name), getattr(self.b, name)) for name in _COSTS]
        ratios = ", ".join(_times(b / a, name) for name, a, b in costs if a > 0)
        return f"Compared with {self.a.name}, {self.b.name} took {ratios}."

    def _differences(self) -> str:
        names = ", ".join(difference.setting for difference in self.differences)
        return f"They differ in: {names}." if names else "Settings, data and versions are the same."


def compare(a: Studies, b: Studies) -> StudyComparison:
    """Return whether the studies b are better than the studies a, by how much, at what cost, and what differed.

    One study a side: what is known of each winner is a normal distribution, from the process of its study and its
    trainings with fresh seeds. Several: Student's t over the pairs with the same seed, if there are two or more; else
    over all studies, whose variance is taken to be the same on both sides.

    Args:
        a, b: a study, its outcome, its folder or the URI of its mirror; a folder that holds several studies; or a list.

    Raises:
        InputError: there is no study, fewer than 8 trials of one have finished, or the metrics differ.

    >>> import caviar, tempfile
    >>> folders = [f"{tempfile.mkdtemp()}/{name}" for name in ("short", "long")]
    >>> for folder, epochs in zip(folders, (1, 3)):
    ...     study = caviar.Study("digits", trials=12, epochs=epochs, seed=0, workers=0, out=folder)
    ...     _ = study.run(progress=False)
    >>> found = compare(*folders)
    >>> found.probability > 0.5, [difference.setting for difference in found.differences]
    (True, ['epochs'])
    """
    groups = study_groups(a, b)
    objectives = {outcome.settings.objective for group in groups for outcome in group.outcomes}
    if len(objectives) > 1:
        each = " and ".join(sorted(f"{objective.mode} {objective.metric}" for objective in objectives))
        raise InputError(f"the studies must have the same metric and mode, got {each}")
    left, right = groups
    gain, probability, seeds = _gain(left, right, objectives.pop().sign)
    single = len(left.outcomes) == len(right.outcomes) == 1
    return StudyComparison(
        metric=left.outcomes[0].settings.objective.metric,
        a=_side(left),
        b=_side(right),
        seeds=seeds,
        gain=gain,
        probability=probability,
        differences=differences(left.outcomes, right.outcomes),
        gains=gains_between(left.outcomes[0], right.outcomes[0]) if single else (),
        progress=tuple((n, _reached(left.incumbents, n), _reached(right.incumbents, n)) for n in _sizes(groups)),
    )


def _gain(a: StudyGroup, b: StudyGroup, sign: int) -> tuple[Estimate, float, tuple[int, ...]]:
    """Return what b gains over a, the probability that it is positive, and the seeds of the pairs, if there are."""
    worse, better = sign * a.winners, sign * b.winners  # lower is better
    if len(worse) == len(better) == 1:
        error = math.hypot(*(group.incumbents[0].winner.deviation for group in (a, b)))
        return (*_student(float(worse[0] - better[0]), error, math.inf), ())
    seeds = sorted(a.by_seed.keys() & b.by_seed.keys())
    if len(seeds) > 1:
        gains = worse[[a.by_seed[seed] for seed in seeds]] - better[[b.by_seed[seed] for seed in seeds]]
        error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
        return (*_student(float(gains.mean()), error, len(gains) - 1), tuple(seeds))
    freedom = len(worse) + len(better) - 2
    variance = sum(float(((values - values.mean()) ** 2).sum()) for values in (worse, better)) / freedom
    error = math.sqrt(variance * (1 / len(worse) + 1 / len(better)))
    return (*_student(float(worse.mean() - better.mean()), error, freedom), ())


def _student(mean: float, error: float, freedom: float) -> tuple[Estimate, float]:
    """Return a mean with its interval, and the probability that it is positive, by Student's t; infinity: normal."""
    if not error:
        return Estimate(mean, mean, mean), (1 + float(np.sign(mean))) / 2
    margin = error * t_quantile(freedom)
    return Estimate(mean, mean - margin, mean + margin), float(scipy.special.stdtr(freedom, mean / error))


def _side(group: StudyGroup) -> Side:
    results = [outcome.results for outcome in group.outcomes]
    epochs = [sum(result.epochs for result in one) for one in results]
    seconds = [math.fsum(result.seconds for result in one) for one in results]
    means = [float(np.mean(values)) for values in (group.winners, list(map(len, results)), epochs, seconds)]
    return Side(group.name, len(group.outcomes), *means)


def _reached(ways: Sequence[Incumbents], trials: int) -> Estimate:
    """Return what the best trial after so many would reach: of one study by its process, of several their mean."""
    if trials > max(way.trials for way in ways) or not (known := [e for way in ways if (e := way.after(trials))]):
        return Estimate(math.nan, math.nan, math.nan)
    if len(ways) == 1:
        return _student(known[0].mean, known[0].deviation, math.inf)[0]
    means = np.array([each.mean for each in known])
    error = float(means.std(ddof=1)) / math.sqrt(len(means)) if len(means) > 1 else 0.0
    return _student(float(means.mean()), error, len(means) - 1)[0]


def _sizes(groups: Sequence[StudyGroup]) -> list[int]:
    """Return the numbers of trials at which any study has a step."""
    return sorted({size for group in groups for incumbents in group.incumbents for size in incumbents.steps})


def _times(ratio: float, what: str) -> str:
    return f"as many {what}" if f"{ratio:.2g}" == "1" else f"{ratio:.2g} times the {what}"


def _percent(probability: float) -> str:
    """Return a probability as a percentage, which is 100% only if it is certain."""
    return "more than 99%" if 0.995 < probability < 1 else f"{probability:.0%}"
