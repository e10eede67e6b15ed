"""What a study costs: forecast before it runs, and the time that is left while it does.

Each name is imported when it is first used: a study that runs without a forecast needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caviar.records.cost import CostForecast
    from caviar.study.cost.forecast import forecast_study

__all__ = ["CostForecast", "forecast_study"]

_MODULES = {"CostForecast": "caviar.records.cost", "forecast_study": "caviar.study.cost.forecast"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'caviar.study.cost' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
