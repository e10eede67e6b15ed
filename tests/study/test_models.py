"""The model of a study: exact, from its folder alone, on all rows, averaged, or trained again."""

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.model.training import Training

DIGITS = caviar.load_digits()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = caviar.Study(
        "digits", trials=9, waves=1, epochs=3, confirm=(1, 3), early_stopping="halving", workers=0,
        out=tmp_path_factory.mktemp("models") / "s",
    )  # fmt: skip
    study.run(progress=False)
    return study


def accuracy(model):
    return (model.model.networks[0].logits(DIGITS.val_x).argmax(axis=1) == DIGITS.val_y).mean()


def test_the_winner_is_the_same_from_the_study_and_from_its_folder(study):
    ours, alone = study.model(), caviar.Outcome.read(study.folder).model()
    assert ours.model.networks[0].origin.trial == study.best.trial
    assert accuracy(ours) == study.best.metrics["val_accuracy"]
    np.testing.assert_array_equal(ours.predict_proba(DIGITS.val_x), alone.predict_proba(DIGITS.val_x))
    assert alone.model.schema == ours.model.schema


def test_any_other_trial_is_trained_again_to_the_same_bits(study):
    for number in range(9):
        result = study.outcome.trial(number)
        model = study.model(number)
        assert accuracy(model) == result.metrics["val_accuracy"]
        assert model.model.networks[0].origin.epochs == result.epochs  # a stopped one is not trained further
    others = [n for n in range(9) if n != study.best.trial]
    with pytest.raises(InputError, match=rf"weights of trial {others[0]} were not kept .*Study\.open\("):
        study.outcome.model(others[0])
    with pytest.raises(InputError, match="no trial 99"):
        study.model(99)


def test_on_all_rows_it_is_trained_on_each_of_them(study):
    model, result = study.model(on="all"), study.best
    parts = [DIGITS.train_x, DIGITS.val_x, DIGITS.test_x]
    from caviar.study.models import on_all_rows

    data = on_all_rows(DIGITS)
    np.testing.assert_array_equal(data.train_x, np.concatenate(parts))
    training = Training([result.config], [result.seed], data, 3)
    for _ in range(3):
        training.epoch()
    x = model.model.schema.prepare(np.zeros((4, 64)))
    np.testing.assert_array_equal(model.model.predict(x), training.predict(0, x))
    with pytest.raises(InputError, match="on must be 'train' or 'all', got 'test'"):
        study.model(on="test")


def test_an_ensemble_averages_the_networks_that_confirmed_the_winner(study, caplog):
    with caplog.at_level("INFO", "caviar"):
        model = study.model(ensemble=True)
    trials = [r.trial for r in study.outcome.results if r.confirms == study.best.trial]
    assert [network.origin.trial for network in model.model.networks] == trials
    assert f"3 networks: {model.gain}" in caplog.text
    singles = [study.outcome.trial(n).metrics["val_accuracy"] for n in trials]
    assert model.gain.single == pytest.approx(np.mean(singles))
    averaged = (model.model.classify(DIGITS.val_x) == DIGITS.val_y).mean()
    assert model.gain.averaged == pytest.approx(averaged)
    alone = study.outcome.model(ensemble=True)
    np.testing.assert_array_equal(alone.model.predict(DIGITS.val_x), model.model.predict(DIGITS.val_x))
    assert alone.gain is None
    assert len(study.model(on="all", ensemble=True).model.networks) == 3
    other = next(n for n in range(9) if n != study.best.trial)
    with pytest.raises(InputError, match=f"trial {other} was not confirmed"):
        study.model(other, ensemble=True)


def test_a_regression_gets_numbers_in_their_own_unit(tmp_path):
    x = np.random.default_rng(0).normal(size=(200, 2)) * 5
    y = x[:, 0] * 3 + 1000
    study = caviar.Study((x, y), trials=4, epochs=20, workers=0, out=tmp_path / "s")
    study.run(progress=False)
    model = study.model()
    assert model.score(x, y) > 0.5
    assert abs(model.predict(x).mean() - 1000) < 5


def test_a_trial_that_diverged_has_no_model(tmp_path):
    space = {"learning_rate": [1e30, 0.01], "optimizer": "momentum", "batch_norm": False}
    study = caviar.Study(
        "digits", space=space, search="grid", trials=2, waves=1, epochs=2, workers=0, out=tmp_path / "s"
    )
    table = study.run(progress=False)
    assert "diverged" in table["state"].tolist()
    with pytest.raises(InputError, match=r"diverged .*so it has no model"):
        study.model(int(table["trial"][table["state"] == "diverged"].iloc[0]))


def test_ordered_classes_are_sorted_where_scikit_learn_takes_it_for_granted(tmp_path):
    import pandas as pd
    from sklearn.metrics import get_scorer

    x = np.random.default_rng(0).normal(size=300)
    grade = np.array(["low", "middle", "high"])[np.digitize(x, [-0.5, 0.5])]
    dtype = pd.CategoricalDtype(["low", "middle", "high"], ordered=True)
    table = pd.DataFrame({"x": x, "grade": pd.Series(grade, dtype=dtype)})
    data = caviar.load_table(table, "grade")
    assert data.classes == ("low", "middle", "high")
    study = caviar.Study(data, trials=4, epochs=20, confirm=False, workers=0, out=tmp_path / "s")
    study.run(progress=False)
    assert study.outcome.test.labels == data.classes
    model = study.model()
    assert model.classes_.tolist() == ["high", "low", "middle"]
    assert get_scorer("roc_auc_ovr")(model, table, grade) > 0.95
    assert (model.classes_[model.predict_proba(table).argmax(axis=1)] == model.predict(table)).all()
    path = model.save(tmp_path / "m.npz")
    assert (caviar.load_model(path).predict(table) == model.predict(table)).all()
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model.to_onnx().SerializeToString())
    label, probabilities = session.run(None, {"x": table[["x"]].to_numpy()})
    assert (label == model.predict(table)).all()
    assert abs(probabilities - model.predict_proba(table)).max() < 1e-5
