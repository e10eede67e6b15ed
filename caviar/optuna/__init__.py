"""Caviar in Optuna: its search as a sampler, and its studies, live, in Optuna's storage."""

from caviar.errors import MissingError

try:
    import optuna  # noqa: F401 - it is what this package is for
except ModuleNotFoundError:
    raise MissingError("caviar.optuna", "Optuna", "optuna") from None

from caviar.optuna.callback import OptunaCallback
from caviar.optuna.sampler import CaviarSampler

__all__ = ["CaviarSampler", "OptunaCallback"]
