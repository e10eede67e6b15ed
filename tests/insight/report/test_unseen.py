"""The section about rows that no trial has seen: its sentences, its tables, and where else its line is shown."""

from dataclasses import replace

import pytest

from caviar.insight.notebook import outcome_html
from caviar.insight.report.report import report
from caviar.insight.report.tables import key_figures
from caviar.insight.report.unseen import TITLE, unseen_section, unseen_sentence
from tests.insight.studies import EVIL


def test_the_sentence_has_an_interval_and_a_baseline(digits):
    test = digits.test
    assert unseen_sentence(test) == (
        f"On {test.rows} rows that no trial has seen: accuracy {test.metrics['test_accuracy']:.4g} (95% interval "
        f"{test.low:.4g} to {test.high:.4g}); ignoring all columns would get {test.baseline['test_accuracy']:.4g}."
    )
    assert "interval" not in unseen_sentence(replace(test, low=float("nan"), high=float("nan")))


def test_the_section_of_classes_has_their_confusion_calibration_and_columns(digits):
    section = unseen_section(digits, digits.test)
    confusion, calibration, columns = (picture.table for picture in section.pictures)
    assert confusion["rows"].sum() == digits.test.rows
    assert calibration["rows"].sum() == digits.test.rows
    assert len(columns) == 64
    wrong = confusion["rows"][confusion["actual"] != confusion["predicted"]].sum()
    assert section.sentences[1].startswith(f"{wrong} of them are taken for another class.")
    assert section.tables["Every metric"]["metric"].tolist() == ["accuracy", "loss"]


def test_the_section_of_numbers_has_their_residuals(numbers):
    section = unseen_section(numbers, numbers.test)
    predicted, columns = (picture.table for picture in section.pictures)
    assert len(predicted) == numbers.test.rows
    assert columns["column"][0] == "1"
    assert (
        f"within {numbers.test.residuals.q25:.4g} to {numbers.test.residuals.q75:.4g}, nine of ten"
        in (section.sentences[1])
    )


@pytest.mark.parametrize("study", ["digits", "numbers"])
def test_report_notebook_and_key_figures_show_it(study, request):
    outcome = request.getfixturevalue(study)
    text = report(outcome).read_text()
    assert f">{TITLE}</h2>" in text
    assert unseen_sentence(outcome.test) in text
    assert "On held-out data" not in text
    assert unseen_sentence(outcome.test) in outcome_html(outcome)
    metric = outcome.test.metric.removeprefix("test_")
    assert key_figures(outcome)[f"{metric} on unseen rows"] == f"{outcome.test.metrics[outcome.test.metric]:.4g}"


def test_names_of_classes_and_columns_are_escaped(digits):
    columns = tuple(replace(column, column=EVIL) for column in digits.test.columns[:2])
    evil = replace(digits, test=replace(digits.test, labels=(EVIL, *digits.test.labels[1:]), columns=columns))
    before_plotly, _, after = report(evil).read_text().partition("plotly.js v")
    assert EVIL not in before_plotly
    assert EVIL not in after
