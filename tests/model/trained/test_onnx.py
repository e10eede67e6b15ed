"""ONNX in onnxruntime gives what NumPy gives."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from caviar.data.preparation.columns import Number
from caviar.data.preparation.preparation import Preparation
from caviar.errors import InputError
from caviar.model.trained import onnx as module
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


@dataclass(frozen=True)
class Word:
    name: str
    word: str = "yes"

    @property
    def features(self):
        return (self.name,)

    def encode(self, values, out):
        out[:, 0] = values == self.word


def with_a_word():
    made = model("regression", networks=1).model
    first, second, _ = made.schema.preparation.columns
    preparation = Preparation((Number("a", first.mean, first.scale), Number("b", second.mean, second.scale), Word("c")))
    return estimator_of(Model(Schema("words", "regression", 3, (), "", preparation), made.networks))


def test_a_column_of_another_kind_has_an_input_of_its_own_or_gets_one_sentence(monkeypatch):
    words = with_a_word()
    with pytest.raises(InputError, match=r"ONNX cannot express how the column 'c' \(word\) is prepared"):
        words.to_onnx()

    def encode(graph, column):
        raw = graph.input(column.name, graph.types.STRING, 1)
        return graph.apply("Cast", graph.apply("Equal", raw, graph.constant(np.array(["yes"], object))), to=1)

    monkeypatch.setattr(module, "ENCODERS", {**module.ENCODERS, Word: encode})
    monkeypatch.setattr(module, "_OPSET", 19)  # the first whose Equal compares strings
    monkeypatch.setattr(module, "_IR_VERSION", 9)
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": np.where(X[:, 2] > 1000, "yes", "no")})
    inputs = {"a": X[:, :1], "b": X[:, 1:2], "c": table[["c"]].to_numpy(object)}
    values = run(words.to_onnx().SerializeToString(), inputs)["value"]
    np.testing.assert_allclose(values, words.predict(table), rtol=1e-5)
