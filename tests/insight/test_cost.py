"""A forecast beside the truth."""

from dataclasses import replace

import pytest

import caviar
from caviar.insight import compare_cost
from caviar.records.span import Span


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = caviar.Study("digits", trials=8, epochs=2, workers=0, out=tmp_path_factory.mktemp("runs") / "s")
    study.forecast(price=1.0)
    study.run(progress=False)
    return study


def test_the_truth_is_that_of_the_run(study):
    found = compare_cost(study.folder)
    assert found == compare_cost(study.outcome)
    assert found.has_ended
    assert found.core_hours * 3600 == pytest.approx(study.table["seconds"].sum())
    assert found.minutes * 60 > study.table["seconds"].sum()
    assert found.table()["quantity"].tolist() == ["minutes", "core_hours", "money", "bytes on disk"]
    assert found.disk_bytes == pytest.approx(found.forecast.disk_bytes, rel=0.3)


def test_the_sentence_says_whether_it_was_right(study):
    found = compare_cost(study.outcome)
    right = replace(found, forecast=replace(found.forecast, minutes=Span(0.0, found.minutes, 1e9)))
    wrong = replace(found, forecast=replace(found.forecast, minutes=Span(1e8, 1e9, 1e9)))
    assert str(right).endswith("inside the 80% interval")
    assert str(wrong).endswith("outside the 80% interval")
    assert "so far" in str(replace(found, has_ended=False))
    assert str(found) in found._repr_html_()


def test_a_study_without_a_forecast_has_no_comparison(tmp_path):
    study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tmp_path / "s")
    study.run(progress=False)
    assert compare_cost(study.outcome) is None


def test_a_forecast_stays_that_of_the_study_before_it_was_extended(tmp_path):
    study = caviar.Study("digits", trials=4, epochs=1, workers=0, confirm=False, out=tmp_path / "s")
    study.forecast()
    study.run(progress=False)
    study.extend(4)
    study.run(progress=False)
    assert compare_cost(study.outcome).forecast.trials == 4
