"""Models as scikit-learn estimators of raw rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import get_scorer

from caviar.data.preparation.columns import Number
from caviar.data.preparation.preparation import Preparation
from caviar.errors import InputError
from caviar.model.trained.estimators import estimator_of
from caviar.model.trained.model import Model
from caviar.model.trained.schema import Schema
from tests.model.trained.stored_model import X, dataset, model

NAMES = ["width", "height", "depth"]


def named(task, **options):
    """A model whose columns have names."""
    made = model(task, **options).model
    columns = tuple(Number(n, c.mean, c.scale) for n, c in zip(NAMES, made.schema.preparation.columns, strict=True))
    schema = Schema(task, task, 3, made.schema.classes, "kind", Preparation(columns))
    return estimator_of(Model(schema, made.networks))


TABLE = pd.DataFrame(X, columns=NAMES)


def test_rows_may_be_a_table_in_any_order_or_an_array_or_lists():
    classifier = named("classification")
    expected = classifier.predict_proba(TABLE)
    for rows in (TABLE[["depth", "width", "height"]].assign(other="x"), X, X.tolist(), X.astype(object)):
        np.testing.assert_array_equal(classifier.predict_proba(rows), expected)
    assert classifier.feature_names_in_.tolist() == NAMES
    assert classifier.n_features_in_ == 3
    assert classifier.predict_proba(TABLE[:0]).shape == (0, 2)


def test_columns_without_names_go_by_position():
    classifier = model("classification")
    np.testing.assert_array_equal(classifier.predict(TABLE), classifier.predict(X))
    assert not hasattr(classifier, "feature_names_in_")


BAD = {
    "the table lacks 2 columns: width, depth; it has height": TABLE[["height"]],
    "the rows have 2 columns, but the model was trained on 3: width, height, depth": X[:, :2],
    r"two dimensions, got a ndarray of shape \(3,\); for one row, try \[row\]": X[0],
    r"got a Series of shape \(3,\); for one row, try .*pandas.DataFrame\(\[row\]\)": TABLE.iloc[0],
    r"got a dict of shape \(\); for one row, try .*pandas.DataFrame\(\[row\]\)": TABLE.iloc[0].to_dict(),
    "column 'width' must hold numbers, as in training, got 'wide'": TABLE.assign(width="wide"),
    "real numbers, got complex ones": X * 1j,
    "two columns named 'width'": pd.concat([TABLE, TABLE[["width"]]], axis=1),
}


@pytest.mark.parametrize("sentence", BAD)
def test_wrong_rows_get_one_sentence(sentence):
    with pytest.raises(InputError, match=sentence):
        named("regression").predict(BAD[sentence])


def test_scores_are_those_of_scikit_learn_and_labels_those_of_the_data():
    classifier, regressor = named("classification"), named("regression")
    data = dataset("regression")
    y = np.where(X[:, 0] + X[:, 1] / 10 > 0.5, "yes", "no")
    assert classifier.score(TABLE, y) == (classifier.predict(TABLE) == y).mean() > 0.8
    assert set(classifier.predict(TABLE)) <= set(classifier.classes_.tolist()) == {"no", "yes"}
    assert get_scorer("neg_log_loss")(classifier, TABLE, y) > -0.7
    assert get_scorer("r2")(regressor, TABLE, X[:, 0] + X[:, 1] / 10 + 2000) == regressor.score(
        TABLE, X[:, 0] + X[:, 1] / 10 + 2000
    )
    assert (is_classifier(classifier), is_regressor(regressor)) == (True, True)
    assert regressor.predict(X).mean() == pytest.approx(data.target_mean, rel=0.01)


def test_an_ensemble_averages_its_networks():
    for task in ("classification", "regression"):
        made = model(task, networks=3)
        x = made.model.schema.prepare(X)
        expected = np.mean([network.predict(x) for network in made.model.networks], axis=0)
        np.testing.assert_array_equal(made.model.predict(x), expected)
        if task == "classification":
            np.testing.assert_array_equal(made.predict(X), made.classes_[expected.argmax(axis=1)])
        assert made.gain.low <= made.gain.gain <= made.gain.high
        assert f"averaging gains {made.gain.gain:.3g} of {made.gain.metric}" in str(made.gain)


def test_it_works_in_scikit_learns_tools_and_cannot_be_fitted_again():
    classifier = named("classification")
    y = np.where(X[:, 0] + X[:, 1] / 10 > 0.5, "yes", "no")
    importance = permutation_importance(classifier, TABLE, y, n_repeats=2, random_state=0)
    assert importance.importances_mean[0] > importance.importances_mean[2]
    assert clone(classifier) is classifier
    assert CalibratedClassifierCV(FrozenEstimator(classifier)).fit(TABLE, y).predict_proba(TABLE).shape == (300, 2)
    with pytest.raises(InputError, match=r"trained already.*BatchNormMLPClassifier"):
        classifier.fit(TABLE, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(classifier)).predict(TABLE), classifier.predict(TABLE))


def test_it_is_shown_in_one_line():
    assert repr(named("regression", networks=1)).startswith(
        "<TrainedRegressor regression: kind from 3 columns, 1 network of trial 0, val_rmse "
    )
    made = named("classification")
    assert repr(made) == "<TrainedClassifier classification: kind from 3 columns, 2 networks>"
    assert made._repr_html_() == f"<code>{repr(made).replace('<', '&lt;').replace('>', '&gt;')}</code>"


def test_rows_without_a_preparation_are_features():
    made = model("regression").model
    plain = estimator_of(Model(Schema("r", "regression", 3), made.networks))
    np.testing.assert_array_equal(plain.predict(made.schema.prepare(X)), model("regression").predict(X))
