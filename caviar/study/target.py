"""What a study trains: the built-in network on a data set, or a function of the user's own."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from caviar._checks import did_you_mean
from caviar.data.loaders import Dataset, load, load_csv
from caviar.errors import InputError
from caviar.fleet.worker.trainables import FunctionTrainable, NetworkTrainable, Trainable, check_picklable, ship
from caviar.model.config import NETWORK_DEFAULTS, check_config
from caviar.space.defaults import default_space
from caviar.space.space import Space


@dataclass(frozen=True)
class Subject:
    """What is trained, and what it is called in a journal."""

    name: str
    record: Mapping[str, Any]  # how to find it again, as plain data
    dataset: Dataset | None = field(default=None, repr=False)
    function: Callable[..., Any] | None = field(default=None, repr=False)

    def trainable(self, epochs: int) -> Trainable:
        """What is sent to the trainers."""
        if self.function is not None:
            return FunctionTrainable(self.function)
        if self.dataset is None:
            raise InputError(f"{self.name} was opened to be read; to go on with it use `caviar resume` or Study.open")
        return NetworkTrainable(self.dataset, epochs)

    @property
    def seeded(self) -> bool:
        """Whether its results depend on a seed, and not on the config alone."""
        return self.function is None or FunctionTrainable(self.function).takes_seed

    def objective(self, metric: str | None, mode: str | None) -> tuple[str, str]:
        """The metric and its mode, filled in for the built-in network.

        Raises:
            InputError: a metric that is not reported or is held out, or a function without metric and mode.
        """
        if self.dataset is None:
            if metric is None or mode is None:
                raise InputError(f"{self.name} reports what it likes: name the metric and its mode ('min' or 'max')")
            return metric, mode
        classes = self.dataset.task == "classification"
        reported = ("val_accuracy", "val_loss", "train_loss") if classes else ("val_rmse", "val_loss", "train_loss")
        metric = metric or reported[0]
        if metric.startswith("test_"):
            raise InputError(f"metric={metric!r} is held out to judge the winner; tune on {'val_' + metric[5:]!r}")
        if metric not in reported:
            raise InputError(f"metric={metric!r} is not reported{did_you_mean(metric, reported)}")
        return metric, mode or ("max" if metric.endswith("accuracy") else "min")

    def searched(self, space: Space | None) -> Space:
        """The space to search: the one given, or the built-in network's.

        Raises:
            InputError: a function, of which nobody but its writer knows what may vary, without a space.
        """
        if space is None and self.dataset is None:
            raise InputError(f"what may vary of {self.name}? Give a space, such as Space(x=uniform(0, 1)), or [space]")
        return default_space() if space is None else space

    def check(self, space: Space, sent: bool = True) -> None:
        """Raise InputError for a function that cannot be sent to trainers, or a space that the network cannot take."""
        if self.function is not None and sent:
            check_picklable(FunctionTrainable(self.function), self.name)
        if self.dataset is not None:
            for value in (0.0, 1.0):
                for config in space.configs(np.full((1, space.dimension), value)):
                    check_config(config)
            for name in space.names:  # those under options that no corner of the cube chooses as well
                if name not in NETWORK_DEFAULTS:
                    raise InputError(
                        f"the built-in network has no {name!r}{did_you_mean(name, tuple(NETWORK_DEFAULTS))}"
                    )


def subject_of(data: Any) -> Subject:
    """What a person handed to a study: a name, a data set, (x, y), or a function."""
    if isinstance(data, Subject):
        return data
    if callable(data):
        name = getattr(data, "__name__", type(data).__name__)
        return Subject(name, {"function": f"{getattr(data, '__module__', '')}:{name}"}, function=data)
    dataset = load(data)
    return Subject(dataset.name, {**dataset.source, "fingerprint": dataset.fingerprint()}, dataset=dataset)


def subject_of_record(record: Mapping[str, Any]) -> Subject:
    """What the record of a journal names.

    Raises:
        InputError: it names arrays or a function that no file holds, so they have to be given again.
    """
    if "digits" in record:
        return subject_of("digits")
    if "csv" in record:
        again = load_csv(record["csv"], record["target"], task=record["task"], seed=record["seed"])
        return subject_of(again)
    if "beside" in record:
        return subject_in_module(record["function"], Path(record["beside"]))
    if "function" in record:
        module, _, name = record["function"].partition(":")
        with_name = importlib.import_module(module) if module and module != "__main__" else None
        function = getattr(with_name, name, None)
        if inspect.isfunction(function):
            return subject_of(function)
    raise InputError("the study's data are in no file: give them again, as in Study.open(folder, data=...)")


def subject_in_module(named: str, folder: Path) -> Subject:
    """A function named "module:function", of a module that lies in a folder or that is installed.

    Raises:
        InputError: there is no such module or function, or the module raises as it is imported.
    """
    module_name, colon, name = named.partition(":") if isinstance(named, str) else ("", "", "")
    if not (module_name and colon and name):
        raise InputError(f"trainable={named!r}: name a module and its function, such as 'my_module:train'")
    module = _imported(module_name, folder.resolve())
    functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    if name not in functions:
        raise InputError(f"{module_name} has no function {name!r}{did_you_mean(name, functions)}")
    record = {"function": named, "beside": str(folder.resolve())}
    return Subject(name, record, function=getattr(module, name))


def _imported(name: str, folder: Path) -> ModuleType:
    """A module; one in the folder comes first, and is sent to the trainers with what it imports from there."""
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # for what it imports itself
    try:
        if not path.is_file():
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        missing = f"there is no module {error.name!r}" if error.name == name else f"{name} needs {error.name!r}"
        raise InputError(f"{missing}, neither in {folder} nor installed") from None
    except Exception as error:  # whatever a person's module raises
        raise InputError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error
    for beside in list(sys.modules.values()):
        if (file := getattr(beside, "__file__", None)) and Path(file).is_relative_to(folder):
            ship(beside)
    return module
