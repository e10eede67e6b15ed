"""ONNX in onnxruntime gives what NumPy gives."""

import numpy as np
import pytest

from caviar.data.preparation.columns import Number
from caviar.data.preparation.preparation import Preparation
from caviar.model.trained.estimators import estimator_of
from caviar.model.trained.model import Model
from caviar.model.trained.schema import Schema
from tests.model.trained.stored_model import X, model
from tests.model.trained.test_network import SHAPES

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


def run(content, inputs):
    session = onnxruntime.InferenceSession(content)
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))


@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("config", SHAPES, ids=str)
def test_raw_rows_give_the_predictions_of_numpy(config, networks, tmp_path):
    classifier, regressor = (model(task, config, networks) for task in ("classification", "regression"))
    classifier.to_onnx(tmp_path / "model.onnx")
    outputs = run((tmp_path / "model.onnx").read_bytes(), {"x": X})
    np.testing.assert_allclose(outputs["probabilities"], classifier.predict_proba(X), atol=1e-5)
    assert outputs["label"].tolist() == classifier.predict(X).tolist()
    values = run(regressor.to_onnx().SerializeToString(), {"x": X})["value"]
    np.testing.assert_allclose(values, regressor.predict(X), rtol=1e-5)
    assert values.dtype == np.float64


def test_large_numbers_are_standardised_in_full_precision():
    made = model("classification", networks=1).model
    columns = tuple(Number(c.name, c.mean + 1e9, c.scale) for c in made.schema.preparation.columns)
    schema = Schema("far", "classification", 3, made.schema.classes, "", Preparation(columns))
    far = estimator_of(Model(schema, made.networks))
    outputs = run(far.to_onnx().SerializeToString(), {"x": X + 1e9})
    np.testing.assert_allclose(outputs["probabilities"], far.predict_proba(X + 1e9), atol=1e-5)


@pytest.mark.parametrize("classes", [(3, 7), (False, True), (0.5, 1.5), ("é", "b")])
def test_labels_are_those_of_the_data(classes):
    made = model("classification", networks=1).model
    schema = Schema("labels", "classification", 3, classes, "", made.schema.preparation)
    classifier = estimator_of(Model(schema, made.networks))
    assert run(classifier.to_onnx().SerializeToString(), {"x": X})["label"].tolist() == classifier.predict(X).tolist()
