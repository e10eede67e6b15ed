"""What a notebook shows of a study is escaped."""

import caviar
from caviar.insight.notebook import outcome_html
from tests.insight.studies import EVIL, mixed_space


def test_names_and_options_are_escaped(outcome):
    html = outcome_html(outcome)
    assert EVIL not in html
    assert "&lt;script&gt;" in html
    assert "maximise score" in html


def test_a_space_is_escaped():
    html = mixed_space()._repr_html_()
    assert EVIL not in html
    assert "&lt;script&gt;" in html
    assert "reverseloguniform(0.9, 0.999)" in html


def test_a_study_that_has_not_begun_says_so(tmp_path):
    study = caviar.Study("digits", trials=7, out=tmp_path / "new")
    assert outcome_html(study.outcome) == "<p><b>digits</b>: maximise val_accuracy; none of 7 trials has ended yet.</p>"
