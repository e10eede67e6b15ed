"""The models that are stored for every format: `python -m tests.model.trained.stored_model FOLDER` writes them anew.

Only a new format gets a new folder; the stored ones are never written again, because they have to open for ever.
"""

import sys
from pathlib import Path

import numpy as np

from caviar.data.dataset import from_arrays
from caviar.model.trained.estimators import estimator_of
from caviar.model.trained.model import Model, measure_gain
from caviar.model.trained.network import Origin, TrainedNetwork
from caviar.model.trained.schema import Schema
from caviar.model.training import Training

CONFIG = {"hidden_units": 20, "learning_rate": 0.02}
X = np.random.default_rng(0).normal(size=(300, 3)) * [1, 10, 100] + [0, 5, 1000]


def dataset(task):
    """Return data with a target that depends on the columns."""
    value = X[:, 0] + X[:, 1] / 10 + 2000
    y = np.array(["no", "yes"])[(value > 2000.5).astype(int)] if task == "classification" else value
    return from_arrays(X, y, name=task, task=task)


def model(task, config=CONFIG, networks=2, epochs=3):
    """Return a model of networks that were trained in one stack."""
    data = dataset(task)
    training = Training([config] * networks, range(networks), data, epochs)
    reports = [training.epoch() for _ in range(epochs)][-1]
    trained = [TrainedNetwork.of(training, i, Origin(config, epochs, i, reports[i], trial=i)) for i in range(networks)]
    made = Model(Schema.of(data), tuple(trained))
    return estimator_of(Model(made.schema, made.networks, measure_gain(made, data)))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    classifier, regressor = model("classification"), model("regression")
    classifier.save(folder / "classification.npz")
    regressor.save(folder / "regression.npz")
    np.savez(folder / "predictions.npz", x=X, p=classifier.predict_proba(X), y=regressor.predict(X))
