"""The claims at small sizes: tables add up, equal seeds give equal tables, and conclusions follow from them."""

import numpy as np
import pandas as pd
import pytest

from caviar.errors import InputError
from caviar.experiments import coarse_and_fine, learning_rate_scale, momentum_scale, random_against_grid
from caviar.experiments.intervals import bootstrap, exact

SMALL = {
    random_against_grid: {"trials": 8, "seeds": 1, "epochs": 1},
    learning_rate_scale: {"trials": 64, "seeds": 4},
    momentum_scale: {"trials": 64, "seeds": 4},
    coarse_and_fine: {"trials": 8, "seeds": 1, "epochs": 1},
}


@pytest.fixture(scope="module")
def findings():
    return {run: run(**size) for run, size in SMALL.items()}


@pytest.mark.parametrize("run", SMALL)
def test_each_claim_has_a_source_conclusions_and_a_picture(findings, run):
    finding = findings[run]
    assert finding.source.split()[0] in run.__doc__
    assert len(finding.conclusions) >= 2
    assert len(finding.picture().data) >= 1


@pytest.mark.parametrize("run", [momentum_scale, coarse_and_fine])
def test_equal_seeds_give_equal_tables(findings, run):
    pd.testing.assert_frame_equal(findings[run].table, run(**SMALL[run]).table, check_exact=True)


def test_random_wins_where_few_hyperparameters_matter(findings):
    table = findings[random_against_grid].table.set_index("subject")
    assert table.loc["1 of 6 matter", "random_wins_low"] > 0.5
    assert table.loc["1 of 6 matter", "problems"] == 20
    assert table.loc["1 of 6 matter", "random_best"] < table.loc["1 of 6 matter", "grid_best"]
    assert table.loc["digits network", "problems"] == 1
    assert (
        (table["random_wins_low"] <= table["random_wins"]) & (table["random_wins"] <= table["random_wins_high"])
    ).all()


@pytest.mark.parametrize("run", [learning_rate_scale, momentum_scale])
def test_shares_count_each_trial_once(findings, run):
    for _, rows in findings[run].table.groupby("scale"):
        assert rows["count"].sum() == 64 * 4
        assert rows["share"].sum() == pytest.approx(1)
        assert ((rows["low"] <= rows["share"]) & (rows["share"] <= rows["high"])).all()


def test_a_linear_scale_spends_nine_tenths_above_a_tenth(findings):
    table = findings[learning_rate_scale].table
    above = table[table["low_edge"] == 0.1].set_index("scale")
    assert above.loc["linear", "low"] < 0.90009 < above.loc["linear", "high"]
    assert above.loc["log", "low"] < 0.25 < above.loc["log", "high"]


def test_windows_are_even_only_on_the_reverse_log_scale(findings):
    p = findings[momentum_scale].table.groupby("scale")["p_even"].first()
    assert p["linear"] < 1e-6 < 0.001 < p["reverse log"]


def test_waves_are_compared_with_one_wave(findings):
    table = findings[coarse_and_fine].table
    assert table.groupby("subject").size().to_dict() == dict.fromkeys(table["subject"].unique(), 3)
    assert table["beats_one_wave"].isna().tolist() == (table["waves"] == 1).tolist()
    assert (table["score"] > 0).all()


@pytest.mark.parametrize("run", SMALL)
@pytest.mark.parametrize("name", ["trials", "seeds"])
def test_an_empty_experiment_is_an_error(run, name):
    with pytest.raises(InputError, match=f"{name} must be an integer >= 1, got 0"):
        run(**{**SMALL[run], name: 0})


def test_intervals_equal_published_values():
    assert exact(0, 10)[0] == 0.0
    assert exact(10, 10)[1] == 1.0
    assert exact(5, 10) == pytest.approx((0.187086, 0.812914), abs=1e-6)  # Clopper & Pearson's table
    low, high = bootstrap(np.arange(100.0))
    assert low < 49.5 < high
    assert high - low == pytest.approx(2 * 1.96 * np.arange(100.0).std() / 10, rel=0.15)
    assert bootstrap(np.arange(9.0)) == bootstrap(np.arange(9.0))
    assert bootstrap([1.0, np.inf, np.inf], np.median)[1] == np.inf
