"""Caviar: tune many networks at once, coarse to fine, on Ray."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caviar import experiments, search
    from caviar.data.loaders import Dataset, from_arrays, load_csv, load_digits
    from caviar.errors import CaviarError, ClusterError, InputError, PausedError, StorageError
    from caviar.jobs import connect
    from caviar.panda import Panda
    from caviar.space import (
        Space,
        choice,
        default_space,
        lograndint,
        loguniform,
        randint,
        reverseloguniform,
        uniform,
    )
    from caviar.study.halving import Halving
    from caviar.study.study import Study

__all__ = [
    "CaviarError",
    "ClusterError",
    "Dataset",
    "Halving",
    "InputError",
    "Panda",
    "PausedError",
    "Space",
    "StorageError",
    "Study",
    "choice",
    "connect",
    "default_space",
    "experiments",
    "from_arrays",
    "load_csv",
    "load_digits",
    "lograndint",
    "loguniform",
    "randint",
    "reverseloguniform",
    "search",
    "uniform",
]

# A name is imported when it is first used: a trainer needs none of them, and starts a second of CPU earlier.
_HOMES = {
    "Dataset": "caviar.data.loaders",
    "Halving": "caviar.study.halving",
    "Panda": "caviar.panda",
    "Study": "caviar.study.study",
    "connect": "caviar.jobs",
    "from_arrays": "caviar.data.loaders",
    "load_csv": "caviar.data.loaders",
    "load_digits": "caviar.data.loaders",
}


def __getattr__(name: str) -> Any:
    if name in ("experiments", "optuna", "panda", "search", "sklearn", "tune"):
        return import_module(f"caviar.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'caviar' has no attribute {name!r}")
    home = _HOMES.get(name, "caviar.errors" if name.endswith("Error") else "caviar.space")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
