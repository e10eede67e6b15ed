"""How a notebook shows a study: lines about it and about its winner, and its ten best trials."""

from html import escape

from caviar.insight.report.tables import key_figures, ten_best
from caviar.insight.report.unseen import unseen_sentence
from caviar.records.outcome import AnyStudy, outcome_of


def outcome_html(study: AnyStudy) -> str:
    """Return lines about a study and a table of its ten best trials as HTML; names are escaped."""
    outcome = outcome_of(study)
    settings, objective = outcome.settings, outcome.settings.objective
    line = f"<p><b>{escape(settings.name)}</b>: {objective.mode}imise {escape(objective.metric)}"
    if not len(outcome.table):
        return f"{line}; none of {settings.budget.trials} trials has ended yet.</p>"
    figures = ", ".join(f"{escape(name)} {escape(value)}" for name, value in key_figures(outcome).items())
    best = (
        ten_best(outcome).to_html(index=False, border=0, float_format="{:.4g}".format) if outcome.has_finished else ""
    )
    unseen = f"<p>{escape(unseen_sentence(outcome.test))}</p>" if outcome.test else ""
    return f"{line}; {figures}.</p>{unseen}{best}"
