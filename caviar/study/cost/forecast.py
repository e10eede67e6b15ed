"""The cost of a study before it runs: time, memory, disk and money, each with what it depends on."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from caviar.errors import InputError
from caviar.fleet.messages import Stack
from caviar.fleet.placement import Placement
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.cost import FORECAST, CostForecast, InstanceCost, forecast_file
from caviar.records.record import StudyRecord
from caviar.records.span import Span
from caviar.records.trial import Trial
from caviar.study.cost import measurement as measuring
from caviar.study.cost.launch import Launch
from caviar.study.cost.measurement import Measurement
from caviar.study.cost.prices import Instance, Price, hourly_price, read_instances
from caviar.study.cost.regression import Regression
from caviar.study.cost.sizes import driver_bytes, model_bytes, text_bytes
from caviar.study.cost.timetable import Job, Timetable, wall_seconds
from caviar.study.cost.warnings import disk_warning, warnings_about
from caviar.study.target import Target

_STUDIES = 40  # that are imitated; fewer if they are large
_TRIALS = 6000  # in all imitated studies
_DRAWS = 8  # of the seconds of each
_STACKS = 24  # that are measured at most
_OVERHEAD = 1.04  # of the driver, its journal and its tables
_EVALUATION = 0.1  # seconds, of the winner on the test part
_MOST_CONFIGS = 100  # whose bytes stand for all
_OTHER_TIMES = 0.08  # the deviation of the log of a machine's speed between a measurement and a run


def forecast_study(
    record: StudyRecord, target: Target, placement: Placement, price: Price | None = None
) -> CostForecast:
    """Return what a study that has not begun will cost; see `Study.forecast`."""
    if record.state.waves:
        raise InputError(f"{record.folder} has begun, so it is too late to forecast it; its progress says what is left")
    instances = read_instances(price) if isinstance(price, str | Path) else ()
    hourly = None if isinstance(price, str | Path) else hourly_price(price)
    settings = record.state.settings
    metric = settings.objective.metric
    launch = Launch.of(record.state, target.trainable(settings.epochs, metric, placement, None, settings.metrics))
    generator = np.random.default_rng(settings.budget.seed)
    jobs = _jobs_to_measure(launch, placement, generator)
    measured = _measure(launch, target, jobs, placement)
    forecast = _forecast(launch, target, placement, jobs, measured, hourly, instances)
    needed = tuple(disk_warning(record.folder, forecast.disk_bytes))
    forecast = replace(forecast, warnings=forecast.warnings + needed)
    record.put(FORECAST, forecast_file(forecast, settings))
    return forecast


def _jobs_to_measure(launch: Launch, placement: Placement, generator: np.random.Generator) -> list[Job]:
    """Return what to measure: stacks that make up most of the time, or two trials at the ends of the first wave."""
    prior = Regression.fit(launch.alone[np.arange(0)], np.zeros(0))
    logs = prior.expected(launch.alone)
    if not isinstance(launch.trainable, NetworkTrainable):
        ends = (int(np.argmin(logs[: launch.first])), int(np.argmax(logs[: launch.first])))
        if ends[0] == ends[1]:
            ends = (0, launch.first - 1)
        return [Job((row,), launch.settings.epochs) for row in dict.fromkeys(ends)]
    studies = launch.studies(logs, max(1, placement.workers or 2), 6, generator)
    jobs = [Job(job.rows, 1) for study in studies for job in study.jobs]
    share = np.cumsum(np.exp(prior.expected(launch.features(jobs))))
    order = np.searchsorted(share, (np.arange(_STACKS) + 0.5) / _STACKS * share[-1])
    return [jobs[i] for i in dict.fromkeys(order.tolist())]


def _measure(launch: Launch, target: Target, jobs: Sequence[Job], placement: Placement) -> Measurement:
    stacks: list[Stack] = []
    for job in jobs:
        number = sum(map(len, stacks))
        stacks.append(tuple(Trial(number + i, 1, launch.configs[row], number + i) for i, row in enumerate(job.rows)))
    if isinstance(launch.trainable, NetworkTrainable):
        return measuring.measure_stacks(launch.trainable, stacks, placement)
    settings = launch.settings
    return measuring.measure_trials(target, stacks, settings.objective.metric, settings.epochs, placement)


def _forecast(
    launch: Launch,
    target: Target,
    placement: Placement,
    jobs: Sequence[Job],
    measured: Measurement,
    price: float | None,
    instances: Sequence[Instance],
) -> CostForecast:
    regression = Regression.fit(launch.features(jobs), np.log(measured.seconds))
    fixed = measured.start + launch.search_seconds()
    fixed += _EVALUATION if target.dataset is not None and len(target.dataset.test_x) else 0.0
    workers = measured.workers
    imitation = _imitate(launch, regression, placement, workers, fixed)
    minutes, disk = imitation.minutes, _disk_bytes(launch, target, measured, imitation)
    halved = launch.with_halving() if _may_halve(launch) else None
    driver = driver_bytes(launch.settings, launch.trials, disk)

    def on(instance: Instance) -> InstanceCost:
        trainers = instance.trainers
        there = _imitate(launch, regression, placement, trainers, fixed).minutes
        needed, money = trainers * measured.peak + driver, there.times(instance.price / 60)
        return InstanceCost(instance.name, trainers, int(instance.memory), needed, there, money)

    return CostForecast(
        name=launch.settings.name,
        trials=launch.trials,
        workers=workers,
        minutes=minutes,
        core_hours=imitation.core_hours,
        trainer_bytes=measured.peak,
        driver_bytes=driver,
        disk_bytes=disk,
        price=price,
        money=None if price is None else minutes.times(workers * price / 60),
        twice_the_workers=_imitate(launch, regression, placement, 2 * workers, fixed).minutes,
        with_halving=_imitate(halved, regression, placement, workers, fixed).minutes if halved else None,
        measured=_what_was_measured(launch, jobs),
        warnings=warnings_about(launch, regression, imitation.studies[0], minutes, placement, measured, fixed),
        instances=tuple(map(on, instances)),
    )


class _Imitation(NamedTuple):
    """Imitated studies, and what they take."""

    studies: list[Timetable]
    minutes: Span
    core_hours: Span


def _imitate(launch: Launch, regression: Regression, placement: Placement, workers: int, fixed: float) -> _Imitation:
    """Return imitated studies.

    Args:
        launch: of the study.
        regression: of the seconds of its jobs.
        placement: where they train.
        workers: how many trainers there are.
        fixed: seconds of the study in which no trainer trains.
    """
    generator = np.random.default_rng(launch.settings.budget.seed)
    count = max(8, min(_STUDIES, _TRIALS // launch.trials))
    studies = launch.studies(regression.expected(launch.alone), workers, count, generator)
    trial_limit, limit = math.log(placement.trial_timeout or math.inf), placement.timeout or math.inf
    walls, trained = list[float](), list[float]()
    for study in studies:
        logs = regression.draw(launch.features(list(study.jobs)), _DRAWS, generator)
        speeds = np.exp(_OTHER_TIMES * generator.standard_normal((_DRAWS, 1)))
        for seconds in np.exp(np.minimum(logs, trial_limit)) * speeds:
            walls.append(min(fixed + _OVERHEAD * wall_seconds(study, seconds.tolist(), workers), limit))
            trained.append(float(seconds.sum()) * placement.threads)
    return _Imitation(studies, Span.of(np.array(walls) / 60), Span.of(np.array(trained) / 3600))


def _disk_bytes(launch: Launch, target: Target, measured: Measurement, imitation: _Imitation) -> int:
    """Return how many bytes the study's folder takes, without what trials keep themselves."""
    settings, first = launch.settings, launch.configs[: launch.first]
    epochs = statistics.fmean(sum(len(job.rows) * job.epochs for job in study.jobs) for study in imitation.studies)
    reports = max(1, round(measured.reports * min(1.0, epochs / launch.trials / settings.epochs)))
    winners = [launch.configs[row] for study in imitation.studies for job in study.confirm for row in job.rows]
    models = model_bytes(settings, (winners or first)[:_MOST_CONFIGS], target.dataset)
    return models + text_bytes(settings, first[:_MOST_CONFIGS], measured.metrics, reports, launch.trials)


def _may_halve(launch: Launch) -> bool:
    settings = launch.settings
    if not isinstance(launch.trainable, NetworkTrainable) or settings.early_stopping or settings.stop:
        return False
    return settings.budget.waves == "auto"


def _what_was_measured(launch: Launch, jobs: Sequence[Job]) -> str:
    if isinstance(launch.trainable, NetworkTrainable):
        return f"{len(jobs)} stacks, each trained for a few mini-batches"
    count = len(jobs)
    return f"{count} trial{'s' * (count > 1)} of the first wave, trained outside of the study"
