"""Search spaces: hyperparameters, and the maps between configs and points of the unit cube."""

from caviar.space.conditions import Dimension
from caviar.space.constructors import (
    choice,
    constant,
    distribution,
    lograndint,
    loguniform,
    randint,
    reverseloguniform,
    uniform,
)
from caviar.space.defaults import default_space
from caviar.space.hyperparameters import Choice, Integer, Real
from caviar.space.references import Reference
from caviar.space.space import Config, Space, cube

__all__ = [
    "Choice",
    "Config",
    "Dimension",
    "Integer",
    "Real",
    "Reference",
    "Space",
    "choice",
    "constant",
    "cube",
    "default_space",
    "distribution",
    "lograndint",
    "loguniform",
    "randint",
    "reverseloguniform",
    "uniform",
]
