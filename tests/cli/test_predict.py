"""caviar predict, as a user runs it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.cli import predict as module
from caviar.cli.main import main
from caviar.csv import read_csv

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with tables, and studies that learned from them: "kept" with its weights, "plain" without, "numbers"."""
    folder = tmp_path_factory.mktemp("predict")
    x = np.random.default_rng(0).normal(size=(120, 2)) * 3 + 100
    table = pd.DataFrame({"width": x[:, 0], "height": x[:, 1]})
    table.assign(kind=np.where(x.sum(axis=1) > 200, "rose", "daisy")).to_csv(folder / "flowers.csv", index=False)
    table.assign(price=x[:, 0] * 2).to_csv(folder / "prices.csv", index=False)
    for name, file, target, options in (
        ("kept", "flowers.csv", "kind", {"keep": 1}),
        ("plain", "flowers.csv", "kind", {}),
        ("numbers", "prices.csv", "price", {"keep": 1}),
    ):
        data = caviar.load_csv(folder / file, target)
        study = caviar.Study(data, trials=4, epochs=3, workers=0, out=folder / "runs" / name, **options)
        study.run(progress=False)
    arrays = x, np.where(x.sum(axis=1) > 200, "rose", "daisy")
    caviar.Study(arrays, trials=2, epochs=1, workers=0, out=folder / "runs" / "arrays").run(progress=False)
    study.model().save(folder / "numbers.npz")
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name in ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def run(capsys, *arguments):
    main(["predict", *arguments])
    printed = capsys.readouterr()
    return printed.out, printed.err


@pytest.mark.parametrize("name", ["kept", "runs/kept", "plain"])
def test_it_prints_what_the_model_predicts(capsys, folder, name):
    out, err = run(capsys, name, "flowers.csv")
    rows = pd.read_csv("flowers.csv")
    model = caviar.Study.open(folder / "runs" / name.rpartition("/")[2], workers=0).model()
    assert pd.read_csv(io.StringIO(out))["kind"].tolist() == model.predict(rows).tolist()
    assert err == "the column 'kind' is what the model predicts; it is ignored\n"
    out, _ = run(capsys, name, "flowers.csv", "--proba")
    table = pd.read_csv(io.StringIO(out))
    assert list(table) == ["daisy", "rose"]
    np.testing.assert_array_equal(table.to_numpy(np.float32), model.predict_proba(rows))


def test_numbers_and_a_saved_model_and_a_file_to_write(capsys, folder):
    out, _ = run(capsys, "numbers", "prices.csv")
    model = caviar.load_model("numbers.npz")
    np.testing.assert_array_equal(read_csv(io.BytesIO(out.encode()))["price"], model.predict(pd.read_csv("prices.csv")))
    again, _ = run(capsys, "numbers.npz", "prices.csv", "--out", "new/predictions.csv")
    assert again == ""
    assert Path("new/predictions.csv").read_text() == out
    assert [path.name for path in Path("new").iterdir()] == ["predictions.csv"]


def test_long_files_are_read_in_parts(capsys, monkeypatch):
    whole, _ = run(capsys, "kept", "flowers.csv")
    monkeypatch.setattr(module, "_ROWS", 7)
    assert run(capsys, "kept", "flowers.csv") == (
        whole,
        "the column 'kind' is what the model predicts; it is ignored\n",
    )


def test_columns_go_by_name_and_new_ones_are_named(capsys):
    table = pd.read_csv("flowers.csv")
    expected, _ = run(capsys, "kept", "flowers.csv")
    table[["height", "width"]].assign(colour="red", size=1).to_csv("more.csv", index=False)
    assert run(capsys, "kept", "more.csv") == (
        expected,
        "the model does not use the columns 'colour', 'size'; ignored\n",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("kept", "prices.csv", "--proba", "--out", "."), "--out must be a file, got the folder ."),
        (("numbers", "prices.csv", "--proba"), "--proba is for classes, and this model predicts numbers"),
        (("kept", "none.csv"), "cannot read none.csv: there is no such file"),
        (("kept", "empty.csv"), "empty.csv is empty"),
        (("kept", "narrow.csv"), "the table has no column 'width'"),
        (("none", "flowers.csv"), "no study named 'none'"),
        (("arrays", "flowers.csv"), "in Python, pass them again: caviar.Study.open(FOLDER, data=(x, y)); its .model()"),
        (("prices.csv", "flowers.csv"), "prices.csv is not a model of Caviar, or is damaged"),
    ],
)
def test_mistakes_get_one_sentence(capsys, arguments, sentence):
    Path("empty.csv").write_text("")
    Path("narrow.csv").write_text("height\n1\n")
    with pytest.raises(SystemExit) as end:
        run(capsys, *arguments)
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert sentence in printed.err.splitlines()[-1]
    assert printed.out == ""
    assert not Path("predictions.csv").exists()


def test_a_table_without_rows_has_a_header_alone(capsys):
    Path("header.csv").write_text("width,height\n")
    assert run(capsys, "kept", "header.csv")[0] == "kind\n"


@pytest.mark.parametrize(
    ("rows", "sentence"), [("", "standard input is empty"), ("width,width\n1,2\n", "standard input has")]
)
def test_mistakes_in_standard_input_name_no_temporary_file(folder, rows, sentence):
    command = [sys.executable, "-m", "caviar", "predict", "kept", "-"]
    done = subprocess.run(
        command, input=rows, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_standard_input_and_a_reader_that_leaves(folder):
    big = pd.concat([pd.read_csv("flowers.csv")] * 2000)
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    command = [sys.executable, "-m", "caviar", "predict", "kept", "-"]
    content = big.drop(columns="kind").to_csv(index=False).encode()
    done = subprocess.run(command, input=content, capture_output=True, env=environment)
    assert (done.stderr, done.stdout.count(b"\n")) == (b"", len(big) + 1)
    shell = f"{sys.executable} -m caviar predict kept - | head -n 1"
    done = subprocess.run(
        shell, input=content, capture_output=True, shell=True, env={**environment, "PATH": "/usr/bin:/bin"}
    )
    assert (done.stdout, done.stderr) == (b"kind\n", b"")


def test_a_file_is_read_as_the_options_say(capsys, folder):
    rows = pd.read_csv("prices.csv").head(1)  # of a single line, nobody can tell the separator
    rows.to_csv("plain.csv", index=False)
    rows.to_csv("line.csv", sep="|", decimal=",", index=False, encoding="utf-16")
    expected = run(capsys, "numbers", "plain.csv")[0].splitlines()
    options = ["--separator", "|", "--decimal", ",", "--encoding", "utf-16", "--header"]
    assert run(capsys, "numbers", "line.csv", *options)[0].splitlines() == expected
    with pytest.raises(SystemExit):
        main(["predict", "numbers", "line.csv", "--decimal", ";"])
    assert "decimal must be '.' or ',', got ';'" in capsys.readouterr().err


def test_predictions_are_csv_whatever_the_ending(capsys, folder):
    with pytest.raises(SystemExit) as end:
        main(["predict", "kept", "flowers.csv", "--out", "there.parquet"])
    assert end.value.code == 2
    assert "--out is written as CSV, got there.parquet; try --out there.csv" in capsys.readouterr().err
    assert not Path("there.parquet").exists()
    for out, as_csv in (("there.csv.gz", "there.csv"), ("there.v2.parquet", "there.v2.csv"), ("there.gz", "there.csv")):
        with pytest.raises(SystemExit):
            main(["predict", "kept", "flowers.csv", "--out", out])
        assert capsys.readouterr().err.endswith(f"got {out}; try --out {as_csv}\n")


def test_predictions_do_not_replace_the_table(capsys, folder):
    content = Path("flowers.csv").read_bytes()
    with pytest.raises(SystemExit) as end:
        main(["predict", "kept", "flowers.csv", "--out", "./flowers.csv"])
    assert end.value.code == 2
    assert "--out must not be the table" in capsys.readouterr().err
    assert Path("flowers.csv").read_bytes() == content


def test_what_is_said_about_a_file_does_not_go_among_the_predictions(capsys, folder):
    rows = pd.read_csv("flowers.csv").assign(note="caf\xe9")
    rows.to_csv("western.csv", index=False, encoding="cp1252")
    out, err = run(capsys, "kept", "western.csv")
    assert len(out.splitlines()) == len(rows) + 1
    assert "western.csv is not UTF-8 throughout" in err
