"""What a study's outcome shows: which hyperparameters mattered, where the search zoomed in, how certain the winner is.

Every result is a pandas table, and figures are made from the tables. Plotly and scikit-learn come with the optional
extra `report` and are imported only when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caviar.insight.cost import compare_cost
    from caviar.insight.counterfactual import random_search
    from caviar.insight.diagnosis.diagnose import diagnose
    from caviar.insight.importance import importance as measure_importance
    from caviar.insight.notebook import outcome_html
    from caviar.insight.paper import methods
    from caviar.insight.plots import Plots
    from caviar.insight.report.report import report as write_report

__all__ = [
    "Plots", "compare_cost", "diagnose", "measure_importance", "methods", "outcome_html", "random_search",
    "write_report",
]  # fmt: skip

_PLACES = {
    "Plots": ("caviar.insight.plots", "Plots"),
    "compare_cost": ("caviar.insight.cost", "compare_cost"),
    "diagnose": ("caviar.insight.diagnosis.diagnose", "diagnose"),
    "measure_importance": ("caviar.insight.importance", "importance"),
    "methods": ("caviar.insight.paper", "methods"),
    "outcome_html": ("caviar.insight.notebook", "outcome_html"),
    "random_search": ("caviar.insight.counterfactual", "random_search"),
    "write_report": ("caviar.insight.report.report", "report"),
}


def __getattr__(name: str) -> object:  # imported on first use: a study that runs needs none of them
    if name not in _PLACES:
        raise AttributeError(f"module 'caviar.insight' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
