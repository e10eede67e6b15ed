"""The report's text: complete, escaped, and written where requested."""

import html
import sys
from dataclasses import replace

import numpy as np
import pytest

import caviar
from caviar.cli.main import main
from caviar.errors import InputError, MissingError
from caviar.insight.report.page import POLICY
from caviar.insight.report.report import report
from caviar.insight.report.unseen import TITLE
from tests.insight.studies import EVIL, cube, mixed_space, outcome_of


@pytest.fixture(scope="module")
def text(outcome, tmp_path_factory):
    return report(outcome, tmp_path_factory.mktemp("report") / "report.html").read_text()


def test_what_a_user_wrote_is_escaped(text):
    before_plotly, _, after = text.partition("plotly.js v")
    assert EVIL not in before_plotly
    assert EVIL not in after
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in before_plotly
    assert "onerror=alert(2)>" not in before_plotly
    assert POLICY in text
    assert "<script src" not in text


def test_it_names_the_winner_and_every_square(outcome, text):
    assert f"<dd>trial {outcome.best.trial}</dd>" in text
    assert f"Trial {outcome.best.trial} of wave {outcome.best.wave} has the best estimate" in text
    assert f"the best single score was {outcome.table['score'].max():.4g}" in text
    for wave in (2, 3):
        assert f"Wave {wave} was sampled from" in text


def test_the_winners_config_is_there_to_copy(outcome, text):
    code = text.partition('id="part-0"')[2].partition("<code>")[2].partition("</code>")[0]
    assert eval(html.unescape(code)) == outcome.best.config


def test_importances_that_cannot_be_trusted_say_so_first(tmp_path):
    draws, space = np.random.default_rng(0), cube(3)
    noise = outcome_of(tmp_path / "noise", space, lambda *_: float(draws.normal()), trials=40)
    slope = outcome_of(tmp_path / "slope", space, lambda config, _: config["x0"], trials=40)
    told = [report(outcome).read_text(encoding="utf-8") for outcome in (noise, slope)]
    assert "<p>These trials do not show it. The forest predicts" in told[0]
    assert "cannot tell" not in told[1]
    assert "<p>x0 and " in told[1]


def test_waves_of_a_random_search_were_sampled_from_the_whole_space(tmp_path):
    outcome = outcome_of(tmp_path / "study", mixed_space(), lambda config, _: config["rate"], trials=6, waves=2)
    assert "Every wave was sampled from the whole space." in report(outcome).read_text()


@pytest.mark.parametrize(
    ("waves", "promise"), [(2, "whatever the number of workers"), ("continuous", "with one worker")]
)
def test_it_says_when_a_run_can_be_repeated(tmp_path, waves, promise):
    outcome = outcome_of(tmp_path / "study", mixed_space(), lambda config, _: config["rate"], trials=4, waves=waves)
    assert f"The same seed and data give the same table{',' * (waves == 2)} {promise}" in report(outcome).read_text()


def test_a_study_without_a_finished_trial_has_a_report_in_its_folder(tmp_path):
    outcome = outcome_of(tmp_path / "study", mixed_space(), lambda *_: "out of memory", trials=4)
    file = report(outcome)
    assert file == outcome.folder / "report.html"
    assert [path.name for path in outcome.folder.glob("*.html")] == ["report.html"]
    text = file.read_text()
    assert "<dt>trials</dt><dd>4</dd>" in text
    assert "<dt>failed, diverged or timed out</dt><dd>4</dd>" in text
    assert "out of memory" in text


def test_a_confirmed_winner_has_an_interval(digits):
    outcome = digits
    text = report(outcome).read_text()
    first = outcome.confirmation.iloc[0]
    assert f"reached a mean val_accuracy of {first['mean']:.4g} (95% interval {first['low']:.4g} to" in text
    assert "<dt>confirming trials</dt><dd>4</dd>" in text


def test_what_was_done_with_the_columns_is_told_and_escaped(digits):
    text = report(replace(digits, notes=("id was left out.", f"{EVIL} was left out."))).read_text()
    assert "<p>id was left out.</p>" in text
    assert EVIL not in text.partition("plotly.js v")[0]


def test_an_old_study_whose_trials_looked_at_the_test_part_shows_the_winners(digits):
    results = tuple(replace(result, metrics={**result.metrics, "test_accuracy": 0.625}) for result in digits.results)
    old = replace(digits, results=results, test=None)
    text = report(old).read_text()
    assert "On held-out data, which no choice depended on, its test_accuracy is 0.625." in text
    assert TITLE not in text


def test_a_study_that_has_not_begun_has_no_report(tmp_path):
    with pytest.raises(InputError, match=r"a report needs a trial that has ended, got none in .*new"):
        report(caviar.Study("digits", out=tmp_path / "new").outcome)


def test_a_missing_package_is_named(outcome, tmp_path, monkeypatch):
    for module in ("plotly", "plotly.graph_objects"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        MissingError, match="a plot needs plotly; install it with: pip install 'caviar-tune\\[report\\]'"
    ):
        report(outcome, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_the_command_line_writes_it(tmp_path, monkeypatch, capsys):
    outcome = outcome_of(tmp_path / "study", mixed_space(), lambda *_: 1.0, trials=4)
    file = str(tmp_path / "report.html")
    monkeypatch.setattr(sys, "argv", ["caviar", "report", str(outcome.folder), "--out", file])
    main()
    assert capsys.readouterr().out.strip() == file
