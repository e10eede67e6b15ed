"""Models as files: exact, whole, open for ever, and nothing in them runs."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.data.reading.read import read_table
from caviar.errors import CaviarError, InputError, StorageError
from caviar.model.state import from_npz, to_npz
from tests.model.trained.stored_model import X, model

FORMATS = sorted((Path(__file__).parent / "formats").iterdir())


@pytest.mark.parametrize("folder", FORMATS, ids=lambda folder: folder.name)
def test_a_stored_model_opens_with_the_predictions_of_its_time(folder):
    stored = np.load(folder / "predictions.npz")
    classifier = caviar.load_model(folder / "classification.npz")
    regressor = caviar.load_model(folder / "regression.npz")
    np.testing.assert_allclose(classifier.predict_proba(stored["x"]), stored["p"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(regressor.predict(stored["x"]), stored["y"], rtol=1e-6)
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.config["hidden_units"] == 20
    assert classifier.gain.metric == "val_accuracy"


@pytest.mark.parametrize("folder", FORMATS, ids=lambda folder: folder.name)
def test_a_stored_model_of_a_table_prepares_its_rows_as_in_its_time(folder):
    rows = read_table(folder / "table.csv")
    predicted = caviar.load_model(folder / "table.npz").predict_proba(rows)
    stored = np.load(folder / "table_predictions.npz")["p"]
    np.testing.assert_allclose(predicted, stored, rtol=1e-5, atol=1e-6)
    assert np.ptp(stored[:, 0]) > 0.3


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_saved_model_comes_back_to_the_last_bit(task, tmp_path):
    made = model(task)
    again = caviar.load_model(made.save(tmp_path / "new" / "model.npz"))
    assert type(again) is type(made)
    np.testing.assert_array_equal(again.predict(X), made.predict(X))
    assert (again.model.schema, again.gain) == (made.model.schema, made.gain)
    assert [n.origin for n in again.model.networks] == [n.origin for n in made.model.networks]
    assert again.save(tmp_path / "again.npz").read_bytes() == (tmp_path / "new" / "model.npz").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"new", "again.npz"}


CONTENT = (FORMATS[0] / "classification.npz").read_bytes()


def changed(**changes):
    arrays = from_npz(CONTENT)
    text = json.loads(arrays["text"].tobytes())
    for name, value in changes.items():
        if name in arrays:
            arrays[name] = value
        else:
            text[name] = value
    return to_npz({**arrays, "text": np.frombuffer(json.dumps(text).encode(), np.uint8)})


DAMAGED = {
    "empty": b"",
    "text": b"width,kind\n1,rose\n",
    "pickle": pickle.dumps([1]),
    "another array": to_npz({"a": np.zeros(3)}),
    "no networks": changed(networks=[]),
    "no layers": changed(networks=[{"activation": "relu"}]),
    "a list": changed(model=[1]),
    "an unknown preparation": changed(model={"schema": {"preparation": [{"kind": "code"}]}, "gain": None}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_file_of_another_kind_gets_one_sentence(content, tmp_path):
    (tmp_path / "file.npz").write_bytes(content)
    with pytest.raises(StorageError, match=r"file\.npz is not a model of Caviar, or is damaged") as caught:
        caviar.load_model(tmp_path / "file.npz")
    assert "\n" not in str(caught.value)
    assert "pickle" not in str(caught.value)


@settings(max_examples=60)
@given(st.integers(0, len(CONTENT) - 1))
def test_a_torn_file_gets_one_sentence(length):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "torn.npz"
        path.write_bytes(CONTENT[:length])
        with pytest.raises(StorageError, match="is damaged"):
            caviar.load_model(path)


@settings(max_examples=60)
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_harmless(position, difference):
    import tempfile

    content = bytearray(CONTENT)
    content[position] ^= difference
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.npz"
        path.write_bytes(content)
        try:
            predicted = caviar.load_model(path).predict_proba(X)
        except CaviarError:
            return
        np.testing.assert_array_equal(predicted, caviar.load_model(FORMATS[0] / "classification.npz").predict_proba(X))


class Exploit:
    def __reduce__(self):
        return Path.touch, (Path("exploited"),)


def test_a_hostile_file_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hostile.npz").write_bytes(pickle.dumps(Exploit()))
    np.savez(tmp_path / "array.npz", text=np.array([Exploit()], object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "member.npz", "w") as archive:
        archive.writestr("text.npy", pickle.dumps(Exploit()))
    for name in ("hostile", "array", "member"):
        with pytest.raises(StorageError, match="is damaged"):
            caviar.load_model(f"{name}.npz")
    assert not Path("exploited").exists()


def test_a_newer_format_and_a_missing_file_get_one_sentence(tmp_path):
    (tmp_path / "new.npz").write_bytes(changed(format=2))
    with pytest.raises(StorageError, match="has format 2, newer than this Caviar's 1; update Caviar"):
        caviar.load_model(tmp_path / "new.npz")
    with pytest.raises(InputError, match=r"cannot read .*none\.npz \(No such file"):
        caviar.load_model(tmp_path / "none.npz")


def test_a_file_with_the_weights_of_a_trial_alone_says_how_to_read_it(tmp_path):
    (tmp_path / "000017.npz").write_bytes(changed(model=None))
    with pytest.raises(InputError, match="only the weights of a trial"):
        caviar.load_model(tmp_path / "000017.npz")
