"""Figures of the winner's predictions show every class, row, bin and column that they should."""

import numpy as np
import pandas as pd
import pytest

from caviar.insight.figures.column_bars import MOST_BARS, column_bars
from caviar.insight.figures.predictions import calibration_curve, confusion, predicted_over_actual


@pytest.mark.parametrize(("classes", "numbered"), [(3, True), (30, False)])
def test_a_confusion_matrix_has_right_and_wrong_cells(classes, numbered):
    labels = tuple(f"a class whose name is long {i}" for i in range(classes))
    pairs = [(label, label, 9) for label in labels] + [(labels[0], labels[2], 1)]
    figure = confusion(pd.DataFrame(pairs, columns=["actual", "predicted", "rows"]), labels)
    right, wrong = figure.data
    assert np.isfinite(np.array(right.z, float)).sum() == classes
    assert np.argwhere(np.isfinite(np.array(wrong.z, float))).tolist() == [[0, 2]]
    assert right.z[0][0] == pytest.approx(0.9)
    assert wrong.text[0][2] == "1"
    assert wrong.customdata[0][2] == f"{labels[0]} as {labels[2]}: 1 rows"
    assert bool(right.texttemplate) is numbered
    assert len(figure.layout.xaxis.ticktext) == classes


def test_a_class_that_no_row_has_is_a_blank_line():
    table = pd.DataFrame([("a", "a", 2)], columns=["actual", "predicted", "rows"])
    right, _ = confusion(table, ("a", "b")).data
    assert right.text[1][1] == ""


def test_predicted_over_actual_has_a_dot_for_each_row():
    figure = predicted_over_actual(pd.DataFrame({"actual": [0.0, 4.0], "predicted": [1.0, 3.0]}), "<price>")
    line, dots = figure.data
    assert line.x == line.y == (0.0, 4.0)
    assert (tuple(dots.x), tuple(dots.y)) == ((0.0, 4.0), (1.0, 3.0))
    assert figure.layout.xaxis.title.text == "actual &lt;price&gt;"


def test_the_intervals_of_a_calibration_end_where_the_table_says():
    table = pd.DataFrame({"predicted": [0.9], "observed": [0.8], "low": [0.7], "high": [0.85], "rows": [40]})
    _, dots = calibration_curve(table).data
    assert dots.error_y.array[0] == pytest.approx(0.05)
    assert dots.error_y.arrayminus[0] == pytest.approx(0.1)
    assert dots.text == ("40 rows",)


def test_the_most_important_columns_have_bars_the_first_on_top():
    table = pd.DataFrame({"column": [f"c{i}" for i in range(30)], "mean": np.arange(30)[::-1] / 9.0, "deviation": 0.1})
    figure = column_bars(table, "accuracy")
    assert len(figure.data[0].x) == MOST_BARS
    assert figure.layout.yaxis.ticktext[-1] == "c0"
    assert figure.layout.meta["caption"].startswith(f"The {MOST_BARS} columns that the network needs most")
