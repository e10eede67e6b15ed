"""The models that are stored for every format: `python -m tests.model.trained.stored_model FOLDER` writes them anew.

Only a new format gets a new folder; the stored ones are never written again, because they have to open for ever.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from caviar.data.dataset import from_arrays
from caviar.data.table import load_table
from caviar.model.trained.estimators import estimator_of
from caviar.model.trained.model import Model
from caviar.model.trained.network import Origin, TrainedNetwork
from caviar.model.trained.schema import Schema
from caviar.model.training import Training
from caviar.study.evaluation.gain import measure_gain

CONFIG = {"hidden_units": 20, "learning_rate": 0.02}
X = np.random.default_rng(0).normal(size=(300, 3)) * [1, 10, 100] + [0, 5, 1000]


def dataset(task):
    """Return data with a target that depends on the columns."""
    value = X[:, 0] + X[:, 1] / 10 + 2000
    y = np.array(["no", "yes"])[(value > 2000.5).astype(int)] if task == "classification" else value
    return from_arrays(X, y, name=task, task=task)


def table(rows=240):
    """Return rows with a column of every kind, and gaps."""
    random = np.random.default_rng(1)
    age = random.normal(40, 15, rows)
    frame = pd.DataFrame(
        {
            "age": np.where(np.arange(rows) % 9 == 0, np.nan, age),
            "income": random.lognormal(0, 3, rows),
            "town": np.array(["Lyon", "Nice", "Pau", None, "Sète"], object)[random.integers(0, 5, rows) % 5],
            "grade": np.array(["low", "middle", "high"])[random.integers(0, 3, rows)],
            "member": random.random(rows) < 0.5,
            "since": pd.date_range("2020-01-01", periods=rows, freq="31h").strftime("%Y-%m-%d %H:%M"),
            "answer": np.where(age + random.normal(0, 5, rows) > 40, "yes", "no"),
        }
    )
    frame.loc[3, "town"] = "Brest"
    return frame


def table_model():
    """Return the model of a study of the table."""
    data = load_table(table(), "answer", columns={"grade": ["low", "middle", "high"]})
    training = Training([CONFIG], [0], data, epochs=3)
    reports = [training.epoch() for _ in range(3)][-1]
    network = TrainedNetwork.of(training, 0, Origin(CONFIG, 3, 0, reports[0], trial=0))
    return estimator_of(Model(Schema.of(data), (network,)))


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
    table_model().save(folder / "table.npz")
    table().to_csv(folder / "table.csv", index=False)
    p = table_model().predict_proba(table())
    np.savez(folder / "table_predictions.npz", p=p)
    np.savez(folder / "predictions.npz", x=X, p=classifier.predict_proba(X), y=regressor.predict(X))
