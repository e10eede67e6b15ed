"""Caviar: tune many networks at once, coarse to fine, on Ray."""

from caviar import search
from caviar.errors import CaviarError, ClusterError, InputError, PausedError, StorageError
from caviar.model.data import Dataset, from_arrays, load_csv, load_digits
from caviar.panda import Panda
from caviar.service import connect
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
