"""The view in a notebook follows the study: its text and its picture are updated, not repeated."""

import pytest

import caviar


class Handle:
    """What `display` returns: the first thing shown, and what has replaced it."""

    def __init__(self, shown):
        self.shown = [shown]

    def update(self, shown):
        self.shown.append(shown)


@pytest.fixture
def handles(monkeypatch):
    display = pytest.importorskip("IPython.display")
    monkeypatch.setattr("IPython.get_ipython", object)
    made = []
    monkeypatch.setattr(display, "display", lambda shown, display_id: made.append(Handle(shown)) or made[-1])
    return made


def study_in(folder):
    return caviar.Study(
        lambda config, seed: {"loss": config["x"]}, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss",
        mode="min", trials=16, waves=2, seed=0, confirm=False, out=folder, workers=0, isolation="none",
    )  # fmt: skip


def test_it_shows_the_study_before_each_wave_and_at_the_end(tmp_path, handles):
    study = study_in(tmp_path / "study")
    study.run(progress=False, callbacks=[caviar.NotebookView()])
    text, picture = handles
    pages = [html.data for html in text.shown]
    assert "none of 16 trials has ended yet" in pages[0]
    assert [f"trials {count}" in page for count, page in zip(("8 of 16", "16", "16"), pages[2:], strict=True)] == [
        True, True, True,
    ]  # fmt: skip
    assert "best so far" in str(picture.shown[-1].data[-1].name)
    assert len(picture.shown) == 3


def test_without_a_notebook_it_shows_nothing(tmp_path, capsys):
    table = study_in(tmp_path / "study").run(progress=False, callbacks=[caviar.NotebookView()])
    assert len(table) == 16
    assert capsys.readouterr().out == ""
