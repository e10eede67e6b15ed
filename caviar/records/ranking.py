"""Which trial is best: by estimates that are smoothed over its neighbours, so that one lucky number does not decide."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from caviar.records.objective import Objective
from caviar.records.search_log import Expected, Observed, by_trial, tell
from caviar.records.settings import Settings
from caviar.records.trial import Result, State
from caviar.search import Search
from caviar.search.curves import Curves


def estimates(search: Search, log: Iterable[Expected | Observed]) -> dict[int, float]:
    """Return the search's estimate of each trial in a log, by number; lower is better."""
    return by_trial(log, search.estimates().tolist())


def search_told(settings: Settings, log: Sequence[Expected | Observed]) -> Search:
    """Return a search whose estimates are as if it had been told a log step by step.

    Only a search that extends bounds must be told in steps; any other depends only on all observations together.
    """
    search = settings.new_search()
    observed = [entry for entry in log if isinstance(entry, Observed)]
    if settings.grow:
        tell(search, log)
    elif observed:
        points = np.concatenate([entry.points for entry in observed])
        values = np.concatenate([entry.values for entry in observed])
        curves = functools.reduce(Curves.followed_by, [e.curves or Curves.unknown(len(e.values)) for e in observed])
        search.tell(points, values, counted=False, curves=curves)
    return search


def rank_trials(results: Iterable[Result], estimates: Mapping[int, float], objective: Objective) -> list[Result]:
    """Return the finished trials of the search, best first, without those that confirm others.

    Trials without an estimate (their wave was interrupted) come last, ordered by their metric.
    """

    def rank(result: Result) -> tuple[bool, float, float, int]:
        estimate = estimates.get(result.trial, math.nan)
        unknown = math.isnan(estimate)
        return (unknown, 0.0 if unknown else estimate, objective.to_minimise(result.metrics), result.trial)

    finished = (result for result in results if result.state is State.FINISHED and result.confirms is None)
    return sorted(finished, key=rank)
