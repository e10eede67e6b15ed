"""What a report says about the rows that no trial has seen, and about the columns of the table."""

import math
from dataclasses import asdict

import pandas as pd

from caviar.insight.figures.column_bars import column_bars
from caviar.insight.figures.predictions import CELL, calibration_curve, confusion, is_large, predicted_over_actual
from caviar.insight.formatting import format_range, format_value
from caviar.insight.report.page import Picture, Section
from caviar.records.evaluation import Evaluation
from caviar.records.outcome import Outcome

TITLE = "On rows that nobody has seen"


def unseen_sentence(test: Evaluation) -> str:
    """Return what the winner gets on the test part, with its interval and what ignoring the columns would get.

    >>> unseen_sentence(Evaluation(3, 60, "test_rmse", {"test_rmse": 0.5}, 0.4, 0.6, {"test_rmse": 2.0}))
    'On 60 rows that no trial has seen: rmse 0.5 (95% interval 0.4 to 0.6); ignoring all columns would get 2.'
    """
    name, value = test.metric.removeprefix("test_"), format_value(test.metrics[test.metric])
    interval = f" (95% interval {format_range(test.low, test.high)})" if math.isfinite(test.low) else ""
    return (
        f"On {test.rows:,} row{'s' * (test.rows != 1)} that no trial has seen: {name} {value}{interval}; ignoring all "
        f"columns would get {format_value(test.baseline[test.metric])}."
    )


def unseen_section(outcome: Outcome, test: Evaluation) -> Section:
    """Return the section about the winner's evaluation."""
    metric = test.metric.removeprefix("test_")
    ignorant = "the most frequent class" if test.labels else "the mean"
    sentences = [
        f"{unseen_sentence(test)} Expect this on new rows of the same kind, since no choice depended on these. "
        f"Ignoring all columns means always predicting {ignorant} of the training rows.",
        _reliability(test),
    ]
    pictures = [_confusion(test), _calibration(test)] if test.labels else [_predicted(outcome, test)]
    if test.columns:
        columns = pd.DataFrame([asdict(column) for column in test.columns])
        pictures.append(Picture(column_bars(columns, metric), columns))
    scores = pd.DataFrame(
        {
            "metric": [name.removeprefix("test_") for name in test.metrics],
            f"trial {test.trial}": list(test.metrics.values()),
            "ignoring all columns": [test.baseline[name] for name in test.metrics],
        }
    )
    return Section(TITLE, sentences, pictures, {"Every metric": scores})


def data_section(notes: tuple[str, ...]) -> Section:
    """Return the section about what was done with the columns of the table."""
    return Section("What was done with the columns", notes)


def _reliability(test: Evaluation) -> str:
    """Return a sentence about the probabilities, or about the residuals."""
    if test.residuals is not None:
        inner = format_range(test.residuals.q25, test.residuals.q75)
        outer = format_range(test.residuals.q05, test.residuals.q95)
        return f"Half of the residuals (actual minus predicted) lie within {inner}, nine of ten within {outer}."
    wrong = test.rows - sum(line[index] for index, line in enumerate(test.confusion))
    count, verb = f"{wrong:,}" if wrong else "None", "is" if wrong == 1 else "are"
    return (
        f"{count} of them {verb} taken for another class. The probability of the predicted class is off by "
        f"{test.calibration_error or 0:.2g} on average (expected calibration error)."
    )


def _confusion(test: Evaluation) -> Picture:
    pairs = [
        (actual, predicted, rows)
        for actual, line in zip(test.labels, test.confusion, strict=True)
        for predicted, rows in zip(test.labels, line, strict=True)
        if rows
    ]
    table = pd.DataFrame(pairs, columns=["actual", "predicted", "rows"])
    table = table.sort_values("rows", ascending=False, kind="stable", ignore_index=True)
    width = CELL * len(test.labels) + 160 if is_large(test.labels) else 0
    return Picture(confusion(table, test.labels), table, width)


def _calibration(test: Evaluation) -> Picture:
    table = pd.DataFrame([asdict(each) for each in test.calibration])
    return Picture(calibration_curve(table), table)


def _predicted(outcome: Outcome, test: Evaluation) -> Picture:
    table = pd.DataFrame(test.sample, columns=["actual", "predicted"])
    return Picture(predicted_over_actual(table, outcome.settings.source.target), table)
