"""What a study trains: the built-in network on a data set, or the user's function or program."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from caviar._checks import check_string, did_you_mean
from caviar.data.dataset import Dataset
from caviar.data.loaders import load, load_source
from caviar.data.source import Source, SourceKind, how_to_pass_again
from caviar.errors import InputError
from caviar.files import is_uri
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
from caviar.study.importing import end_import, import_from
from caviar.study.own_code import Module, files_of, fingerprint, module_of, own_module, reference_of

logger = logging.getLogger("caviar")
CLASSIFICATION_METRICS = ("val_accuracy", "val_loss", "train_loss")
REGRESSION_METRICS = ("val_rmse", "val_loss", "train_loss")
_DEFAULT_ROWS = 12_000  # to train on, in all epochs together


@dataclass(frozen=True)
class Target:
    """What is trained, and where to find it again: either a data set or a function, which may be a program.

    >>> target_from("digits").objective(None, None)
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


def target_from(data: Any) -> Target:
    """Return the target of what a user passes to a study: a name, a data set, (x, y), a function, a program."""
    end_import()
    if isinstance(data, Target):
        return data
    if isinstance(data, Program):
        path, command = data.working_folder, data.command
        source = Source(SourceKind.COMMAND, path=path, command=command, fingerprint=data.fingerprint())
        return Target(data.name, source, function=data)
    if callable(data):
        return _function_target(data, module_of(data), reference_of(data))
    dataset = load(data)
    return Target(dataset.name, replace(dataset.source, fingerprint=dataset.fingerprint()), dataset=dataset)


def _function_target(function: Callable[..., Any], module: Module | None, reference: str) -> Target:
    path = str(module.root) if module else ""
    found = fingerprint(function, module, reference.rpartition(":")[2])
    source = Source(SourceKind.FUNCTION, path, function=reference, fingerprint=found)
    return Target(getattr(function, "__name__", type(function).__name__), source, function=function)


def target_from_source(source: Source) -> Target:
    """Load the target of a journal again; raise InputError for one that no file holds."""
    if source.kind is SourceKind.COMMAND:
        return target_from(Program(source.command, source.path))
    if source.kind is not SourceKind.FUNCTION:
        if source.path and not is_uri(source.path) and not Path(source.path).exists():
            raise InputError(
                f"there is no {source.path} any more; say where it is now: {how_to_pass_again('data/my.csv')}"
            )
        return target_from(load_source(source))
    module, _, name = source.function.rpartition(":")
    if "<" in name or module in ("", "__main__"):
        raise InputError(
            f"no module has the function {source.function!r}; pass it again: Study.open(folder, data=train), or "
            "caviar resume FOLDER --trainable train.py:train"
        )
    for imported in (sys.modules.get(module), sys.modules.get("__main__")):
        own = own_module(imported)
        if imported and own and (own.name, str(own.root)) == (module, source.path):
            return _target_in(imported, source.function)
    folder = Path(source.path or Path.cwd())
    if source.path and not any(file.is_file() for file in files_of(module, folder)):
        raise InputError(
            f"there is no {module} in {folder} any more; say where it is now: {how_to_pass_again('my_module:train')}"
        )
    return target_in_module(source.function, folder)


def same_target(data: Any, source: Source, folder: Path) -> Target:
    """Return the target of the study in a folder.

    Args:
        data: refused if it differs from the study's; None: load it again. A string says where it is now: the path of
            the table or of the program's folder, or a function as "module:function".
        source: of the study.
        folder: of the study.
    """
    end_import()
    if isinstance(data, str | Path) and source.kind is SourceKind.ARRAYS:
        data = None  # which no place holds
    elif isinstance(data, str | Path) and (source.path or source.kind is SourceKind.FUNCTION):
        data = _moved(source, str(data))
    target = target_from_source(source) if data is None else target_from(data)
    now, then = target.source.fingerprint, source.fingerprint
    if not (target.function and source.kind.is_code):
        if now != then:
            raise InputError(f"{folder} was started with different data from {target.name!r}; pass the original data")
    elif now and then and now != then:
        logger.warning(
            "%s, or what it uses, has changed since the study in %s began; its trials run the code as it is now",
            target.source.function or f"the program {target.name}",
            folder,
        )
    return target


def _moved(source: Source, place: str) -> Target:
    """Return the target of a source that is at another place now; a table for validation has moved with it."""
    if source.kind is SourceKind.FUNCTION:
        return target_in_module(place, Path.cwd())
    path, options = place if is_uri(place) else str(Path(place).resolve()), dict(source.options)
    validation = options.get("validation")
    table = validation.get("table") if isinstance(validation, Mapping) else None
    if table and not is_uri(table) and not Path(table).exists():
        beside = Path(path).parent / os.path.relpath(table, Path(source.path).parent)
        options["validation"] = {"table": str(beside.resolve())}
    return target_from_source(replace(source, path=path, options=options))


def target_in_module(reference: str, folder: Path) -> Target:
    """Return the function "module:function" of a module in a folder, or of an installed one; or "file.py:function"."""
    end_import()
    module, _, name = reference.rpartition(":") if isinstance(reference, str) else ("", "", "")
    if not (module and name):
        raise InputError(f"trainable must be a module and its function such as 'my_module:train', got {reference!r}")
    if module.endswith(".py"):
        path = folder / module
        folder, module = path.parent, path.stem
    elif not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"trainable must name a module or a file, as in 'train.py:train', got {reference!r}")
    return _target_in(import_from(module, folder.resolve(), name), f"{module}:{name}")


def _target_in(module: ModuleType, reference: str) -> Target:
    """Return the target of a function in a module that has been imported."""
    module_name, _, name = reference.rpartition(":")
    function: Any = module
    for part in name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"{module_name} has no function {name!r}{did_you_mean(name, functions)}")
    return _function_target(function, own_module(module), reference)
