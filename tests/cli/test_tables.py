"""Tables on the command line and in study.toml: the options of load_table, their mistakes, and the same data again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.cli.main import main
from caviar.study.file import study_from_file
from caviar.study.study import Study

SHORT = ["--trials", "2", "--waves", "1", "--epochs", "1", "--confirm", "no", "--workers", "0", "--out", "s"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    rows = 120
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": random.normal(40, 10, rows).round(2),
            "port": np.array(["S", "C", "Q"])[random.integers(0, 3, rows)],
            "day": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
            "family": np.arange(rows) // 3,
            "weight": random.integers(1, 3, rows),
            "alive": np.array(["no", "yes"])[(random.random(rows) < 0.4).astype(int)],
        }
    )
    table.to_csv("people.csv", index=False, sep=";", decimal=",")
    table[:40].to_csv("more.csv", index=False)


def run(*options):
    main(["run", "--data", "people.csv", "--target", "alive", *SHORT, *options])
    return Study.open("s")


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ([], {}),
        (["--task", "classification"], {"task": "classification"}),
        (["--validation", "0.3"], {"validation": 0.3}),
        (["--validation", "3"], {"validation": 3}),
        (["--validation", "more.csv"], {"validation": "more.csv"}),
        (["--validation", "group=family"], {"validation": {"group": "family"}}),
        (["--validation", "group=family,folds=3"], {"validation": {"group": "family", "folds": 3}}),
        (["--validation", "time=day"], {"validation": {"time": "day"}}),
        (["--column", "port=S,C,Q", "--column", "day=drop"], {"columns": {"port": ["S", "C", "Q"], "day": "drop"}}),
        (["--sample-weight", "weight"], {"sample_weight": "weight"}),
        (["--class-weight", "balanced"], {"class_weight": "balanced"}),
        (["--class-weight", "yes=10,no=1"], {"class_weight": {"yes": 10.0, "no": 1.0}}),
        (["--separator", ";", "--decimal", ",", "--encoding", "utf-8"], {"separator": ";"}),
        (["--header"], {"header": True}),
    ],
)
def test_options_are_the_arguments_of_load_table_and_a_resumed_study_has_them(options, arguments):
    resumed = run(*options)
    assert resumed.target.dataset.fingerprint() == caviar.load_table("people.csv", "alive", **arguments).fingerprint()
    assert resumed.outcome.test.trial == resumed.best.trial


def test_the_summary_ends_with_the_next_step(capsys):
    run()
    assert "predict new rows with: caviar predict s new.csv\nlook closer with:" in capsys.readouterr().out


def test_a_remark_says_the_remedy_as_the_user_writes_it(capsys):
    pd.read_csv("people.csv", sep=";", decimal=",").assign(unit="m").to_csv("people.csv", index=False)
    run()
    said = capsys.readouterr().err
    assert "unit: left out, the same value in every training row; --column unit=keep keeps it" in said
    assert "because it holds text; if not, say --task regression" in said
    with open("study.toml", "w", encoding="utf-8") as file:
        file.write('data = "people.csv"\ntarget = "alive"')
    notes = study_from_file(Path("study.toml")).target.dataset.notes
    assert 'unit: left out, the same value in every training row; [columns] unit = "keep" keeps it' in notes
    assert """alive is taken for 2 classes, because it holds text; if not, say task = "regression\"""" in notes


def test_a_tab_is_written_as_shells_pass_it_on():
    pd.read_csv("people.csv", sep=";", decimal=",").to_csv("people.csv", index=False, sep="\t")
    assert run("--separator", r"\t").target.dataset.features == caviar.load_table("people.csv", "alive").features


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--validation", "0.9"], "fraction must be in (0, 0.5], got 0.9"),
        (["--validation", "none.csv"], "no such file"),
        (["--validation", "group=famly"], "no column 'famly'; did you mean 'family'?"),
        (["--column", "port"], "--column must be NAME=WORD"),
        (["--column", "prt=drop"], "did you mean 'port'"),
        (["--class-weight", "yes=many"], "--class-weight must be"),
        (["--class-weight", "maybe=2"], "maybe"),
        (["--sample-weight", "port"], "column 'port' must contain only numbers to be a sample_weight"),
        (["--separator", ""], "separator"),
        (["--target", "alife"], "no column 'alife'; did you mean 'alive'"),
    ],
)
def test_a_mistake_is_one_sentence(options, sentence, capsys):
    with pytest.raises(SystemExit) as exit:
        run(*options)
    error = capsys.readouterr().err
    assert exit.value.code == 2
    assert sentence in error
    assert "Traceback" not in error


@pytest.mark.parametrize("options", [["--data", "people.csv"], ["--task", "regression"], ["--column", "a=drop"]])
def test_a_table_needs_a_target(options, capsys):
    with pytest.raises(SystemExit):
        main(["run", *SHORT, *options])
    assert "--target is required with" in capsys.readouterr().err


FILE = """
data = "people.csv"
target = "alive"
task = "classification"
validation = {validation}
sample_weight = "weight"
class_weight = {{ yes = 2, no = 1 }}
trials = 2

[columns]
port = ["S", "C", "Q"]
day = "drop"
"""


@pytest.mark.parametrize("validation", ['"more.csv"', '{ table = "more.csv" }', "{ folds = 3 }", "0.2"])
def test_a_file_says_the_same_with_paths_beside_it(validation, tmp_path, monkeypatch):
    (tmp_path / "study.toml").write_text(FILE.format(validation=validation), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    study = study_from_file(tmp_path / "study.toml")
    assert study.settings.source.options["columns"] == {"port": ["S", "C", "Q"], "day": "drop"}
    monkeypatch.chdir(tmp_path)
    chosen = {'"more.csv"': "more.csv", '{ table = "more.csv" }': "more.csv", "{ folds = 3 }": 3}.get(validation, 0.2)
    expected = caviar.load_table(
        "people.csv",
        "alive",
        task="classification",
        validation=chosen,
        sample_weight="weight",
        class_weight={"yes": 2, "no": 1},
        columns={"port": ["S", "C", "Q"], "day": "drop"},
    )
    assert study.target.dataset.fingerprint() == expected.fingerprint()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('task = "regression"', "sets task, which is about a table, but no data"),
        ('data = "people.csv"\ntask = "regression"', "sets task, which is about a table, but no target"),
        ('data = "people.csv"\ntarget = "alive"\nvalidation = { fold = 3 }', "no option 'fold'"),
        ('data = "people.csv"\ntarget = "alive"\ncolumns = 3', "columns must"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence(text, sentence, tmp_path):
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(caviar.InputError, match=sentence) as error:
        study_from_file(tmp_path / "study.toml")
    assert "\n" not in str(error.value)
