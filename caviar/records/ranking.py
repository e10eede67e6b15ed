"""Between the study and its search: which search, what it is told, and which trial it would bet on."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from caviar.records.settings import Settings
from caviar.records.trial import Result
from caviar.search.base import Search
from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.samplers import Grid, Random, Sobol
from caviar.space.scales import Array

KINDS: dict[str, Callable[..., Search]] = {
    "coarse-to-fine": CoarseToFine,
    "random": Random,
    "sobol": Sobol,
    "grid": Grid,
}
SHAPE = ("hidden_layers", "hidden_units", "batch_size")  # what trials of one stack have in common


def new_search(settings: Settings) -> Search:
    """A fresh search as the settings ask; raises InputError for waves that cannot be."""
    shape = [j for j, dimension in enumerate(settings.space.dimensions) if dimension.name in SHAPE]
    stopping, waves = settings.early_stopping, settings.waves
    return KINDS[settings.search](
        settings.space,
        trials=settings.trials,
        waves=stopping.waves(settings.trials, settings.epochs) if stopping and waves == "auto" else waves,
        seed=settings.seed,
        shared=shape if settings.same_shape > 1 else (),
        group=settings.same_shape,
    )


def told(results: Mapping[int, Result], numbers: Iterable[int], settings: Settings, worst: float = -math.inf) -> Array:
    """What a search is told of the trials of a wave: lower is better; NaN for those that failed or diverged.

    A trial that was stopped early counts as no better than the worst of those that outlived it, in the wave or,
    where there are no whole waves, so far (`worst`).
    """
    wave = [results[number] for number in numbers]
    finished = [lowered(result.metrics, settings) for result in wave if result.state == "finished"]
    worst = max(finished, default=worst)
    return np.array([_value(result, worst, settings) for result in wave])


def lowered(metrics: Mapping[str, float], settings: Settings) -> float:
    """The metric of a report, as it is to be minimised."""
    value = metrics.get(settings.metric, math.nan)
    return -value if settings.mode == "max" else value


def ranked(
    results: Mapping[int, Result], search: Search, asked: Sequence[int | None], settings: Settings
) -> list[Result]:
    """The finished trials of the search, the best first: by its smoothed estimates of those that it was told of.

    Trials that it was not told of yet (their wave was interrupted) stand behind, by their metric.

    Args:
        results: of all trials, by number; those of a confirming wave are left out.
        search: what was told.
        asked: the trials told, in order; None for one of a warm start.
    """
    estimates = dict(zip(asked, search.estimates(), strict=True)) if asked else {}

    def rank(result: Result) -> tuple[bool, float, float, int]:
        estimate = estimates.get(result.trial, math.nan)
        unknown = math.isnan(estimate)
        return (unknown, 0.0 if unknown else estimate, lowered(result.metrics, settings), result.trial)

    return sorted((r for r in results.values() if r.state == "finished" and r.confirms is None), key=rank)


def _value(result: Result, worst: float, settings: Settings) -> float:
    if result.state == "stopped":
        return max(lowered(result.metrics, settings), worst)
    return lowered(result.metrics, settings) if result.state == "finished" else math.nan
