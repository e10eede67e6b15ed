"""What trials would have reached that were stopped early."""

import numpy as np
import pytest

import caviar
from caviar.insight.ends import ends
from caviar.insight.importance import importance
from tests.insight.studies import cube

EPOCHS = 16


@pytest.fixture(params=["min", "max"])
def study(request, tmp_path):
    """x1 delays a trial, x0 decides where it ends."""
    sign = 1 if request.param == "min" else -1

    def train(config, seed):
        for epoch in range(1, EPOCHS + 1):
            yield {"loss": sign * (config["x0"] + 3 * config["x1"] * 0.5 ** (8 * epoch / EPOCHS))}

    study = caviar.Study(
        train, space=cube(2), metric="loss", mode=request.param, trials=64, epochs=EPOCHS, search="random",
        early_stopping="halving", confirm=False, out=tmp_path / "s", workers=0, isolation="none",
    )  # fmt: skip
    study.run(progress=False)
    return study


def test_stopped_trials_have_their_predicted_end(study):
    table, objective = study.outcome.table, study.outcome.settings.objective
    stopped = (table["state"] == "stopped").to_numpy(bool)
    assert 32 < stopped.sum() < 60
    last, reached = table["loss"].to_numpy(float), ends(study.outcome)
    np.testing.assert_array_equal(reached[~stopped], last[~stopped])
    truth = objective.sign * table["x0"].to_numpy(float)
    assert np.abs(reached - truth)[stopped].mean() < 0.3 * np.abs(last - truth)[stopped].mean()


def test_without_predictions_they_have_their_last_value(tmp_path):
    def train(config, seed):
        yield from ({"loss": config["x0"] / epoch} for epoch in range(1, EPOCHS + 1))

    study = caviar.Study(
        train, space=cube(1), metric="loss", mode="min", trials=16, epochs=EPOCHS, workers=0, isolation="none",
        early_stopping=caviar.Halving(predicted=False), confirm=False, out=tmp_path / "s",
    )  # fmt: skip
    study.run(progress=False)
    np.testing.assert_array_equal(ends(study.outcome), study.outcome.table["loss"])


def test_a_hyperparameter_that_only_delays_trials_is_not_important(study):
    shares = importance(study.outcome).set_index("hyperparameter")["share"]
    assert shares["x0"] > 0.8
    assert shares["x1"] < 0.1
