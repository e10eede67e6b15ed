"""The tables of results, history and waves, and their CSV files."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.csv import read_csv
from caviar.data.source import Source, SourceKind
from caviar.errors import StorageError
from caviar.records.events import WaveBegan
from caviar.records.objective import Objective
from caviar.records.settings import Settings
from caviar.records.tables import history_table, results_table, square_table, waves_table, write_csv
from caviar.records.trial import CurvePoint, Result, State
from caviar.search import Budget, Square
from caviar.space import Space, choice, randint, uniform


def result(trial, config, *reports, wave=1, state=State.FINISHED, error=""):
    curve = tuple(CurvePoint(epoch, 0.1 * epoch, metrics) for epoch, metrics in enumerate(reports, start=1))
    return Result(
        trial, wave, state, config, curve[-1].metrics if curve else {}, len(curve), 0.5, 7, "host:1", error, curve=curve
    )


RESULTS = [
    result(1, {"rate": 0.1, "units": 50, "optimizer": "adam", "beta2": 0.99}, {"val_loss": 0.3}),
    result(
        0,
        {"rate": 0.2, "units": 60, "optimizer": "momentum"},
        {"val_loss": 0.5},
        {"val_loss": 0.4, "test_loss": 0.45},
    ),
    result(2, {"rate": 0.3, "units": 70, "optimizer": "adam", "beta2": 0.9}, state=State.FAILED, error="it broke"),
]
NAMES = ["rate", "units", "optimizer", "beta2"]


def test_a_row_for_each_trial_with_typed_columns_in_order():
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
    assert set(map(type, table["state"])) == {str}


def test_when_trials_began_and_ended_in_utc():
    known = replace(RESULTS[0], began=1764210000.1234, ended=1764210001.5)
    hostile = replace(RESULTS[1], began=1e300, ended=-1e18)
    table = results_table([known, hostile, RESULTS[2]], NAMES)
    columns = list(table)
    assert columns[columns.index("seconds") :][:4] == ["seconds", "began", "ended", "seed"]
    assert [str(time) for time in table["began"]] == ["NaT", "2025-11-27 02:20:00.123000+00:00", "NaT"]
    assert [str(time) for time in table["ended"]] == ["NaT", "2025-11-27 02:20:01.500000+00:00", "NaT"]


def test_a_row_for_each_report():
    history = history_table(RESULTS)
    assert list(history) == ["trial", "wave", "epoch", "seconds", "val_loss", "test_loss"]
    assert history[["trial", "epoch"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1]]


def test_no_results_make_tables_without_rows():
    assert len(results_table([], NAMES)) == 0
    assert len(history_table([])) == 0


SETTINGS = Settings(
    "tiny",
    Source(SourceKind.ARRAYS),
    Space(x=uniform(0, 2), kind=choice(["a", "b"])),
    Objective("loss", "max"),
    Budget(4, 2),
)
SQUARE = Square((0.25, 0.0), (0.5, 1.0), (0.3, 0.5), ((), (0.25, 0.75)), "two trials lie close")


def test_a_row_for_each_wave_with_its_square():
    waves = [
        WaveBegan(1, 0, np.zeros((2, 2))),
        WaveBegan(2, 2, np.zeros((1, 2)), square=SQUARE, edges=("x: widen it",)),
        WaveBegan(2, 3, np.zeros((1, 2)), square=SQUARE),  # without barriers a wave has parts
        WaveBegan(3, 4, np.zeros((2, 2)), square=SQUARE, confirms=(2, 2)),
    ]
    results = [
        result(0, {}, {"loss": 1.0}),
        result(1, {}, state=State.FAILED),
        result(2, {}, {"loss": 2.0}, wave=2),
        result(3, {}, {"loss": 4.0}, wave=2),
    ]
    table = waves_table(waves, results, SETTINGS)
    assert table["kind"].tolist() == ["coarse", "fine", "confirm"]
    assert table["trials"].tolist() == [2, 2, 2]
    assert table["failed"].tolist() == [1, 0, 0]
    assert table["best"].tolist()[:2] == [1.0, 4.0]
    assert table["median"].tolist()[:2] == [1.0, 3.0]
    assert table["x_low"].tolist() == [0.0, 0.5, 0.5]
    assert table["x_high"].tolist() == [2.0, 1.0, 1.0]
    assert table["kind_options"].tolist()[1] == "b 75%, a 25%"
    assert table["outside"].tolist() == [0, 2, 0]
    assert table["reason"].tolist() == [
        "the whole space",
        "two trials lie close",
        "the best trials again, with fresh seeds",
    ]


def test_the_square_beside_the_space_of_its_time():
    whole = square_table(None, SETTINGS)
    assert whole["share"].tolist() == [1.0, 1.0]
    grown = WaveBegan(1, 0, np.zeros((2, 2)), square=SQUARE, space=Space(x=uniform(0, 4), kind=choice(["a", "b"])))
    assert square_table(grown, SETTINGS)["space_high"].tolist()[0] == 4


@pytest.mark.parametrize(("low", "high", "shown", "share"), [(0.6, 0.67, (3, 3), 0.25), (0.3, 0.74, (2, 3), 0.5)])
def test_the_share_of_an_integer_counts_the_values_that_are_shown(low, high, shown, share):
    square = Square((low, 0.0), (high, 0.5), (0.65, 0.2), ((), ()), "close")
    space = Space(layers=randint(1, 4), x=uniform(0, 1))
    wave = WaveBegan(2, 8, np.zeros((2, 2)), square=square, space=space)
    layers, x = square_table(wave, SETTINGS).to_dict("records")
    assert (layers["low"], layers["high"], layers["share"]) == (*shown, pytest.approx(share))
    assert waves_table([wave], [], SETTINGS)["square_share"][0] == pytest.approx(share * x["share"])


@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_floats_survive_csv_to_the_last_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    write_csv(pd.DataFrame({"value": values}), path)
    assert [v.hex() for v in read_csv(path)["value"].astype(float)] == [v.hex() for v in values]


@pytest.mark.parametrize("cell", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\tx"])
def test_a_cell_that_a_spreadsheet_would_run_gets_a_quote(tmp_path, cell):
    write_csv(pd.DataFrame({"error": [cell, "fine"], cell: [1.0, -2.0]}), tmp_path / "table.csv")
    table = read_csv(tmp_path / "table.csv")
    assert list(table["error"]) == [f"'{cell}", "fine"]
    assert list(table) == ["error", f"'{cell}"]
    assert list(table[f"'{cell}"]) == [1.0, -2.0]


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_csv(pd.DataFrame({"a": [1]}), tmp_path / "file" / "table.csv")


def test_a_carriage_return_ends_no_row(tmp_path):
    write_csv(pd.DataFrame({"error": ["50%\r100%\r\nKilled", "none"], "loss": [0.5, 1.0]}), tmp_path / "t.csv")
    read = pd.read_csv(tmp_path / "t.csv")
    assert read["error"].tolist() == ["50%\n100%\nKilled", "none"]
    assert read["loss"].tolist() == [0.5, 1.0]
