"""The report as a browser sees it: nothing broken, nothing missing, nothing run that a user wrote."""

import math
import sys

import pytest

import caviar
from caviar.cli.main import main
from caviar.errors import InputError
from caviar.insight.report.page import POLICY
from caviar.insight.report.reproduce import command
from caviar.insight.report.tables import failures
from tests.insight.browser import CHROMIUM, opened
from tests.insight.studies import written

EVIL = "<script>alert(1)</script>"
browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")


def space():
    return caviar.Space(
        rate=caviar.loguniform(1e-4, 1.0, tier=1),
        momentum=caviar.reverseloguniform(0.9, 0.999),
        units=caviar.randint(1, 8, tier=3),
        kind=caviar.choice(["plain", EVIL, '"><img src=x onerror=alert(2)>']),
    )


def reached(config, number):
    if number % 13 == 0:
        return f"ValueError: {EVIL}</script><!--"
    if config["rate"] > 0.5:
        return math.nan
    return 1 - (math.log10(config["rate"]) + 2) ** 2 / 8 - config["units"] / 50


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return written(folder, space(), reached, trials=60, waves=3, search="coarse-to-fine", name=EVIL)


@browser
@pytest.mark.parametrize("width", [1400, 400])
def test_every_figure_has_as_many_points_as_the_table_has_rows(study, tmp_path, width):
    seen = opened(study.report(tmp_path / "report.html"), width)
    rows, finished = len(study.table), int((study.table["state"] == "finished").sum())
    assert seen["errors"] == []
    assert seen["console"] == []
    assert seen["alerts"] == 0
    assert not seen["overflows"]
    counts = {figure["caption"].split(",")[0].split(":")[0]: figure for figure in seen["figures"]}
    parallel = counts.pop(f"{rows} trials")
    assert parallel["trials"] == rows
    bars = counts.pop("The share of the metric's variance that each hyperparameter explains alone")
    assert bars["bars"] == 3 * study.space.dimension  # alone, inside the last square, with its partner
    curves = counts.pop("score over epochs")
    assert curves["dots"] >= 10 * study.settings.epochs
    ran = "dots are the trials that finished"
    best = [counts.pop(f"The best score so far over {over}; {ran}") for over in ("trials", "seconds")]
    assert [(figure["trials"], figure["dots"]) for figure in best] == [(finished, finished)] * 2
    assert counts, "pairs of the most important hyperparameters"
    assert [(figure["trials"], figure["dots"]) for figure in counts.values()] == [(rows, rows)] * len(counts)


@browser
def test_it_is_dark_where_its_reader_is_and_reached_by_keyboard(study, tmp_path):
    page = study.report(tmp_path / "report.html")
    light, dark = opened(page), opened(page, dark=True)
    assert light["ground"] != dark["ground"]
    assert {figure["text"] for figure in light["figures"]}.isdisjoint({figure["text"] for figure in dark["figures"]})
    assert dark["errors"] == []
    assert light["reachable"] >= len(light["figures"])


@browser
def test_ten_thousand_trials_fit_into_a_page_that_is_drawn(tmp_path):
    many = written(tmp_path, space(), reached, trials=10_000, epochs=1)
    page = many.report()
    assert page.stat().st_size < 15e6
    seen = opened(page)
    assert (seen["errors"], seen["alerts"]) == ([], 0)
    assert seen["figures"][1]["trials"] == 10_000
    assert seen["cpu_seconds"] < 9  # browser and page; on a quiet machine that is less than five seconds by the clock


def test_what_a_user_wrote_is_text(study, tmp_path):
    text = study.report(tmp_path / "report.html").read_text()
    before_plotly, _, after = text.partition("plotly.js v")
    assert EVIL not in before_plotly
    assert EVIL not in after
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in before_plotly
    assert "onerror=alert(2)>" not in before_plotly
    assert POLICY in text
    assert "<script src" not in text


def test_failures_are_counted_by_reason(study):
    table = failures(study.table)
    assert table["trials"].sum() == (study.table["state"] != "finished").sum()
    assert table["first trial"].min() == 0


def test_the_command_of_a_study_of_another_space_is_python_that_recreates_it(study):
    made = {}
    body = command(study.settings).replace("study.run()", "").replace("...,", "data,").replace("caviar.Study(", "keep(")
    exec(body, {"data": None, "keep": lambda data, **given: made.update(given)})
    assert made["space"] == study.settings.space
    assert {name: made[name] for name in ("trials", "waves", "seed")} == {"trials": 60, "waves": 3, "seed": 0}


def test_a_study_of_digits_is_repeated_by_a_command(tmp_path):
    digits = caviar.Study("digits", trials=5, waves=[3, 2], seed=7, out=tmp_path)
    said = "caviar run --trials 5 --seed 7 --waves 3,2 --epochs 20 --search coarse-to-fine --confirm no"
    assert command(digits.settings) == f"{said} --metric val_accuracy --mode max"


def test_a_study_without_a_finished_trial_still_has_a_report(tmp_path):
    broken = written(tmp_path / "study", space(), lambda *_: "out of memory", trials=4)
    text = broken.report().read_text()
    assert "<dt>trials</dt><dd>4</dd>" in text
    assert "<dt>failed or diverged</dt><dd>4</dd>" in text
    assert "out of memory" in text


def test_a_study_that_has_not_begun_has_none(tmp_path):
    with pytest.raises(InputError, match="has ended yet; run the study first"):
        caviar.Study("digits", out=tmp_path / "new").report()


def test_the_command_line_writes_it_and_names_what_is_missing(study, tmp_path, monkeypatch, capsys):
    file = str(tmp_path / "report.html")
    monkeypatch.setattr(sys, "argv", ["caviar", "report", str(study.folder), "--out", file])
    main()
    assert capsys.readouterr().out.strip() == file
    for module in ("plotly", "plotly.graph_objects"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err == "caviar: a plot needs plotly; install it with: pip install 'caviar[report]'\n"
