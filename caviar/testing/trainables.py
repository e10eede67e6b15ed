"""The laws of training functions and trainables: reports, reproducibility, stopping, stacks."""

import contextlib
import copy
from collections.abc import Callable, Mapping, Sequence
from numbers import Real

from caviar.fleet.worker.trainables import FunctionTrainable, Run, Trainable, check_picklable
from caviar.records.trial import RESERVED_COLUMNS, Config, Trial
from caviar.testing.laws import require, require_valid


def check_trainable(
    trainable: Trainable | Callable[..., object], configs: Sequence[Config], *, metric: str = "", epochs: int = 3
) -> None:
    """Check a training function or a trainable: its reports, its reproducibility, stopping, and stacks.

    Args:
        trainable: a function `train(config, seed)`, or an object that starts stacks of trials.
        configs: one or more configs to train; an object that starts stacks must be able to train them as one stack.
        metric: the metric that each report must have; default: any.
        epochs: how many reports to compare, >= 1.

    >>> def train(config, seed):
    ...     for epoch in range(10):
    ...         yield {"loss": config["x"] / (1 + epoch)}
    >>> check_trainable(train, [{"x": 1.0}, {"x": 2.0}], metric="loss")
    """
    if callable(trainable):
        trainable = FunctionTrainable(trainable)
    require_valid(lambda: check_picklable(trainable, "the trainable"), "a trainable must be picklable")
    original, seeds = copy.deepcopy(configs), range(len(configs))
    first, second = ([_train(trainable, [configs[i]], [i], epochs)[0] for i in seeds] for _ in range(2))
    require(repr(first) == repr(second), "equal configs and seeds must give equal reports")
    for config, reports in zip(configs, first, strict=True):
        _check_reports(reports, config, metric)
    _train(trainable, configs[:1], [0], epochs, stopped=0)
    if not isinstance(trainable, FunctionTrainable):
        stack = _train(trainable, configs, seeds, epochs)
        require(repr(stack) == repr(first), "a trial must give the same reports alone and in a stack")
        others = _train(trainable, configs, seeds, epochs, stopped=0)[1:]
        require(repr(others) == repr(first[1:]), "stopping a trial must not change the others of its stack")
    require(configs == original, "training must not change its configs")


def _train(
    trainable: Trainable, configs: Sequence[Config], seeds: Sequence[int], epochs: int, stopped: int | None = None
) -> list[list[Mapping[str, object]]]:
    """Return the reports of each trial of a stack, one of which may be stopped after its first report."""
    stack = [Trial(n, 1, config, seed) for n, (config, seed) in enumerate(zip(configs, seeds, strict=True))]
    loaded = trainable.load()
    require(hasattr(loaded, "close"), "a loaded trainable must have close(), which ends what still runs")
    with contextlib.closing(loaded):
        return _reports(loaded.start(tuple(stack)), len(stack), epochs, stopped)


def _reports(run: Run, trials: int, epochs: int, stopped: int | None) -> list[list[Mapping[str, object]]]:
    """Return the reports of each trial of a run."""
    reports: list[list[Mapping[str, object]]] = [[] for _ in range(trials)]
    for _ in range(epochs):
        require(len(run.alive) == trials, "alive must have one entry per trial of the stack")
        latest = list(run.epoch(None, None))
        if not latest:
            require(not list(run.epoch(None, None)), "epoch() must return [] again once all trials have ended")
            break
        require(len(latest) == trials, "epoch() must return one report or None per trial of the stack")
        for trial, report in enumerate(latest):
            if isinstance(report, Exception):
                raise report
            if report is not None:
                reports[trial].append(report)
        if stopped is not None:
            if run.alive[stopped] and reports[stopped]:
                run.stop(stopped)
            require(not run.alive[stopped], "a trial must not be alive after it was stopped")
            require(len(reports[stopped]) <= 1, "a trial must not report after it was stopped")
    require(all(reports), "each trial must report at least once")
    return reports


def _check_reports(reports: Sequence[Mapping[str, object]], config: Config, metric: str) -> None:
    for report in reports:
        require(not metric or metric in report, f"each report must have the metric {metric!r}, got {report!r}")
        for name, value in report.items():
            number = isinstance(value, Real) and not isinstance(value, bool)
            require(number, f"metrics must be numbers, got {name}={value!r}")
            unique = name not in RESERVED_COLUMNS and name not in config
            require(unique, f"a metric must not have the name of a column or a hyperparameter, got {name!r}")
