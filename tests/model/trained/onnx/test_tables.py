"""Models of tables, as they are found, give in ONNX what they give in NumPy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.model.trained.estimators import estimator_of
from caviar.model.trained.model import Model
from caviar.model.trained.network import Origin, TrainedNetwork
from caviar.model.trained.schema import Schema
from caviar.model.training import Training

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

ROWS = 90
COLUMNS = {"shop": "category", "size": ["small", "medium", "large"], "grade": [3, 1, 2], "label": "keep"}


def table(seed, gaps):
    """Return a table of every kind of column, the last rows of which hold what the others do not."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({
        "width": rng.normal(3e6, 10, ROWS),
        "income": np.exp(rng.normal(0, 4, ROWS)),
        "visits": np.round(np.exp(rng.normal(0, 2, ROWS))),
        "member": rng.random(ROWS) < 0.4,
        "label": rng.choice(["red", "blue", "Äpfel", "no", "rare"], ROWS, p=[0.4, 0.3, 0.15, 0.13, 0.02]),
        "shop": rng.choice([7.0, 7.5, 1e6, 12.0], ROWS, p=[0.5, 0.3, 0.19, 0.01]),
        "size": rng.choice(COLUMNS["size"], ROWS),
        "grade": rng.choice(COLUMNS["grade"], ROWS).astype(float),
        "day": np.datetime64("1969-06-01", "s") + rng.integers(0, 10**8, ROWS),
        "stay": pd.to_timedelta(rng.integers(1, 10**6, ROWS), unit="s"),
        "": rng.normal(size=ROWS),
        "sub_0": rng.normal(size=ROWS),
    })  # fmt: skip
    made["member"] = made["member"].astype("boolean")
    made["y"] = made["width"] - 3e6 + 10 * (made["label"] == "red") + 2 * rng.normal(size=ROWS)
    for name in made.columns[:-1]:
        made.loc[rng.random(ROWS) < gaps, name] = None
    return made


def new_rows(seed):
    """Return rows with gaps, unseen levels and extremes."""
    rows = table(seed, 0.3).drop(columns="y")
    far = [1e300, -1e300, np.inf, -np.inf, 0.0]
    rows.loc[:4, "width"] = rows.loc[:4, "income"] = rows.loc[:4, "visits"] = far
    rows.loc[5:9, "label"], rows.loc[5:9, "size"] = "unseen", "huge"
    rows.loc[5:9, "shop"] = rows.loc[5:9, "grade"] = 99.0
    rows.loc[5:6, "day"] = np.array(["1850-01-01", "2200-12-31T23:59:59"], "datetime64[s]")
    return rows


def inputs_of(session, rows):
    """Return the inputs of rows, as users make them."""
    seconds = rows.assign(
        day=(rows["day"] - pd.Timestamp(0)) / pd.Timedelta(seconds=1), stay=rows["stay"].dt.total_seconds()
    ).rename(columns={"": "_"})
    return {
        each.name: seconds[[each.name]].fillna("").to_numpy(str)
        if each.type == "tensor(string)"
        else seconds[[each.name]].to_numpy(float, na_value=np.nan)
        for each in session.get_inputs()
    }


def models(data, networks=2, epochs=3):
    """Return a model of one network, and one of several."""
    config = {"hidden_units": 12, "learning_rate": 0.02}
    training = Training([config] * networks, range(networks), data, epochs)
    for _ in range(epochs):
        training.epoch()
    trained = tuple(TrainedNetwork.of(training, i, Origin(config, epochs, i)) for i in range(networks))
    return [estimator_of(Model(Schema.of(data), chosen)) for chosen in (trained[:1], trained)]


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.02, 0.2]))
@settings(max_examples=10)
def test_predictions_on_new_rows_are_those_of_numpy(seed, gaps):
    known, rows = table(seed, gaps), new_rows(seed)
    for model in models(caviar.load_table(known, "y", task="regression", columns=COLUMNS)):
        session = onnxruntime.InferenceSession(model.to_onnx().SerializeToString())
        (values,) = session.run(["value"], inputs_of(session, rows))
        farthest = abs(model.model.schema.prepare(rows)).max(axis=1)  # float32 is less exact where this is 1e6
        tolerance = 1e-5 * model.model.networks[0].target_scale * np.maximum(1, farthest / 10)
        assert (abs(values - model.predict(rows)) <= tolerance).all()
    known["y"] = np.where(known["y"] > known["y"].median(), "much", "little")
    for model in models(caviar.load_table(known, "y", columns=COLUMNS)):
        session = onnxruntime.InferenceSession(model.to_onnx().SerializeToString())
        # a column has the name of the output
        label, probabilities = session.run(["label_", "probabilities"], inputs_of(session, rows))
        np.testing.assert_allclose(probabilities, model.predict_proba(rows), atol=1e-5)
        assert (label == model.predict(rows)).all()
