"""Studies submitted to a real head on loopback, through the Jobs API's port alone."""

import io
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import caviar
from caviar.errors import ClusterError, InputError
from tests.jobs.head import head

ROOT = Path(caviar.__file__).parents[1]
NOT_REPEATED = ["seconds", "worker"]
pytestmark = pytest.mark.timeout(600)  # a dozen commands, each a process of its own


@pytest.fixture(scope="module")
def environment():
    with head() as environment:
        yield {**environment, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def cluster(environment, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", environment["RAY_AUTH_TOKEN"])
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    return caviar.connect(environment["RAY_API_SERVER_ADDRESS"])


def command(environment, *arguments, **changes):
    return subprocess.run(
        [sys.executable, "-m", "caviar", *arguments], env={**environment, **changes}, capture_output=True, timeout=200
    )


def test_a_study_runs_on_the_cluster_as_it_does_here(environment, cluster, tmp_path):
    settings = ["--trials", "10", "--waves", "2", "--epochs", "3", "--workers", "2"]
    sent = command(environment, "submit", "--name", "digits one", *settings, "--wait")
    assert sent.returncode == 0, sent.stderr
    assert b"10/10 trials" in sent.stdout
    assert b"ten best" in sent.stdout
    printed = command(environment, "results", "digits-one")
    assert printed.stdout == cluster.file("digits-one", "results.csv")
    here = command(environment, "run", *settings, "--out", str(tmp_path / "here"))
    assert here.returncode == 0, here.stderr
    table, own = pd.read_csv(io.BytesIO(printed.stdout)), pd.read_csv(tmp_path / "here" / "results.csv")
    pd.testing.assert_frame_equal(table.drop(columns=NOT_REPEATED), own.drop(columns=NOT_REPEATED), check_exact=True)
    pd.testing.assert_frame_equal(cluster.table("digits-one"), table)
    assert b"digits-one: finished" in command(environment, "status", "digits-one").stdout
    assert b"digits-one: finished" in command(environment, "list").stdout
    folder = cluster.fetch("digits-one", tmp_path / "fetched")
    assert len(caviar.Study.open(folder).table) == 10


def test_a_function_is_read_while_it_runs_and_ends_cleanly_when_it_is_stopped(cluster):
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
    running = cluster.status(name).state
    cluster.stop(name)  # before anything is asserted: the other tests want its trainers' room
    assert 0 < len(so_far) < 2000
    assert running == "running"
    assert cluster.wait(name).state == "stopped"
    kept = cluster.table(name)
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
print(len(table), set(table["state"]), len(study.history))
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


def test_without_the_token_nothing_is_submitted_and_nothing_told(environment):
    asked = [(["submit", "--trials", "2"], {"RAY_AUTH_TOKEN": "f" * 32}), (["list"], {"RAY_AUTH_MODE": "disabled"})]
    for arguments, changes in asked:
        refused = command(environment, *arguments, **changes)
        assert refused.returncode == 2
        assert b"asks for its token" in refused.stderr
        assert b"Traceback" not in refused.stderr


def test_what_is_not_there_is_one_sentence(environment, cluster):
    with pytest.raises(InputError, match="no study named 'nobody'"):
        cluster.status("nobody")
    with pytest.raises(ClusterError, match=r"no Jobs API answers at http://127\.0\.0\.1:1 .*refused"):
        caviar.connect("http://127.0.0.1:1")
    without = {name: value for name, value in environment.items() if name != "RAY_API_SERVER_ADDRESS"}
    assert b"--address" in command(without, "submit").stderr
    assert b"give a URI" in command(environment, "submit", "--out", "runs/first").stderr


def children(process):
    """The environments of the processes that a process has started."""
    listed = subprocess.run(["ps", "-eo", "ppid,pid"], capture_output=True, text=True).stdout
    pairs = map(str.split, listed.splitlines())
    return [Path("/proc", child, "environ") for parent, child in pairs if parent == str(process)]


def test_the_same_questions_serve_here(environment, tmp_path, monkeypatch):
    here = {name: v for name, v in environment.items() if name not in ("RAY_API_SERVER_ADDRESS", "RAY_AUTH_MODE")}
    monkeypatch.chdir(tmp_path)
    assert command(here, "list").stderr == b"no studies in runs yet\n"
    run = subprocess.Popen(
        [sys.executable, "-m", "caviar", "run", "--trials", "900", "--workers", "1", "--out", "runs/long"],
        env=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    journal = tmp_path / "runs" / "long" / "journal.jsonl"
    while not (journal.exists() and journal.read_text().count('"state"') > 3):
        assert run.poll() is None
        time.sleep(0.1)
    raylets = [path.read_text() for path in children(run.pid) if b"raylet" in path.with_name("cmdline").read_bytes()]
    assert raylets
    assert all("RAY_AUTH_MODE=token" in environ for environ in raylets)  # what we start asks for a token
    assert b"long: running" in command(here, "status", "long").stdout
    assert command(here, "stop", "long").returncode == 0
    assert run.wait(60) == 130
    assert b"long: stopped" in command(here, "list").stdout
    assert command(here, "results", "long").stdout == (tmp_path / "runs/long/results.csv").read_bytes()
    logs = command(here, "logs", "long", "-f").stdout.decode().splitlines()
    assert logs[0] == "wave 1 begins"
    assert logs[1].startswith("trial ")
    assert b"no study named" in command(here, "status", "other").stderr
    # a URI is read from here, whatever cluster the shell names
    assert b"no study named" in command(environment, "results", f"file://{tmp_path}/nothing").stderr
