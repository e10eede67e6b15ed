"""A study in a notebook while it runs."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from caviar.insight.notebook import outcome_html
from caviar.records.events import WaveBegan
from caviar.records.outcome import Outcome
from caviar.records.trial import Result
from caviar.study.callbacks import Callback, Ending


class NotebookView(Callback):
    """Shows the winner so far, the ten best trials and the best so far as a picture, anew after each wave.

    The picture needs Plotly, which comes with the extra `report`. Outside of a notebook nothing is shown; the
    command `caviar watch` shows the whole report in a browser.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> table = study.run(progress=False, callbacks=[NotebookView()])
    """

    def __init__(self) -> None:
        self._folder: Any = None
        self._text: Any = None  # the handles of what is displayed; None outside of a notebook
        self._picture: Any = None

    def on_study_begin(self, outcome: Outcome) -> None:
        """Display the study as it is."""
        self._folder, self._text, self._picture = outcome.folder, None, None
        if not _in_notebook():
            return
        from IPython.display import HTML, display

        self._text = display(HTML(outcome_html(outcome)), display_id=True)
        self._show(outcome)

    def on_wave_end(self, wave: WaveBegan, results: Sequence[Result]) -> None:
        """Display what the wave has brought."""
        self._show(Outcome.read(self._folder))

    def on_study_end(self, outcome: Outcome, ending: Ending, error: BaseException | None) -> None:
        """Display how it ended."""
        self._show(outcome)

    def _show(self, outcome: Outcome) -> None:
        if self._text is None:
            return
        from IPython.display import HTML, display

        self._text.update(HTML(outcome_html(outcome)))
        if not outcome.has_finished or find_spec("plotly") is None:
            return
        from caviar.insight.figures.curves import best_so_far

        if self._picture is None:
            self._picture = display(best_so_far(outcome), display_id=True)
        else:
            self._picture.update(best_so_far(outcome))


def _in_notebook() -> bool:
    if find_spec("IPython") is None:
        return False
    from IPython import get_ipython

    return get_ipython() is not None
