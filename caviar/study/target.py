"""What a study trains: the built-in network on a data set, or the user's function or program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caviar._checks import check_string, did_you_mean
from caviar.data.dataset import Dataset
from caviar.data.source import Source
from caviar.errors import InputError
from caviar.fleet.placement import Placement
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.programs.command import check_placeholders
from caviar.fleet.programs.program import Program
from caviar.fleet.worker.calls import SeedBy, check_callable, seed_by
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import FunctionTrainable, Trainable, check_picklable
from caviar.model.config import NETWORK_DEFAULTS, check_config
from caviar.records.objective import Mode, Objective
from caviar.records.trial_files import StudyFiles
from caviar.space import Space
from caviar.space.defaults import default_space

CLASSIFICATION_METRICS = ("val_accuracy", "val_loss", "train_loss")
REGRESSION_METRICS = ("val_rmse", "val_loss", "train_loss")
_DEFAULT_ROWS = 12_000  # to train on, in all epochs together


@dataclass(frozen=True)
class Target:
    """What is trained, and where to find it again: either a data set or a function, which may be a program.

    >>> from caviar.data.loaders import load
    >>> Target("digits", (digits := load("digits")).source, digits).objective(None, None)
    (Objective(metric='val_accuracy', mode='max'), ())
    """

    name: str
    source: Source
    dataset: Dataset | None = field(default=None, repr=False)
    function: Callable[..., Any] | None = field(default=None, repr=False)

    def trainable(
        self,
        epochs: int,
        metric: str,
        placement: Placement,
        files: StudyFiles | None = None,
        scorers: tuple[str, ...] = (),
    ) -> Trainable:
        """Return what is sent to the trainers; epochs and scorers are for the network, the rest for a function."""
        if self.dataset is not None:
            return NetworkTrainable(self.dataset, epochs, scorers)
        assert self.function is not None
        if placement.isolation == "none":
            return FunctionTrainable(self.function, metric, files)
        return IsolatedFunction.of(self.function, metric, placement, files)

    @property
    def epochs(self) -> int:
        """How long a network trains by default: 20 epochs, or as many as give it 12,000 rows, but at most 50."""
        rows = _DEFAULT_ROWS if self.dataset is None else len(self.dataset.train_x)
        return max(20, min(50, _DEFAULT_ROWS // rows))

    @property
    def seeded(self) -> bool:
        """Whether results depend on a seed, and not on the config alone."""
        return self.function is None or seed_by(self.function) is not SeedBy.NOTHING

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done with the columns of the table, and why, a sentence each."""
        return self.dataset.notes if self.dataset is not None else ()

    def objective(
        self, metric: str | None, mode: Mode | None, metrics: Sequence[str] = ()
    ) -> tuple[Objective, tuple[str, ...]]:
        """Return what to optimise, filled in for the built-in network, and the scorers that it and `metrics` name.

        A function needs metric and mode, and reports its other metrics itself.
        """
        if (
            isinstance(metrics, str)
            or not isinstance(metrics, Sequence)
            or not all(isinstance(name, str) for name in metrics)
        ):
            raise InputError(f"metrics must be a list of names, got {metrics!r}; try metrics=['f1_macro', 'roc_auc']")
        if self.dataset is None:
            if metrics:
                raise InputError(
                    f"metrics={list(metrics)!r} are for the built-in network; a function such as {self.name} reports "
                    "any others beside its metric, so leave them out"
                )
            if metric is None or mode is None:
                raise InputError(
                    f"metric and mode are required when tuning a function such as {self.name}; "
                    "try metric='loss', mode='min'"
                )
            return Objective(metric, mode), ()
        own = CLASSIFICATION_METRICS if self.dataset.task == "classification" else REGRESSION_METRICS
        given = (own[0] if metric is None else metric, *metrics)
        reported = [_reported(name, own) for name in given]
        scorers = tuple(dict.fromkeys(name.removeprefix("val_") for name in reported if name not in own))
        if scorers:
            from caviar.model.scorers import check_scorer  # which imports scikit-learn

            for name, as_reported in zip(given, reported, strict=True):
                for dataset in self.dataset.folds or (self.dataset,):
                    if as_reported not in own:
                        check_scorer(name, dataset, own)
        lower_is_better = reported[0] in own and not reported[0].endswith("accuracy")
        return Objective(reported[0], mode or ("min" if lower_is_better else "max")), scorers

    def space(self, space: Mapping[str, Any] | None) -> Space:
        """Return the space to search: the given one, or the built-in network's; a function needs one."""
        if space is None:
            if self.dataset is not None:
                return default_space()
            raise InputError(
                f"space is required when tuning a function such as {self.name}; try Space(x=uniform(0, 1)), or [space]"
            )
        if isinstance(space, Space):
            return space
        if not isinstance(space, Mapping):
            raise InputError(f"space must be a caviar.Space or a dict, got {space!r:.100}; try Space(x=uniform(0, 1))")
        for name in space:
            check_string("a hyperparameter's name", name)
        return Space(**space)

    def check_here(self) -> None:
        """Raise InputError for a program that this machine cannot start."""
        if isinstance(self.function, Program):
            self.function.check()

    def check(self, space: Space, placement: Placement) -> None:
        """Raise InputError for a function that cannot be called or sent where it runs, or a space that does not fit."""
        if self.function is not None:
            check_callable(self.function, self.name)
            if placement.workers != 0 or placement.isolation == "process":
                check_picklable(FunctionTrainable(self.function), self.name)
        if isinstance(self.function, Program):
            varying = [dimension.name for dimension in space.dimensions]
            check_placeholders(self.function.command, space.names, varying)
        if self.dataset is None:
            return
        for config in space.configs(np.array([[0.0], [1.0]]).repeat(space.dimension, axis=1)):
            check_config(config)
        for name in space.names:  # including sub-spaces that no corner of the cube selects
            if name not in NETWORK_DEFAULTS:
                hint = did_you_mean(name, NETWORK_DEFAULTS)
                raise InputError(f"the built-in network has no hyperparameter {name!r}{hint}")


def _reported(metric: str, own: Sequence[str]) -> str:
    """Return the name under which the network reports a metric or a scorer, with or without "val_" before it."""
    check_string("metric", metric)
    if metric.startswith("test_"):
        raise InputError(f"metric={metric!r} is held out to judge the winner; use {'val_' + metric[5:]!r}")
    return metric if metric in own else f"val_{metric.removeprefix('val_')}"
