"""Between the study and its search: which search, what it is told, and which trial it would bet on."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.sampling import Grid, Random, Sobol
from caviar.space.scales import Array
from caviar.study.result import Result
from caviar.study.settings import Settings

Search = CoarseToFine | Random | Sobol | Grid
SHAPE = ("hidden_layers", "hidden_units", "batch_size")  # what trials of one stack have in common


def new_search(settings: Settings) -> Search:
    """A fresh search as the settings ask; raises InputError for waves that cannot be."""
    space, trials, seed = settings.space, settings.trials, settings.seed
    shape = [j for j, dimension in enumerate(space.dimensions) if dimension.name in SHAPE]
    sharing = {"shared": shape, "group": settings.same_shape} if settings.same_shape > 1 else {}
    if settings.search == "coarse-to-fine":
        return CoarseToFine(space, trials=trials, waves=settings.waves, seed=seed, **sharing)
    kind = {"random": Random, "sobol": Sobol, "grid": Grid}[settings.search]
    return kind(space, trials, waves=1 if settings.waves == "auto" else settings.waves, seed=seed, **sharing)


def told(results: Mapping[int, Result], numbers: Iterable[int], settings: Settings) -> Array:
    """What a search is told of trials: lower is better; NaN for those that failed or diverged."""
    sign = -1.0 if settings.mode == "max" else 1.0
    values = [sign * _value(results[number], settings.metric) for number in numbers]
    return np.array(values)


def ranked(results: Mapping[int, Result], search: Search, asked: Sequence[int], settings: Settings) -> list[Result]:
    """The finished trials, the best first: by the search's smoothed estimates of those that it was told of.

    Trials that it was not told of yet (their wave was interrupted) stand behind, by their metric.
    """
    estimates = dict(zip(asked, search.estimates(), strict=True)) if asked else {}
    finished = [result for result in results.values() if result.state == "finished"]
    raw = dict(zip([r.trial for r in finished], told(results, [r.trial for r in finished], settings), strict=True))

    def rank(result: Result) -> tuple[bool, float, float, int]:
        estimate = estimates.get(result.trial, math.nan)
        unknown = math.isnan(estimate)
        return (unknown, 0.0 if unknown else estimate, raw[result.trial], result.trial)

    return sorted(finished, key=rank)


def _value(result: Result, metric: str) -> float:
    return result.metrics.get(metric, math.nan) if result.state == "finished" else math.nan
