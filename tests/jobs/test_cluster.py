"""Studies on a real head on loopback, reached only through the Jobs API's port."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import caviar
from caviar.csv import read_csv
from caviar.errors import ClusterError, InputError
from caviar.jobs.status import JobState
from tests.jobs.head import head

ROOT = Path(caviar.__file__).parents[1]
NOT_REPEATED = ["seconds", "began", "ended", "worker"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # a dozen commands, each in its own process


@pytest.fixture(scope="module")
def environment():
    with head() as environment:
        yield {**environment, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def cluster(environment, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", environment["RAY_AUTH_TOKEN"])
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    return caviar.connect(environment["RAY_API_SERVER_ADDRESS"])


def command(environment, *arguments, cwd=None, **changes):
    line = [sys.executable, "-m", "caviar", *arguments]
    return subprocess.run(line, env={**environment, **changes}, cwd=cwd, capture_output=True, timeout=200)


def test_a_study_runs_on_the_cluster_as_it_does_here(environment, cluster, tmp_path):
    settings = ["--trials", "10", "--waves", "2", "--epochs", "3", "--confirm", "1,2"]
    sent = command(environment, "submit", "--name", "digits one", *settings, "--workers", "2", "--wait")
    assert sent.returncode == 0, sent.stderr
    assert b"12/12 trials" in sent.stdout
    assert b"ten best" in sent.stdout
    printed = command(environment, "results", "digits-one")
    assert printed.stdout == cluster.file("digits-one", "results.csv")
    local = command(environment, "run", *settings, "--workers", "0", "--out", str(tmp_path / "local"))
    assert local.returncode == 0, local.stderr
    table, expected = (
        read_csv(io.BytesIO(printed.stdout)),
        read_csv(tmp_path / "local" / "results.csv"),
    )
    table_columns, expected_columns = table.drop(columns=NOT_REPEATED), expected.drop(columns=NOT_REPEATED)
    pd.testing.assert_frame_equal(table_columns, expected_columns, check_exact=True)
    pd.testing.assert_frame_equal(cluster.table("digits-one"), table)
    status = cluster.status("digits-one")
    assert (status.name, status.state) == ("digits-one", JobState.FINISHED)
    assert re.fullmatch(r".+:/.+/logs/caviar/digits-one", status.folder)
    log = sent.stdout.decode().splitlines()
    named = [line for line in log if status.folder.partition(":")[2] in line]  # for a reader elsewhere
    assert named == [f"the folder of the study is {status.folder}"]
    assert "tables: caviar results digits-one" in log
    assert b"digits-one: finished" in command(environment, "status", "digits-one").stdout
    assert b"digits-one: finished" in command(environment, "list").stdout
    (listed,) = json.loads(command(environment, "list", "--json").stdout)
    assert (listed["name"], listed["state"]) == ("digits-one", "finished")
    best = json.loads(command(environment, "best", "digits-one", "--json", cwd=tmp_path).stdout)
    assert best["metrics"]["val_accuracy"] == table["val_accuracy"][best["trial"]]
    folder = cluster.fetch("digits-one", tmp_path / "copy")
    assert len(caviar.Study.open(folder).table) == 12
    assert cluster.fetch("digits-one", folder) == folder
    digits = caviar.load_digits()
    pd.DataFrame(digits.val_x).to_csv(tmp_path / "rows.csv", index=False)
    predicted = command(environment, "predict", "digits-one", "rows.csv", cwd=tmp_path)
    assert predicted.stdout.count(b"\n") == 1 + len(digits.val_y), predicted.stderr
    weights = (cluster.fetch("digits-one", folder, models=True) / "models").glob("*.npz")
    here = {path.name: path.read_bytes() for path in (tmp_path / "local" / "models").glob("*.npz")}
    assert {path.name: path.read_bytes() for path in weights} == here
    caviar.Study("digits", trials=2, epochs=1, workers=0, out=tmp_path / "other").run(progress=False)
    with pytest.raises(InputError, match="other holds another study"):
        cluster.fetch("digits-one", tmp_path / "other")


def test_a_program_runs_on_the_cluster_with_its_files(environment, cluster, tmp_path):
    (tmp_path / "train.sh").write_text('#!/bin/sh\n. parts/report.sh\nreport "{\\"loss\\": $1}"\n')
    (tmp_path / "train.sh").chmod(0o755)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "report.sh").write_text('report() { echo "$1" >> "$CAVIAR_REPORT"; }\n')
    (tmp_path / "study.toml").write_text(
        'command = "./train.sh {x}"\nmetric = "loss"\nmode = "min"\ntrials = 6\n[space]\nx = { uniform = [0, 1] }\n'
    )
    sent = command(environment, "submit", str(tmp_path / "study.toml"), "--name", "program", "--wait")
    assert sent.returncode == 0, sent.stderr
    table = cluster.table("program")
    assert list(table["state"]) == ["finished"] * 6, table["error"][0]
    assert table["loss"].equals(table["x"])


def test_a_study_is_read_while_it_runs_and_keeps_its_trials_when_it_is_stopped(cluster):
    def slow(config, seed):
        import time

        time.sleep(0.2)
        return {"score": config["x"]}

    space = caviar.Space(x=caviar.uniform(0, 1))
    study = caviar.Study(slow, space=space, metric="score", mode="max", trials=2000, waves=1, workers=2, name="slow")
    name = cluster.submit(study)
    assert name.startswith("slow-")
    assert not study.folder.exists()
    deadline = time.monotonic() + 120
    so_far = []
    while not len(so_far) and time.monotonic() < deadline:
        time.sleep(1)
        try:
            so_far = cluster.table(name)
        except InputError:
            continue
    running = cluster.status(name)
    cluster.stop(name)  # before anything is asserted: the other tests need its CPUs
    assert 0 < len(so_far) < 2000
    assert running.state is JobState.RUNNING
    stopped = cluster.wait(name)
    kept = cluster.table(name)
    assert (stopped.state, stopped.progress) == (JobState.STOPPED, f"stopped: {len(kept)} trials have ended")
    assert len(so_far) <= len(kept) < 2000
    pd.testing.assert_frame_equal(kept[kept["trial"].isin(so_far["trial"])].reset_index(drop=True), so_far)
    with pytest.raises(InputError, match="already"):
        cluster.submit(study, name)


NOTEBOOK = """
import os
import caviar

def train(config, seed):
    yield {"loss": config["x"] + 1}
    yield {"loss": config["x"]}

space = caviar.Space(x=caviar.uniform(0, 1))
objective = {"metric": "loss", "mode": "min"}
study = caviar.Study(train, space=space, trials=40, waves=2, address=os.environ["RAY_CLIENT"], **objective)
table = study.run()
print(len(table), set(table["state"].astype(str)), len(study.history))
"""


def test_a_notebook_drives_a_study_through_ray_client_and_shows_a_bar(environment, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    client = NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    outputs = notebook.cells[0].outputs
    assert any("40 {'finished'} 80" in output.get("text", "") for output in outputs), outputs
    (bar,) = [output["data"] for output in outputs if "data" in output]
    assert '<progress value="40" max="40">' in bar["text/html"]
    assert bar["text/plain"].startswith("40/40 trials, best loss ")


def test_without_the_token_nothing_is_submitted_and_nothing_is_shown(environment):
    commands = [
        (["submit", "--trials", "2"], {"RAY_AUTH_TOKEN": "f" * 32}, b"has a different token from RAY_AUTH_TOKEN"),
        (["list"], {"RAY_AUTH_MODE": "disabled"}, b"asks for its token"),
    ]
    for arguments, changes, words in commands:
        refused = command(environment, *arguments, **changes)
        assert refused.returncode == 2
        assert words in refused.stderr
        assert b"Traceback" not in refused.stderr


def test_an_unknown_study_or_cluster_is_one_sentence(cluster):
    with pytest.raises(InputError, match="no study named 'nobody'"):
        cluster.status("nobody")
    with pytest.raises(ClusterError, match=r"no Jobs API answers at http://127\.0\.0\.1:1 .*refused"):
        caviar.connect("http://127.0.0.1:1")


def child_processes(process):
    """Return the folders in /proc of the processes that a process has started."""
    rows = subprocess.run(["ps", "-eo", "ppid,pid"], capture_output=True, text=True).stdout.splitlines()
    return [Path("/proc", child) for parent, child in map(str.split, rows) if parent == str(process)]


def write_slow_study(folder):
    """Write a study of a slow function to a folder; it imports Ray, and so trains there from the first trial on."""
    (folder / "slowly.py").write_text("""
import time

import ray

def train(config):
    time.sleep(0.2)
    return {"loss": config["x"]}
""")
    (folder / "study.toml").write_text(
        'trainable = "slowly:train"\nmetric = "loss"\nmode = "min"\ntrials = 2000\n[space]\nx = { uniform = [0, 1] }\n'
    )


def test_a_temporary_local_ray_asks_for_a_token(environment, tmp_path):
    local = {name: v for name, v in environment.items() if name not in ("RAY_API_SERVER_ADDRESS", "RAY_AUTH_MODE")}
    write_slow_study(tmp_path)
    run = subprocess.Popen(
        [sys.executable, "-m", "caviar", "run", "study.toml", "--trials", "500", "--workers", "1", "--out", "long"],
        env=local, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    raylets = []
    while not raylets:
        assert run.poll() is None
        time.sleep(0.1)
        raylets = [path for path in child_processes(run.pid) if b"raylet" in (path / "cmdline").read_bytes()]
    assert all("RAY_AUTH_MODE=token" in (path / "environ").read_text() for path in raylets)
    assert command(local, "stop", str(tmp_path / "long")).returncode == 0
    assert run.wait(60) == 130


def test_when_the_head_is_lost_its_followers_are_told_how_to_go_on(tmp_path):
    write_slow_study(tmp_path)
    with head() as environment:
        environment = {**environment, "PYTHONPATH": str(ROOT)}
        sent = command(environment, "submit", "study.toml", "--name", "lost", cwd=tmp_path)
        assert sent.returncode == 0, sent.stderr
        line = [sys.executable, "-m", "caviar", "logs", "lost", "-f"]
        follower = subprocess.Popen(
            line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        while not (line := follower.stdout.readline()).startswith("the folder of the study is "):
            assert follower.poll() is None
        folder = line.strip().partition(":")[2]
        while "trials" not in follower.stdout.readline():
            assert follower.poll() is None
        os.killpg(int(environment["HEAD_PROCESS"]), signal.SIGKILL)
        errors = follower.communicate(timeout=120)[1]
        assert follower.returncode == 2
        assert errors.count("\n") == 1
        assert f"`caviar resume {folder}`" in errors
        resumed = command(environment, "status", folder, RAY_API_SERVER_ADDRESS="")
        assert b"/2000 trials" in resumed.stdout, resumed.stderr
