"""The report as a browser sees it: nothing broken, nothing missing, and no code run that a user wrote."""

import pytest

from caviar.insight.report.report import report
from tests.insight.browser import CHROMIUM, opened
from tests.insight.studies import mixed_space, mixed_value, outcome_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)"),
]


@pytest.mark.parametrize("width", [1400, 400])
def test_every_figure_has_as_many_points_as_the_table_has_rows(outcome, tmp_path, width):
    seen = opened(report(outcome, tmp_path / "report.html"), width)
    rows, finished = len(outcome.table), int((outcome.table["state"] == "finished").sum())
    assert seen["errors"] == []
    assert seen["console"] == []
    assert seen["alerts"] == 0
    assert not seen["overflows"]
    figures = {figure["caption"].split(",")[0].split(":")[0]: figure for figure in seen["figures"]}
    assert figures.pop(f"{rows} trials")["trials"] == rows
    bars = figures.pop("The share of the metric's variance that each hyperparameter explains alone")
    assert bars["bars"] == 3 * outcome.space.dimension  # alone, inside the last square, with its partner
    curves = figures.pop("score over epochs")
    assert curves["dots"] >= 10 * outcome.settings.epochs
    best = figures.pop("The best score so far over trials; dots are finished trials")
    assert (best["trials"], best["dots"]) == (finished, finished)
    trainers = figures.pop(next(caption for caption in figures if caption.startswith("Each trainer's trials")))
    assert trainers["bars"] == rows + 1  # the winner stands out
    assert figures.pop("score along each hyperparameter")["dots"] >= finished * outcome.space.dimension
    assert figures, "pairs of the most important hyperparameters"
    assert [(figure["trials"], figure["dots"]) for figure in figures.values()] == [(rows, rows)] * len(figures)


@pytest.mark.parametrize("width", [1400, 400])
def test_the_figures_of_unseen_rows_are_drawn(digits, numbers, tmp_path, width):
    for outcome, count in [(digits, 3), (numbers, 2)]:
        seen = opened(report(outcome, tmp_path / "report.html"), width)
        assert (seen["errors"], seen["console"], seen["overflows"]) == ([], [], False)
        unseen = seen["figures"][:count]
        assert unseen[-1]["bars"] == min(20, len(outcome.test.columns))
        dots = [len(outcome.test.calibration)] if outcome.test.labels else [outcome.test.rows]
        assert [figure["dots"] for figure in unseen if figure["dots"]] == dots


def test_it_follows_dark_mode_and_is_reachable_by_keyboard(outcome, tmp_path):
    page = report(outcome, tmp_path / "report.html")
    light, dark = opened(page), opened(page, dark=True)
    assert light["ground"] != dark["ground"]
    assert {figure["text"] for figure in light["figures"]}.isdisjoint({figure["text"] for figure in dark["figures"]})
    assert dark["errors"] == []
    assert light["reachable"] >= len(light["figures"])


def test_a_report_of_ten_thousand_trials_opens_quickly(tmp_path):
    page = report(outcome_of(tmp_path / "study", mixed_space(), mixed_value, trials=10_000, epochs=1))
    assert page.stat().st_size < 15e6
    seen = opened(page)
    assert (seen["errors"], seen["alerts"]) == ([], 0)
    lines = [figure for figure in seen["figures"] if figure["caption"].startswith("10000 trials, one line each")]
    assert [figure["trials"] for figure in lines] == [10_000]
    assert seen["cpu_seconds"] < 25  # browser and page; 5 on a quiet machine, 13 where it is slow and busy
