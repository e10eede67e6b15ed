"""Caviar: tune many networks at once, coarse to fine, on Ray.

Sample configurations, train them all at once, collect a table, find the best cluster, zoom in, repeat. Pass a data set
or a function `train(config, seed)`, and a space; `workers=0` trains in this process, any other number on Ray:

>>> import tempfile
>>> import caviar
>>> def train(config, seed):
...     return {"loss": (config["x"] - 0.3) ** 2 + config["y"]}
>>> space = caviar.Space(x=caviar.uniform(0, 1), y=caviar.loguniform(1e-3, 1))
>>> folder = tempfile.mkdtemp()
>>> study = caviar.Study(train, space=space, metric="loss", mode="min", trials=24, workers=0, out=folder)
>>> table = study.run(progress=False)
>>> len(table), study.best.metrics["loss"] < 0.05
(24, True)
>>> caviar.Outcome.read(folder).best == study.best
True
"""

from importlib import import_module
from typing import TYPE_CHECKING

from caviar._version import VERSION

if TYPE_CHECKING:
    from caviar import experiments, search, testing
    from caviar.data.dataset import Dataset, from_arrays
    from caviar.data.loaders import load_csv, load_digits
    from caviar.data.table import load_table
    from caviar.errors import CaviarError, ClusterError, InputError, PausedError, StorageError
    from caviar.fleet.programs.program import program
    from caviar.fleet.worker.reporting import Stop, report, trial
    from caviar.insight.comparison import compare
    from caviar.jobs.client import connect
    from caviar.model.trained.estimators import load_model
    from caviar.panda import Panda
    from caviar.records.cost import CostForecast
    from caviar.records.early_stopping import Halving
    from caviar.records.outcome import Outcome
    from caviar.records.stopping import Worth
    from caviar.space import (
        Space,
        choice,
        constant,
        default_space,
        distribution,
        lograndint,
        loguniform,
        randint,
        reverseloguniform,
        uniform,
    )
    from caviar.study.callbacks import Callback
    from caviar.study.explanation import explain
    from caviar.study.notebook_view import NotebookView
    from caviar.study.study import Study
    from caviar.study.verification import verify

__version__ = VERSION

# The module of each public name, imported when the name is first used: a trainer needs none of them.
_MODULES = {
    "Callback": "caviar.study.callbacks",
    "CaviarError": "caviar.errors",
    "ClusterError": "caviar.errors",
    "CostForecast": "caviar.records.cost",
    "Dataset": "caviar.data.dataset",
    "Halving": "caviar.records.early_stopping",
    "NotebookView": "caviar.study.notebook_view",
    "InputError": "caviar.errors",
    "Outcome": "caviar.records.outcome",
    "Panda": "caviar.panda",
    "PausedError": "caviar.errors",
    "Space": "caviar.space",
    "Stop": "caviar.fleet.worker.reporting",
    "StorageError": "caviar.errors",
    "Study": "caviar.study.study",
    "Worth": "caviar.records.stopping",
    "choice": "caviar.space",
    "compare": "caviar.insight.comparison",
    "connect": "caviar.jobs.client",
    "constant": "caviar.space",
    "default_space": "caviar.space",
    "distribution": "caviar.space",
    "experiments": "caviar.experiments",
    "explain": "caviar.study.explanation",
    "from_arrays": "caviar.data.dataset",
    "load_csv": "caviar.data.loaders",
    "load_digits": "caviar.data.loaders",
    "load_model": "caviar.model.trained.estimators",
    "load_table": "caviar.data.table",
    "lograndint": "caviar.space",
    "loguniform": "caviar.space",
    "program": "caviar.fleet.programs.program",
    "randint": "caviar.space",
    "reverseloguniform": "caviar.space",
    "report": "caviar.fleet.worker.reporting",
    "search": "caviar.search",
    "testing": "caviar.testing",
    "trial": "caviar.fleet.worker.reporting",
    "uniform": "caviar.space",
    "verify": "caviar.study.verification",
}
_UNLISTED = {  # packages that `from caviar import *` leaves out
    "optuna": "caviar.optuna",
    "panda": "caviar.panda",
    "sklearn": "caviar.sklearn",
    "tune": "caviar.tune",
}

__all__ = [
    "Callback",
    "CaviarError",
    "ClusterError",
    "CostForecast",
    "Dataset",
    "Halving",
    "InputError",
    "NotebookView",
    "Outcome",
    "Panda",
    "PausedError",
    "Space",
    "Stop",
    "StorageError",
    "Study",
    "Worth",
    "choice",
    "compare",
    "connect",
    "constant",
    "default_space",
    "distribution",
    "experiments",
    "explain",
    "from_arrays",
    "load_csv",
    "load_digits",
    "load_model",
    "load_table",
    "lograndint",
    "loguniform",
    "program",
    "randint",
    "report",
    "reverseloguniform",
    "search",
    "testing",
    "trial",
    "uniform",
    "verify",
]


def __getattr__(name: str) -> object:
    module = {**_MODULES, **_UNLISTED}.get(name)
    if module is None:
        from caviar._other_names import PUBLIC, unknown_attribute

        raise unknown_attribute("module 'caviar'", name, PUBLIC, __all__)
    value = import_module(module)
    return value if module == f"caviar.{name}" else getattr(value, name)


def __dir__() -> list[str]:
    return __all__
