"""What random search would have reached: both modes, every kind of study, and when nothing can be told."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

import caviar
from caviar.errors import InputError
from caviar.insight import random_search
from caviar.insight.counterfactual import Counterfactual
from caviar.insight.estimate import Estimate
from tests.insight.studies import EVIL, cube, outcome_of


def bowl(config, number):
    return sum((value - 0.3) ** 2 for value in config.values())


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counterfactual") / "waves"
    return outcome_of(folder, cube(3), bowl, trials=48, waves=4, search="coarse-to-fine", mode="min", epochs=1)


def test_waves_gain_over_random_search(waves):
    found = random_search(waves)
    assert found.trials == 48
    assert found.gain.low > 0
    assert found.random.low > found.reached.value
    assert found.equal_trials.value > 500
    assert str(found).startswith("Random search of 48 trials would have reached score 0.0")
    assert "the waves reached" in str(found)
    assert " trials to reach as much." in str(found)


def test_the_other_mode_gives_the_same_answer(waves, tmp_path):
    def hill(config, number):
        return -bowl(config, number)

    other = outcome_of(tmp_path / "s", cube(3), hill, trials=48, waves=4, search="coarse-to-fine", mode="max", epochs=1)
    found, same = random_search(waves), random_search(other)
    assert same.gain == found.gain
    assert same.random == -found.random


def test_a_random_search_gains_nothing_beyond_chance(tmp_path):
    outcomes = [outcome_of(tmp_path / str(k), cube(2), bowl, mode="min", epochs=1, seed=k) for k in range(4)]
    found = [random_search(outcome) for outcome in outcomes]
    assert sum(each.gain.low <= 0 <= each.gain.high for each in found) >= 3
    assert any(each.equal_trials.value < 32 for each in found)
    assert any(each.equal_trials.value > 32 for each in found)
    assert all("the study reached" in str(each) for each in found)


def test_larger_random_searches_reach_more(waves):
    table = random_search(waves).table()
    assert table.columns.tolist() == ["trials", "score", "low", "high"]
    assert {1, 48, 4096} <= set(table["trials"])
    assert table["score"].is_monotonic_decreasing
    assert ((table["low"] <= table["score"]) & (table["score"] <= table["high"])).all()
    small, large = random_search(waves, 8), random_search(waves, 1000)
    assert small.random.value > large.random.value
    assert small.gain.value > large.gain.value


@example_settings(max_examples=6, deadline=None)
@given(trials=st.integers(1, 6000), seed=st.integers(0, 3))
def test_intervals_are_in_order_whatever_the_size(waves, trials, seed):
    found = random_search(waves, trials, seed=seed)
    for each in (found.reached, found.random, found.gain, found.equal_trials):
        assert each.low <= each.value <= each.high
    assert found.random.low >= 0  # no trial was below 0, so nothing is expected there


def test_failed_and_stopped_trials_and_options_with_their_own_spaces(tmp_path):
    space = caviar.Space(
        rate=caviar.uniform(0, 1), kind=caviar.choice({"a": caviar.Space(x=caviar.uniform(0, 1)), "b": None})
    )

    def train(config, seed):
        if config["rate"] > 0.8:
            raise ValueError("too fast")
        for epoch in range(6):
            yield {"loss": (config["rate"] - 0.4) ** 2 + config.get("x", 0.5) / 10 + 1 / (epoch + 1)}

    study = caviar.Study(
        train, space=space, metric="loss", mode="min", trials=48, epochs=6, early_stopping="halving", confirm=False,
        workers=0, isolation="none", out=tmp_path / "s",
    )  # fmt: skip
    study.run(progress=False, failures=math.inf)
    found = random_search(study.outcome)
    assert found.trials == 48
    assert math.isfinite(found.random.value)


def test_a_random_search_of_a_small_space_finds_the_winner(tmp_path):
    space = caviar.Space(x=caviar.randint(1, 4), y=caviar.choice(["a", "b", "c"]))

    def value(config, number):
        return config["x"] + (config["y"] == "b")

    outcome = outcome_of(tmp_path / "s", space, value, trials=12, epochs=1)
    found = random_search(outcome)
    assert found.most_trials == 12
    assert found.equal_trials.high <= 12


def test_a_study_whose_bounds_grew_is_compared_with_its_own_space(tmp_path):
    outcome = outcome_of(
        tmp_path / "s",
        caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1)),
        lambda config, number: config["x"] - (config["y"] - 0.5) ** 2,
        trials=40,
        waves=4,
        search="coarse-to-fine",
        grow=True,
        epochs=1,
    )
    assert outcome.space != outcome.settings.space
    found = random_search(outcome)
    assert found.random.high < found.reached.low  # which lies beyond the bound


def test_what_follows_from_no_config_is_not_told(tmp_path):
    scores = iter(math.sin(7.7 * k**2) for k in range(64))
    outcome = outcome_of(tmp_path / "s", cube(2), lambda config, number: next(scores), trials=64, epochs=1)
    found = random_search(outcome)
    assert found.doubt
    assert str(found).startswith("What random search would have reached cannot be estimated: ")


def test_nothing_is_told_at_a_limit_that_no_trial_has_reached(tmp_path):
    def cone(config, number):
        return 1e-6 + abs(config["x0"] - 0.31) ** 4 * 100

    outcome = outcome_of(tmp_path / "s", cube(2), cone, trials=16, mode="min", epochs=1, seed=2)
    found = random_search(outcome)
    assert found.random.low == 0
    assert "near a limit that no trial has reached" in found.doubt


def test_too_few_trials_are_an_error(tmp_path):
    outcome = outcome_of(tmp_path / "s", cube(1), bowl, trials=7, epochs=1)
    with pytest.raises(InputError, match="must have at least 8 trials of complete waves with a value, got 7"):
        random_search(outcome)
    with pytest.raises(InputError, match="trials must be an integer >= 1, got 0"):
        random_search(outcome_of(tmp_path / "t", cube(1), bowl, trials=8, epochs=1), 0)


def test_confirmation_takes_luck_away(tmp_path):
    def train(config, seed):
        return {"loss": (config["x"] - 0.3) ** 2 + 0.1 * np.random.default_rng(seed).standard_normal()}

    study = caviar.Study(
        train, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss", mode="min", trials=32, seed=1,
        confirm=(2, 40), workers=0, isolation="none", out=tmp_path / "s",
    )  # fmt: skip
    study.run(progress=False)
    found, first = random_search(study.outcome), study.confirmation.iloc[0]
    assert found.reached.value == pytest.approx(first["mean"], abs=0.02)
    assert found.reached.high - found.reached.low < 0.1


def test_sentences():
    interval = Estimate(310.0, 90.0, 1200.0)
    found = Counterfactual(
        "accuracy", 64, True, Estimate(0.981, 0.979, 0.983), Estimate(0.970, 0.965, 0.974),
        Estimate(0.011, 0.006, 0.016), interval, 4096, "", (),
    )  # fmt: skip
    assert str(found) == (
        "Random search of 64 trials would have reached accuracy 0.9700 (0.9650 to 0.9740); the waves reached 0.9810 "
        "(0.9790 to 0.9830) and gained 0.011 (0.006 to 0.016). Random search needs about 310 trials to reach as much."
    )


def test_a_notebook_escapes_names(waves):
    html = random_search(waves)._repr_html_()
    assert "<table" in html
    escaped = Counterfactual(
        EVIL, 1, False, *[Estimate(1, 0, 2)] * 3, Estimate(math.inf, 1, math.inf), 4096, "", ()
    )._repr_html_()
    assert EVIL not in escaped
    assert "more than 4,100 trials" in escaped
