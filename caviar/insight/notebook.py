"""What a notebook shows of a study that stands alone on a line."""

from html import escape

from caviar.insight.report.tables import facts, ten_best
from caviar.records.outcome import View
from caviar.study.study import Study


def study_html(study: Study) -> str:
    """A line about the study, and its ten best trials; names are escaped."""
    view, settings = View(study), study.settings
    line = f"<p><b>{escape(settings.name)}</b>: {escape(settings.metric)} is to be {settings.mode}imised"
    if not len(view.table):
        return f"{line}; none of {settings.trials} trials has ended yet.</p>"
    line += "; " + ", ".join(f"{escape(name)} {escape(value)}" for name, value in facts(view).items()) + ".</p>"
    if not view.finished:
        return line
    return line + str(ten_best(view).to_html(index=False, border=0, float_format="{:.4g}".format))
