"""The report's tables agree with those of the study."""

from caviar.insight.report.tables import failures, key_figures, short_waves, squares_of_waves, ten_best


def test_failures_are_counted_by_reason(outcome):
    table = failures(outcome.table)
    assert table["trials"].sum() == (outcome.table["state"] != "finished").sum()
    assert table["first trial"].min() == 0


def test_key_figures_count_every_trial(outcome):
    figures = key_figures(outcome)
    assert figures["trials"] == "60"
    assert figures["waves"] == "3"
    assert figures["winner"] == f"trial {outcome.best.trial}"
    assert figures["failed, diverged or timed out"] == str((outcome.table["state"] != "finished").sum())


def test_the_ten_best_follow_the_ranking(outcome):
    table = ten_best(outcome)
    assert table["trial"].tolist() == [result.trial for result in outcome.ranking[:10]]
    assert table.columns.tolist() == ["trial", "wave", *outcome.space.names, "score", "epochs", "seconds"]


def test_waves_show_only_states_that_occur(outcome):
    columns = short_waves(outcome).columns
    assert {"finished", "failed", "best score", "share of the space"} <= set(columns)
    assert "timed_out" not in columns


def test_every_fine_wave_has_a_column_of_ranges(outcome):
    table = squares_of_waves(outcome).set_index("hyperparameter")
    assert table.columns.tolist() == ["whole space", "wave 2", "wave 3"]
    assert table.loc["units", "whole space"] == "1 to 8"
    assert table.loc["kind", "whole space"] == "all"
    assert "%" in table.loc["kind", "wave 2"]
