"""What docs/security.md says about passwords, places and other people's files, where no other test shows it."""

import functools
import http.server
import io
import json
import pickle
import subprocess
import sys
import threading
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
PASSWORD, TOKEN = "hunter2", "t0ken-of-mine"
LOCAL = {"metric": "loss", "mode": "min", "workers": 0, "isolation": "none", "waves": 1}
FLOWERS = "width,kind\n" + "1.5,rose\n0.5,daisy\n" * 20


def files_with(folder, *secrets):
    """The files in a folder that hold one of some texts."""
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [path.name for path, content in contents.items() if any(s.encode() in content for s in secrets)]


class Silent(http.server.SimpleHTTPRequestHandler):
    """A web server that prints nothing."""

    def log_message(self, *arguments):
        pass


@pytest.fixture
def flowers(tmp_path):
    """The URL of a table, with a password and a token."""
    pytest.importorskip("aiohttp")
    pytest.importorskip("fsspec")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "flowers.csv").write_text(FLOWERS, encoding="utf-8")
    handler = functools.partial(Silent, directory=tmp_path / "web")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://me:{PASSWORD}@127.0.0.1:{server.server_port}/flowers.csv?version=2&access_token={TOKEN}"
        server.shutdown()


def test_the_password_and_the_token_of_a_url_are_in_no_file_of_the_study(tmp_path, flowers, capsys):
    data = caviar.load_table(flowers, "kind", validation=flowers)
    study = caviar.Study(data, trials=4, epochs=1, workers=0, out=tmp_path / "study", keep=1)
    study.run()
    study.report()
    printed = capsys.readouterr()
    assert study.settings.name == data.name == "flowers"
    assert (study.folder / "report.html").exists()
    assert files_with(study.folder, PASSWORD, TOKEN) == []
    assert PASSWORD not in (text := printed.out + printed.err + repr(data) + " ".join(data.notes))
    assert TOKEN not in text
    with pytest.raises(InputError, match=r"//\*\*\*@.*version=2&access_token=\*\*\* was kept without its password"):
        caviar.Study.open(study.folder, workers=0)
    assert len(caviar.Study.open(study.folder, data=data, workers=0).run(progress=False)) == 4


def test_the_password_and_the_token_of_a_url_are_in_no_error(flowers, tmp_path, capsys):
    wrong = flowers.replace("flowers.csv", "none.csv")
    (tmp_path / "study.toml").write_text(f'data = "{wrong}"\ntarget = "kind"\n', encoding="utf-8")
    for arguments in (["run", str(tmp_path / "study.toml")], ["run", "--data", wrong, "--target", "kind"]):
        with pytest.raises(SystemExit):
            main(arguments)
    printed = capsys.readouterr()
    assert printed.err.count("none.csv?version=2&access_token=***") == 2
    assert PASSWORD not in printed.out + printed.err
    assert TOKEN not in printed.out + printed.err


def leaking(config, seed):
    raise OSError(f"503 for https://me:{PASSWORD}@host/data?X-Amz-Signature={TOKEN}&part=3")


def test_the_password_and_the_token_of_a_url_are_in_no_error_of_a_trial(tmp_path):
    study = caviar.Study(leaking, space={"x": caviar.uniform(0, 1)}, trials=4, out=tmp_path / "s", **LOCAL)
    table = study.run(progress=False)
    study.report()
    assert table["error"][0] == "OSError: 503 for https://***@host/data?X-Amz-Signature=***&part=3"
    tables = [path.name for path in study.folder.iterdir() if path.is_file()]
    assert {"journal.jsonl", "results.csv", "report.html"} <= set(tables)
    assert not set(files_with(study.folder, PASSWORD, TOKEN)) & set(tables)


@pytest.mark.parametrize(
    "uri",
    [f"s3://key:{PASSWORD}@bucket/run", f"ftp://me:{PASSWORD}@host/run", f"https://host/run?token={PASSWORD}"],
)
def test_a_mirror_with_a_password_is_refused(tmp_path, monkeypatch, uri):
    monkeypatch.chdir(tmp_path)
    for begin in (
        lambda: caviar.Study("digits", workers=0, out=uri),
        lambda: caviar.Outcome.read(uri),
        lambda: open_store(uri),
    ):
        with pytest.raises(InputError, match=r"\*\*\*.* has a password or token, .* in the environment") as caught:
            begin()
        assert PASSWORD not in str(caught.value)
    assert not [*tmp_path.rglob("*")]


@pytest.mark.parametrize("uri", ["reference::file:///etc/hostname", "zip://a::file:///tmp/a.zip", "reference://x"])
def test_a_mirror_cannot_lead_to_files_elsewhere(tmp_path, uri):
    pytest.importorskip("fsspec")
    (tmp_path / NAME).write_bytes((FORMAT / NAME).read_bytes())
    (tmp_path / "mirror.txt").write_text(uri, encoding="utf-8")
    with pytest.raises(InputError, match="must be one URI" if "::" in uri else "cannot use reference://x"):
        _ = caviar.Outcome.read(tmp_path).best.folder


def test_ray_starts_for_pandas_without_the_token_in_its_command(tmp_path, monkeypatch):
    from caviar.panda import local_ray

    commands = []
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.setattr(local_ray.Path, "home", lambda: tmp_path)
    monkeypatch.setattr(local_ray, "_read_address", lambda head, log: "127.0.0.1:1")
    for name in ("run", "Popen"):
        monkeypatch.setattr(
            local_ray.subprocess, name, lambda command, **options: commands.append(command) or Process()
        )
    local_ray._start_head()
    assert [command[3] for command in commands] == ["get-auth-token", "start"]
    assert TOKEN not in str(commands)
    assert files_with(tmp_path, TOKEN) == []


class Process:
    pid = 1


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
