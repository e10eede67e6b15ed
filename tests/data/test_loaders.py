"""Data from names, files and sources."""

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.data.loaders import load, load_csv, load_digits, load_source
from caviar.data.source import Source, SourceKind
from caviar.errors import InputError


def test_the_digits_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is a part of the test extra")
    data, original = load_digits(), datasets.load_digits()
    assert (data.features, data.outputs, data.classes) == (64, 10, tuple(range(10)))
    assert sum(len(part) for part in data.arrays[::2]) == len(original.data)
    counts = sum(np.bincount(part) for part in data.arrays[1::2])
    assert (counts == np.bincount(original.target)).all()


def write(folder, text):
    file = folder / "data.csv"
    file.write_text(text)
    return file


def write_table(folder):
    lines = [f"{number / 7:.3f},{number % 5},{number % 2 == 0},{'ab'[number % 3 % 2]}" for number in range(50)]
    return write(folder, "\n".join(["width,height,flag,kind", *lines]))


def test_a_csv_file_becomes_data(tmp_path):
    file = write_table(tmp_path)
    data = load_csv(file, target="kind")
    assert (data.name, data.task, data.features, data.classes) == ("data", "classification", 3, ("a", "b"))
    assert data.source == Source(SourceKind.TABLE, str(file.resolve()), target="kind")


INVALID = {
    "empty": ("", "kind", "is empty"),
    "header only": ("width,kind\n", "kind", "0 rows and 1 feature columns"),
    "target only": ("kind\n" + "a\nb\n" * 20, "kind", "0 feature columns"),
    "unknown column": ("width,kind\n" + "1,a\n2,b\n" * 20, "kinds", "no column 'kinds'; did you mean 'kind'"),
    "one class": ("width,kind\n" + "1,a\n2,a\n" * 20, "kind", "'a' in every row"),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_file_raises_one_sentence(case, tmp_path):
    text, target, message = INVALID[case]
    with pytest.raises(InputError, match=message) as error:
        load_csv(write(tmp_path, text), target=target)
    assert "\n" not in str(error.value)


def test_an_unknown_file_or_name_raises(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*none\.csv: there is no such file"):
        load_csv(tmp_path / "none.csv", target="kind")
    with pytest.raises(InputError, match="is a folder"):
        load_csv(tmp_path, target="kind")
    with pytest.raises(InputError, match=r"data must be 'digits', .* got 'mnist'"):
        load("mnist")
    with pytest.raises(InputError, match="got a value of type int"):
        load(3)


def test_a_source_loads_the_same_data_again(tmp_path):
    for data in (load_digits(), load_csv(write_table(tmp_path), target="kind", task="classification", seed=3)):
        plain = data.source.to_plain()
        restored = load_source(Source.from_plain(plain))
        assert (restored.fingerprint(), restored.source) == (data.fingerprint(), data.source)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_in_the_home_folder_is_found_again(ending, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    table = pd.DataFrame({"width": np.arange(60) / 7, "kind": ["a", "b"] * 30})
    if ending == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is a part of the test extra")
        table.to_parquet(tmp_path / "flowers.parquet")
    else:
        table.to_csv(tmp_path / "flowers.csv", index=False)
    data = caviar.load_table(f"~/flowers.{ending}", "kind", validation=f"~/flowers.{ending}")
    assert data.source.path == str((tmp_path / f"flowers.{ending}").resolve())
    assert load_source(data.source).fingerprint() == data.fingerprint()


def test_a_source_that_cannot_be_loaded_again_raises(tmp_path):
    with pytest.raises(InputError, match=r"in Python, pass them again: caviar\.Study\.open\(FOLDER, data=\(x, y\)\)$"):
        load_source(Source(SourceKind.ARRAYS))
    with pytest.raises(InputError, match="'module:train' is a function, not a data set; pass the data again"):
        load_source(Source(SourceKind.FUNCTION, function="module:train"))
    file = write_table(tmp_path)
    with pytest.raises(InputError, match="has changed"):
        load_source(Source(SourceKind.CSV, str(file), target="kind", fingerprint="0" * 16))


def test_an_unknown_source_raises():
    for plain in ({"kind": "parquet"}, {"kind": "csv", "sheet": 1}, {}):
        with pytest.raises(InputError, match="written by a newer Caviar"):
            Source.from_plain(plain)
