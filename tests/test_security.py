"""What docs/security.md says about other people's files and what is shown of them, where no other test shows it."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

import caviar
from caviar.cli.main import main
from caviar.data.reading.read import read_table
from caviar.errors import CaviarError, InputError, StorageError
from caviar.files import open_store
from caviar.insight.notebook import outcome_html
from caviar.insight.report.report import report
from caviar.records.journal import NAME
from caviar.records.objective import Objective
from caviar.study.file import study_from_file
from caviar.study.progress import show_progress
from tests.damage import reads_or_says
from tests.insight.studies import EVIL

FORMAT = Path(__file__).parent / "records" / "formats" / "1"
FLOWERS = "width,kind\n" + "1.5,rose\n0.5,daisy\n" * 20


@pytest.mark.parametrize("uri", ["reference::file:///etc/hostname", "zip://a::file:///tmp/a.zip", "reference://x"])
def test_a_mirror_cannot_lead_to_files_elsewhere(tmp_path, uri):
    pytest.importorskip("fsspec")
    (tmp_path / NAME).write_bytes((FORMAT / NAME).read_bytes())
    (tmp_path / "mirror.txt").write_text(uri, encoding="utf-8")
    with pytest.raises(InputError, match="must be one URI" if "::" in uri else "cannot use reference://x"):
        _ = caviar.Outcome.read(tmp_path).best.folder


def hostile_study(folder, marker):
    """A study of a function in a module that does harm when it is imported."""
    folder.mkdir()
    (folder / "harmful.py").write_text(f"open({str(marker)!r}, 'w').close()\ndef train(config): ...\n")
    first, *rest = (FORMAT / NAME).read_text().splitlines()
    plain = json.loads(first)
    plain["settings"]["source"] = {"kind": "function", "path": str(folder), "function": "harmful:train"}
    (folder / NAME).write_text("\n".join([json.dumps(plain), *rest]) + "\n")
    return folder


@pytest.mark.parametrize("command", ["predict", "report", "best", "results", "status", "logs"])
def test_commands_that_read_a_study_do_not_import_its_function(tmp_path, command, monkeypatch):
    (tmp_path / "rows.csv").write_text(FLOWERS)
    folder = hostile_study(tmp_path / "study", tmp_path / "ran")
    arguments = [command, str(folder), *["rows.csv"] * (command == "predict")]
    subprocess.run([sys.executable, "-m", "caviar", *arguments], cwd=tmp_path, capture_output=True, check=False)
    assert not (tmp_path / "ran").exists()


class Exploit:
    def __reduce__(self):
        return Path.touch, (Path("exploited"),)


def test_a_table_runs_no_pickle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    extension = {b"ARROW:extension:name": b"arrow.py_extension_type"}
    extension[b"ARROW:extension:metadata"] = pickle.dumps(Exploit())
    field = arrow.field("kind", arrow.string(), metadata=extension)
    table = arrow.table([arrow.array(["a", "b"])], arrow.schema([field], metadata={b"pandas": pickle.dumps(Exploit())}))
    parquet.write_table(table, "rows.parquet")
    feather.write_feather(table, "rows.feather", compression="uncompressed")
    Path("rows.pkl").write_bytes(pickle.dumps(Exploit()))
    Path("rows.csv").write_bytes(pickle.dumps(Exploit()))
    for path in ("rows.parquet", "rows.feather", "rows.pkl", "rows.csv"):
        for read in (read_table, caviar.load_model):
            try:
                read(path)
            except CaviarError:
                continue
    assert not Path("exploited").exists()


@pytest.mark.parametrize("name", ["../../evil.csv", "/tmp/evil-of-caviar.csv", "a/../../../evil.csv"])
def test_a_zip_with_a_name_that_leads_elsewhere_writes_no_file(tmp_path, name):
    (tmp_path / "deep").mkdir()
    with zipfile.ZipFile(tmp_path / "deep" / "rows.zip", "w") as archive:
        archive.writestr(name, FLOWERS)
    reads_or_says(read_table, tmp_path / "deep" / "rows.zip")
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "rows.zip"]
    assert not Path("/tmp/evil-of-caviar.csv").exists()


def test_a_study_file_imports_nothing_that_its_options_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "harmful.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Payload: ...\n")
    name = '{ __caviar__ = "name", value = ["harmful", "Payload"] }'
    text = 'command = "true {x} {y}"\nmetric = "loss"\nmode = "min"\n[space]\n'
    text += f"x = {name}\ny = {{ choice = [1, {name}] }}\n"
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    study = study_from_file(tmp_path / "study.toml")
    assert "harmful:Payload" in repr(study.settings.space)
    assert not (tmp_path / "ran").exists()


def test_predictions_hold_no_formula(tmp_path, monkeypatch, capsysbinary):
    monkeypatch.chdir(tmp_path)
    label = '=HYPERLINK("http://evil")'
    table = pd.DataFrame({"width": [1.5, 0.5] * 20, "@kind": [label, "-"] * 20})
    model = caviar.Study(caviar.load_table(table, "@kind"), trials=1, epochs=30, workers=0, confirm=False, keep=1)
    model.run(progress=False)
    model.model().save("model.npz")
    table[["width"]].to_csv("rows.csv", index=False)
    for options in ([], ["--proba"]):
        main(["predict", "model.npz", "rows.csv", *options])
        cells = pd.read_csv(io.BytesIO(capsysbinary.readouterr().out), dtype=str, header=None)
        assert not cells.map(lambda cell: cell.startswith(("=", "@"))).any(axis=None)
        assert f"'{label}" in cells.to_numpy()
        assert "-" in cells.to_numpy()  # a spreadsheet does not run it


def test_the_results_of_another_persons_folder_hold_no_formula(tmp_path, capsysbinary):
    (tmp_path / NAME).write_bytes((FORMAT / NAME).read_bytes())
    (tmp_path / "results.csv").write_text('trial,error\n-1,=cmd()\n2,"@a\n"\n')
    main(["results", str(tmp_path)])
    assert capsysbinary.readouterr().out == b"trial,error\n-1,'=cmd()\n2,\"'@a\n\"\n"


def test_a_script_in_any_text_of_a_journal_is_text_in_the_report_and_in_notebooks(tmp_path):
    lines = [json.loads(line) for line in (FORMAT / NAME).read_text().splitlines()]
    replaced = []
    for text in sorted(set(texts(lines))):
        (tmp_path / NAME).write_text("\n".join(json.dumps(with_script(line, [text])) for line in lines) + "\n")
        try:
            caviar.Outcome.read(tmp_path)
        except CaviarError:  # the name of something that Caviar looks up
            continue
        replaced.append(text)
    assert len(replaced) > 15
    (tmp_path / NAME).write_text("\n".join(json.dumps(with_script(line, replaced)) for line in lines) + "\n")
    outcome = caviar.Outcome.read(tmp_path)
    page = report(outcome).read_text(encoding="utf-8")
    for html in (page.partition("plotly.js v")[0], page.rpartition('id="figures">')[2], outcome_html(outcome)):
        assert EVIL not in html
        assert EVIL.replace("<", "&lt;").replace(">", "&gt;") in html or "\\u003cscript" in html


@pytest.mark.parametrize("metric", [EVIL, "[/loss]", "[link=http://evil]loss"])
def test_the_name_of_a_metric_is_text_in_every_progress_bar(monkeypatch, capsys, metric):
    pytest.importorskip("IPython")
    shown = []
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(
        "rich.progress.get_console", lambda: Console(force_terminal=True, force_jupyter=False, width=200)
    )
    monkeypatch.setattr("IPython.display.display", lambda bundle, **options: shown.append(bundle["text/html"]))
    for in_notebook in (False, True):
        monkeypatch.setattr("rich.console._is_jupyter", lambda here=in_notebook: here)
        with show_progress(0, 4, Objective(metric, "min")):
            pass
    assert metric in capsys.readouterr().out
    assert EVIL not in shown[0]


def texts(plain):
    """Every text in a document, the names of values too."""
    match plain:
        case str():
            yield plain
        case dict():
            for name, value in plain.items():
                yield name
                yield from texts(value)
        case list():
            for value in plain:
                yield from texts(value)


def with_script(plain, chosen):
    """A document in which some texts contain a script."""
    match plain:
        case str():
            return f"{EVIL}{plain}" if plain in chosen else plain
        case dict():
            return {with_script(name, chosen): with_script(value, chosen) for name, value in plain.items()}
        case list():
            return [with_script(value, chosen) for value in plain]
    return plain


def test_an_error_cannot_steer_the_terminal():
    assert str(StorageError("cannot read a\x1b]0;evil\x07.csv\r\x9b2J, é")) == (
        "cannot read a\\x1b]0;evil\\x07.csv\\r\\x9b2J, é"
    )


def test_names_at_a_mirror_that_are_no_models_are_left_alone(tmp_path):
    from caviar.panda.checkpoints import PandaFiles
    from caviar.records.model_files import ModelFiles

    for folder in ("models", "checkpoints"):
        (tmp_path / folder).mkdir()
        for name in ("²²²²²²²².npz", "00000017.npz", f"{'9' * 200}.npz", "..npz", "a.npz", "-0000001.npz"):
            (tmp_path / folder / name).touch()
    assert ModelFiles(tmp_path).numbers() == {17}
    assert PandaFiles(open_store(tmp_path)).checkpoints() == [17]
