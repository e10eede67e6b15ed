"""Trials are grouped and sized by how good they are."""

import numpy as np
import pandas as pd
import pytest

from caviar.insight.figures.metric import finished_values, marker_sizes, metric_axis, outlier_range, rank_groups


def test_groups_hold_every_trial_once_from_the_worst_to_the_best(outcome):
    table, objective = outcome.table, outcome.settings.objective
    groups = rank_groups(table, objective)
    assert sorted(row for group in groups for row in group.rows) == list(range(len(table)))
    assert groups[0].name == "failed, diverged or timed out"
    assert groups[-1].name == "best 5%"
    means = [table["score"].iloc[group.rows].mean() for group in groups[1:]]
    assert means == sorted(means)


def test_better_trials_have_larger_dots(outcome):
    values = finished_values(outcome.table, "score")
    sizes = marker_sizes(outcome.table, outcome.settings.objective)
    assert sizes[np.nanargmax(values)] == sizes.max() == 15
    assert (sizes[np.isnan(values)] == 5).all()


def test_an_axis_of_the_largest_numbers_is_finite():
    most = np.finfo(float).max
    values = np.array([-most, most] * 4)
    assert np.isfinite(outlier_range(values)).all()
    table = pd.DataFrame({"loss": values, "state": "finished"})
    assert metric_axis(table, "loss")[0] == pytest.approx([0, 1] * 4, abs=0.05)


def test_the_axis_of_a_metric_that_no_trial_reported_is_empty(outcome):
    unit, ticks = metric_axis(outcome.table, "loss")
    assert np.isnan(unit).all()
    assert ticks.labels == ["0", "0.25", "0.5", "0.75", "1"]
