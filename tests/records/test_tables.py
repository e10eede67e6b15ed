import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.records.tables import history_table, results_table, write_csv
from caviar.records.trial import Result


def result(trial, config, curve, state="finished", error=""):
    return Result(trial, 1, state, config, curve[-1][2] if curve else {}, len(curve), 0.5, 7, "host:1", error, curve)


RESULTS = [
    result(1, {"rate": 0.1, "units": 50, "optimizer": "adam", "beta2": 0.99}, [(1, 0.1, {"val_loss": 0.3})]),
    result(
        0,
        {"rate": 0.2, "units": 60, "optimizer": "momentum"},
        [(1, 0.1, {"val_loss": 0.5}), (2, 0.2, {"val_loss": 0.4, "test_loss": 0.45})],
    ),
    result(2, {"rate": 0.3, "units": 70, "optimizer": "adam", "beta2": 0.9}, [], "failed", "it broke"),
]
NAMES = ["rate", "units", "optimizer", "beta2"]


def test_a_row_a_trial_with_typed_columns_in_order():
    table = results_table(RESULTS, NAMES)
    assert list(table) == [
        "trial", "wave", "state", *NAMES, "val_loss", "test_loss", "epochs", "seconds", "seed", "confirms",
        "worker", "error",
    ]  # fmt: skip
    assert list(table["trial"]) == [0, 1, 2]
    assert table["units"].dtype == "int64"
    assert table["rate"].dtype == "float64"
    assert math.isnan(table["beta2"][0])
    assert math.isnan(table["val_loss"][2])
    assert table["test_loss"].tolist()[0] == 0.45


def test_a_row_a_report():
    history = history_table(RESULTS)
    assert list(history) == ["trial", "wave", "epoch", "seconds", "val_loss", "test_loss"]
    assert history[["trial", "epoch"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1]]


def test_no_results_is_a_table_without_rows():
    assert len(results_table([], NAMES)) == 0
    assert len(history_table([])) == 0


@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_floats_survive_csv_to_the_last_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    table = pd.DataFrame({"value": values})
    write_csv(table, path)
    assert [v.hex() for v in pd.read_csv(path)["value"].astype(float)] == [v.hex() for v in values]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_a_text_that_a_spreadsheet_would_run_is_defused(tmp_path, text):
    write_csv(pd.DataFrame({"error": [text, "fine"], text: [1.0, -2.0]}), tmp_path / "table.csv")
    back = pd.read_csv(tmp_path / "table.csv")
    assert list(back["error"]) == [f"'{text}", "fine"]
    assert list(back) == ["error", f"'{text}"]
    assert list(back[f"'{text}"]) == [1.0, -2.0]


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    write_csv(pd.DataFrame({"a": [1]}), path)

    def torn(self, target, **options):
        target.write_text("a\n")
        raise OSError("no space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", torn)
    with pytest.raises(OSError, match="no space"):
        write_csv(pd.DataFrame({"a": [2]}), path)
    assert path.read_text() == "a\n1\n"
