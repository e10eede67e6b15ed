"""What a study's outcome shows: which hyperparameters mattered, where the search zoomed in, how certain the winner is.

Every result is a pandas table, and figures are made from the tables. Plotly and scikit-learn come with the optional
extra `report` and are imported only when they are used.
"""

from caviar.insight.importance import importance as measure_importance  # `caviar.insight.importance` is the module
from caviar.insight.notebook import outcome_html
from caviar.insight.plots import Plots
from caviar.insight.report.report import report as write_report

__all__ = ["Plots", "measure_importance", "outcome_html", "write_report"]
