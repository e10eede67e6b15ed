"""Trials that are trained with a study's data and trainers, but outside of its folder: its journal stays as it was."""

from collections.abc import Sequence
from pathlib import Path

from caviar.errors import InputError
from caviar.fleet.connect import open_pool, start_of
from caviar.records.trial import Result, Trial
from caviar.study.stacking import stack_trials
from caviar.study.study import Study
from caviar.study.wave import run_wave


def opened(study: Study | str | Path, data: object = None) -> Study:
    """Return a study, or open the one in a folder or at the URI of its mirror, to train in this process.

    Args:
        study: a study, or where it is.
        data: as for `Study.open`.

    Raises:
        InputError: there is none, it was started with other data, or `data` comes with a study that has its own.
    """
    if not isinstance(study, Study):
        return Study.open(study, data=data, workers=0)
    if data is not None:
        raise InputError("data is for the folder of a study; a caviar.Study has its own, so leave it out")
    return study


def train_outside(study: Study, trials: Sequence[Trial]) -> dict[int, Result]:
    """Train trials for the study's epochs, in stacks; return their results by number.

    Args:
        study: what it trains, and where.
        trials: with numbers that differ.
    """
    settings = study.settings
    results: dict[int, Result] = {}

    def keep(ended: list[Result]) -> None:
        results.update((result.trial, result) for result in ended)

    metric = settings.objective.metric
    trainable = study.target.trainable(settings.epochs, metric, study.placement, scorers=settings.metrics)
    with open_pool(trainable, metric, study.placement, start=start_of(trainable)) as trainers:
        run_wave(trainers, stack_trials(trials, trainable, trainers.workers), keep)
    return results
