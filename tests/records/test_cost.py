"""Forecasts as values and files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.errors import StorageError
from caviar.records.cost import FORECAST, add_run, forecast_file, format_bytes, read_forecast
from caviar.records.span import Span, duration


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    return new_study(tmp_path_factory.mktemp("runs") / "s").forecast(price=0.38)


@pytest.fixture
def study(tmp_path, forecast):
    study = new_study(tmp_path / "s")
    study.folder.mkdir()
    (study.folder / FORECAST).write_bytes(forecast_file(forecast, study.settings))
    return study


def new_study(out, trials=4):
    return caviar.Study("digits", trials=trials, epochs=1, workers=0, out=out)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=50), st.floats(0, 1e3))
def test_a_span_is_ordered_and_scales(numbers, factor):
    span = Span.of(numbers)
    assert span.low <= span.median <= span.high
    assert span.holds(span.median)
    assert span.times(factor) == pytest.approx(Span.of([factor * number for number in numbers]))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (Span(0.5, 0.7, 1.25), "0.7 s (0.5 to 1.2)"),
        (Span(60.0, 100.0, 200.0), "1.7 min (1 to 3.3)"),
        (Span(3600.0, 36000.0, 72000.0), "10 h (1 to 20)"),
    ],
)
def test_a_time_has_the_unit_of_its_median(seconds, words):
    assert duration(seconds) == words


def test_a_forecast_comes_back_from_its_file(study, forecast):
    assert read_forecast(study.folder, study.settings) == (forecast, 0.0)
    add_run(study.folder, 1.5)
    add_run(study.folder, 2.0)
    assert read_forecast(study.folder, study.settings) == (forecast, 3.5)


def test_a_forecast_of_other_settings_is_none(study, tmp_path):
    other = new_study(tmp_path / "other", trials=5)
    assert read_forecast(study.folder, other.settings) is None
    assert read_forecast(other.folder, other.settings) is None


@pytest.mark.parametrize("damage", ["{", '"x"', "{}", "values"])
def test_a_damaged_file_is_one_sentence_or_no_forecast(study, damage):
    plain = json.loads((study.folder / FORECAST).read_text(encoding="utf-8"))
    del plain["forecast"]["minutes"]
    (study.folder / FORECAST).write_text(json.dumps(plain) if damage == "values" else damage, encoding="utf-8")
    if damage in ("{", "values"):
        with pytest.raises(StorageError, match=r"is damaged .*; remove it"):
            read_forecast(study.folder, study.settings)
    else:
        assert read_forecast(study.folder, study.settings) is None


@pytest.mark.parametrize(
    ("field", "value"), [("trials", "many"), ("minutes", ["a", "b", "c"]), ("measured", 3), ("price", [1])]
)
def test_a_value_of_another_type_is_damage(study, field, value):
    plain = json.loads((study.folder / FORECAST).read_text(encoding="utf-8"))
    plain["forecast"][field] = value
    (study.folder / FORECAST).write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(StorageError, match=r"is damaged .*; remove it"):
        read_forecast(study.folder, study.settings)


def test_a_run_ends_well_beside_seconds_that_are_no_number(study):
    plain = json.loads((study.folder / FORECAST).read_text(encoding="utf-8"))
    (study.folder / FORECAST).write_text(json.dumps(plain | {"seconds": "long"}), encoding="utf-8")
    add_run(study.folder, 1.0)
    with pytest.raises(StorageError, match="'long' is not a number"):
        read_forecast(study.folder, study.settings)


def test_bytes_have_units():
    assert [format_bytes(n) for n in (12, 1234, 56_700_000, 7.89e9)] == ["12 bytes", "1.2 kB", "57 MB", "7.9 GB"]
