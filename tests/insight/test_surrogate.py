"""The process of a study's trials predicts in the metric's unit, around the winner and elsewhere."""

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.insight.surrogate import Surrogate
from tests.insight.studies import cube, outcome_of


@pytest.fixture(params=["min", "max"])
def surrogate(request, tmp_path):
    return Surrogate.of(outcome_of(tmp_path, cube(2), lambda c, _: 3 + 2 * c["x0"], mode=request.param, trials=24))


def test_it_predicts_the_metric_in_its_own_unit(surrogate):
    points = np.array([[0.2, 0.5], [0.8, 0.5]])
    mean, deviation = surrogate.predict(points)
    assert mean == pytest.approx([3.4, 4.6], abs=0.1)
    assert (deviation < 0.2).all()


def test_differences_are_positive_where_the_first_is_worse_and_surer_than_values(surrogate):
    low, high = np.array([[0.45, 0.5]]), np.array([[0.55, 0.5]])
    mean, deviation = surrogate.differences(low, high)
    assert mean[0] == pytest.approx(-surrogate.sign * 0.2, abs=0.05)
    assert deviation[0] <= 2 * max(surrogate.predict(low)[1][0], surrogate.predict(high)[1][0])
    assert surrogate.differences(low, low) == (0, pytest.approx(0, abs=1e-6))


def test_a_slice_keeps_the_winner_elsewhere(surrogate):
    points = surrogate.along(0, steps := surrogate.steps(0, 5))
    assert points[:, 0].tolist() == steps.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert (points[:, 1] == surrogate.winner[1]).all()


def test_too_few_trials_are_one_sentence(tmp_path):
    outcome = outcome_of(tmp_path, cube(1), lambda c, n: c["x0"] if n < 3 else "broken", trials=6)
    with pytest.raises(InputError, match="at least 4 trials that have finished, got 3; try a study with more trials"):
        Surrogate.of(outcome)


@pytest.mark.parametrize(
    ("options", "is_shared"), [({}, True), ({"early_stopping": "halving"}, True), ({"waves": "continuous"}, False)]
)
def test_the_process_is_fitted_once_if_the_search_was_told_the_same(tmp_path, options, is_shared):
    def train(config, seed):
        for epoch in range(1, 10):
            yield {"loss": (config["x0"] - 0.4) ** 2 + 1 / epoch}

    study = caviar.Study(
        train, space=cube(2), metric="loss", mode="min", trials=16, epochs=9, workers=0, isolation="none",
        out=tmp_path / "s", **options,
    )  # fmt: skip
    study.run(progress=False)
    outcome = study.outcome
    assert (Surrogate.of(outcome).process is outcome.search.surrogate) == is_shared
