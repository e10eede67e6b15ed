"""The files of a Panda."""

import numpy as np
import pytest

import caviar
from caviar.errors import InputError, StorageError
from caviar.files import open_store
from caviar.panda.checkpoints import Checkpoints, PandaSettings, read_data, read_settings, write_data, write_settings


@pytest.mark.parametrize(
    "y",
    [np.linspace(0.0, 1.0, 80), np.array(["cat", "dog"] * 40), np.arange(80) % 2 == 0],
    ids=["reals", "str", "bool"],
)
def test_data_come_back_as_they_were_written(tmp_path, y):
    dataset = caviar.from_arrays(np.random.default_rng(0).normal(size=(80, 3)), y, name="own")
    write_data(open_store(tmp_path), dataset)
    again = read_data(open_store(tmp_path))
    assert again.fingerprint() == dataset.fingerprint()
    for name in ("name", "classes", "target_mean", "target_scale", "source"):
        assert getattr(again, name) == getattr(dataset, name)


def test_settings_come_back_as_they_were_written(tmp_path):
    settings = PandaSettings({"learning_rate": 0.1}, seed=3, horizon=5, checkpoint_seconds=1.5)
    write_settings(open_store(tmp_path), settings, caviar.load_digits())
    assert read_settings(open_store(tmp_path)) == settings


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1, "horizon": 0}', b'{"format": 1, "sing": 0}'])
def test_settings_that_cannot_be_read_are_a_storage_error(tmp_path, content):
    (tmp_path / "panda.json").write_bytes(content)
    with pytest.raises(StorageError, match="there is no Panda in"):
        read_settings(open_store(tmp_path))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"config": {"learning_rate": -1}}, "learning_rate"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"horizon": 0}, "horizon must be an integer >= 1, got 0"),
        ({"checkpoint_epochs": True}, "checkpoint_epochs must be an integer >= 1, got True"),
        ({"checkpoint_seconds": 0}, "checkpoint_seconds must be a number of seconds > 0"),
    ],
)
def test_invalid_settings_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        PandaSettings(**settings)


def test_checkpoints_are_numbered_newest_first_and_other_files_are_left_alone(tmp_path):
    checkpoints = Checkpoints(open_store(tmp_path))
    for number in (1, 10, 2):
        checkpoints.write(number, {"parameters": np.ones(3)}, b"{}")
    (tmp_path / "checkpoints" / "notes.npz").write_bytes(b"")
    assert checkpoints.numbers() == [10, 2, 1]
    arrays, state = checkpoints.read(10)
    assert arrays["parameters"].tolist() == [1.0, 1.0, 1.0]
    assert state == b"{}"
    checkpoints.keep_only({2})
    assert checkpoints.numbers() == [2]
    assert (tmp_path / "checkpoints" / "notes.npz").exists()


def test_a_checkpoint_with_a_pickle_is_damaged(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    np.savez(tmp_path / "checkpoints" / "00000001.npz", panda=np.array([{}], dtype=object))
    with pytest.raises(StorageError, match="is damaged"):
        Checkpoints(open_store(tmp_path)).read(1)
