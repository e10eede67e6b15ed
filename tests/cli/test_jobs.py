"""The commands about studies that exist, for studies on this machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import caviar
from caviar.cli.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a finished study named `first`, under `runs` in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)

    def train(config, seed):
        return {"loss": config["x"] ** 2}

    space = caviar.Space(x=caviar.uniform(-1, 1))
    settings = {"metric": "loss", "mode": "min", "trials": 8, "waves": 2, "workers": 0}
    study = caviar.Study(train, space=space, out=tmp_path / "runs" / "first", **settings)
    study.run(progress=False)
    return study.folder


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "arguments", [["list"], ["status", "first"], ["results", "first"], ["results", "first", "--json"]]
)
def test_reading_loads_no_ray_no_packages_of_scipy_and_no_pandas_but_for_the_tables_in_json(arguments):
    program = (
        "import sys\nfrom caviar.cli.main import main\nmain(sys.argv[1:])\n"
        "print('imported:', *('.'.join(name.split('.')[:2]) for name in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(caviar.__file__).parents[1])}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    slow = {"ray", "scipy.stats", "scipy.linalg", "scipy.optimize", "scipy.special", "scipy.cluster"}
    slow |= set() if "--json" in arguments and "results" in arguments else {"pandas"}
    assert not slow & set(done.stdout.split("imported:")[1].split())


def refusal(capsys, *arguments):
    """Return what a refused command writes to standard error."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("arguments", [["status", "first"], ["status"], ["list"]])
def test_status_and_list_show_a_line_for_each_study(capsys, arguments):
    main(arguments)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("first: finished, since 20")
    assert re.search(r" UTC; 8/8 trials, best loss 0\.\d+$", line)


def test_an_empty_list_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    main(["list"])
    assert capsys.readouterr() == ("", "no studies in runs yet\n")


@pytest.mark.usefixtures("folder")
def test_logs_has_a_line_for_each_wave_and_trial(capsys):
    main(["logs", "first", "-f"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0] == "wave 1 begins"
    assert lines[1].startswith("trial ")


@pytest.mark.parametrize(
    ("options", "file"), [([], "results.csv"), (["--history"], "history.csv"), (["--waves"], "waves.csv")]
)
def test_results_are_the_tables_byte_for_byte(folder, capsysbinary, options, file):
    main(["results", "first", *options])
    assert capsysbinary.readouterr().out == (folder / file).read_bytes()


def test_report_writes_a_file(folder, tmp_path, capsys):
    pytest.importorskip("plotly")
    main(["report", "first"])
    assert capsys.readouterr().out.strip().endswith("report.html")
    assert (folder / "report.html").exists()
    main(["report", str(folder), "--out", "other.html"])
    assert (tmp_path / "other.html").exists()


@pytest.mark.usefixtures("folder")
def test_an_unknown_study_is_one_sentence(capsys):
    for command in ("status", "logs", "stop", "results", "report"):
        assert "no study named 'other'" in refusal(capsys, command, "other")


def test_a_uri_is_read_from_here_whatever_cluster_the_shell_names(tmp_path, monkeypatch, capsys):
    pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:1")
    assert "no study named" in refusal(capsys, "results", f"file://{tmp_path}/nothing")
    assert "no Jobs API answers" in refusal(capsys, "results", "nothing")


@pytest.mark.usefixtures("folder")
def test_stopping_a_study_that_has_ended_only_shows_its_status(capsys):
    main(["stop", "first"])
    stopped = capsys.readouterr()
    main(["status", "first"])
    assert capsys.readouterr() == stopped
    assert stopped.out.startswith("first: finished, since ")
