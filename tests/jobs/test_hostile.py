"""A head that answers what it likes, and what is sent to it: no secret leaves this machine, no answer does harm."""

import io
import json
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import example, given

import caviar
from caviar.cli.main import main
from caviar.errors import ClusterError, InputError
from caviar.jobs.client import connect
from tests.damage import as_json, damaged, fuzzed, reads_or_says

TOKEN = os.environ["RAY_AUTH_TOKEN"]
FORMAT = Path(__file__).parents[1] / "records" / "formats" / "1"
VERSION = {"version": "4", "ray_version": "2.59", "ray_commit": "", "session_name": ""}
JOB = {
    "type": "SUBMISSION",
    "submission_id": "digits",
    "status": "SUCCEEDED",
    "entrypoint": "python",
    "message": "done",
    "start_time": 1700000000000,
    "end_time": 1700000001000,
    "metadata": {"caviar": "digits", "trials": "4"},
    "runtime_env": {},
    "driver_node_id": "node",
}
SUBMITTED = {"job_id": "digits", "submission_id": "digits"}


class Head(HTTPServer):
    """A head that answers what `answers` holds for the beginnings of paths, and remembers what it was sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.sent = {}, []
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.sent.append((self.command, self.path, body))
        path = next((path for path in self.server.answers if self.path.startswith(path)), None)
        answer = self.server.answers.get(path, (404, b"none"))
        status, content = answer(self) if callable(answer) else answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = _answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def head():
    with Head() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        server.answers["/api/version"] = 200, as_json(VERSION)
        yield server
        server.shutdown()


def with_job(head, job=JOB, **files):
    head.answers["/api/jobs/digits/logs"] = 200, as_json({"logs": "4/4 trials\n"})
    head.answers["/api/jobs/digits"] = 200, as_json(job)
    head.answers["/api/jobs/"] = 200, as_json([job])
    for name, content in files.items():
        head.answers[f"/api/v0/logs/file?node_id=node&filename=caviar/digits/{name.replace('_', '.')}"] = 200, content
    return connect(head.address)


@fuzzed(25)
@given(job=damaged(JOB))
@example(job={**JOB, "start_time": 10**30})
@example(job={**JOB, "end_time": 10**30})
@example(job={**JOB, "metadata": 5})
@example(job=[])
def test_a_jobs_api_that_answers_anything_gets_one_sentence(head, job):
    cluster = with_job(head, job)
    reads_or_says(cluster.studies)
    reads_or_says(cluster.status, "digits")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b"5", b"null"])
def test_a_jobs_api_that_answers_no_json_gets_one_sentence(head, content):
    cluster = with_job(head)
    for path in ("/api/jobs/digits/logs", "/api/jobs/digits", "/api/jobs/"):
        head.answers[path] = 200, content
        with pytest.raises(ClusterError, match="did not answer as expected"):
            cluster.studies() if path != "/api/jobs/digits" else cluster.status("digits")
        with_job(head)


@pytest.mark.parametrize(("status", "content"), [(200, b"<html>"), (200, b"[]"), (404, b""), (503, b"")])
def test_a_web_server_that_is_no_dashboard_is_told_to_be_checked(head, status, content):
    head.answers["/api/version"] = status, content
    with pytest.raises(ClusterError, match=r"as expected: .*; check that it is the dashboard of a Ray cluster$"):
        connect(head.address)


def test_what_a_head_answers_is_written_into_the_studys_folder_alone(head, tmp_path, monkeypatch):
    journal = (FORMAT / "journal.jsonl").read_bytes()
    hostile = {**JOB, "submission_id": "../../evil", "driver_node_id": "node"}
    cluster = with_job(head, hostile, journal_jsonl=journal, results_csv=b"=cmd()\n1\n")
    prefix = "/api/v0/logs/file?node_id=node&filename=caviar/"
    for path in [path for path in head.answers if path.startswith(prefix)]:
        head.answers[path.replace("caviar/digits", "caviar/../../evil")] = head.answers[path]
    (tmp_path / "deep" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "deep")
    folder = cluster.fetch("digits", Path("runs/digits"), models=True)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {f"deep/deep/runs/digits/{name}" for name in files_of(folder)}
    assert files_of(folder) >= {"journal.jsonl", "results.csv"}


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_tables_of_a_fetched_study_are_made_here(head, tmp_path):
    journal = (FORMAT / "journal.jsonl").read_bytes()
    cluster = with_job(head, journal_jsonl=journal, results_csv=b"=cmd|' /C calc'!A0\n1\n")
    folder = cluster.fetch("digits", str(tmp_path / "study"))
    assert (folder / "results.csv").read_bytes() == (FORMAT / "results.csv").read_bytes()


def train(config, seed):
    return {"loss": config["x"]}


def submitted(head, study, name=None):
    """The files that a head gets of a study, by name, and the description of its job."""
    head.answers["/api/packages/"] = lambda request: (404 if request.command == "GET" else 200, b"")
    head.answers["/api/jobs/"] = lambda request: (200, b"[]" if request.command == "GET" else as_json(SUBMITTED))
    connect(head.address).submit(study, name)
    files = {}
    for method, _, body in head.sent:
        if method == "PUT":
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                files |= {entry: archive.read(entry) for entry in archive.namelist()}
    return files, json.loads(next(body for method, _, body in head.sent if method == "POST"))


SECRETS = {
    ".env": "SECRET-1",
    ".aws/credentials": "SECRET-2",
    ".ssh/id_rsa": "SECRET-3",
    "id_rsa": "SECRET-4",
    "server.pem": "SECRET-5",
    "service-account.json": "SECRET-6",
    ".netrc": "SECRET-7",
    "notes.ipynb": "SECRET-8",
}


def project(folder):
    """A folder with a study's module, one that it imports, and secrets."""
    for name, content in SECRETS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (folder / "beside_secrets.py").write_text(
        "import its_helper\n\ndef train(config, seed):\n    return its_helper.of(config)\n"
    )
    (folder / "its_helper.py").write_text("def of(config):\n    return {'loss': config['x']}\n")
    return folder


OBJECTIVE = {"metric": "loss", "mode": "min", "space": {"x": caviar.uniform(0, 1)}, "trials": 4, "waves": 1}


def test_submit_sends_no_secrets_that_lie_beside_the_study(head, tmp_path, monkeypatch):
    folder = project(tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET-9")
    from beside_secrets import train as function

    study = caviar.Study(function, **OBJECTIVE, out=tmp_path / "study", workers=0)
    files, job = submitted(head, study)
    assert {"beside_secrets.py", "its_helper.py"} <= set(files)
    assert not [name for name, content in files.items() if b"SECRET-" in content and not name.startswith("caviar/")]
    assert "SECRET-" not in json.dumps(job)


def test_the_token_travels_in_no_body_no_file_and_no_command(head, tmp_path):
    study = caviar.Study(train, **OBJECTIVE, out=tmp_path / "study", workers=0)
    files, job = submitted(head, study)
    assert not [name for name, content in files.items() if TOKEN.encode() in content]
    assert TOKEN not in json.dumps(job)
    assert not [path for _, path, body in head.sent if TOKEN in path or TOKEN.encode() in body]


@pytest.mark.parametrize("name", ["a; touch proof", "$(touch proof)", "../../a b", "a\nb`c`"])
def test_the_name_of_a_study_adds_nothing_to_the_command_of_its_job(head, tmp_path, name):
    study = caviar.Study(train, **OBJECTIVE, out=tmp_path / "study", workers=0, name=name)
    _, job = submitted(head, study, name)
    command, _, sent = job["entrypoint"].rpartition(" ")
    assert command == "python -m caviar.jobs.job"
    assert not set(sent) & set(";$()`\n /")


@pytest.mark.parametrize(
    ("name", "there"), [("--help", "help"), ("../x.", "x"), (".hidden", "hidden"), ("größe", "größe")]
)
def test_the_name_of_a_study_is_no_option_and_no_folder_above(head, tmp_path, name, there):
    study = caviar.Study(train, **OBJECTIVE, out=tmp_path / "study", workers=0)
    _, job = submitted(head, study, name)
    assert job["submission_id"] == there


@pytest.mark.parametrize("name", ["..", "-", "/", "a" * 300])
def test_a_name_that_names_no_folder_is_refused(head, tmp_path, name):
    study = caviar.Study(train, **OBJECTIVE, out=tmp_path / "study", workers=0)
    with pytest.raises(InputError, match="name there must have letters, and 200 bytes at most, got"):
        submitted(head, study, name)


def test_a_token_that_a_head_repeats_is_in_no_error(head, capsys):
    with_job(head)
    head.answers["/api/jobs/"] = lambda request: (500, f"failed: {dict(request.headers)}".encode())
    with pytest.raises(ClusterError, match="did not answer as expected") as caught:
        connect(head.address).studies()
    assert TOKEN not in str(caught.value)
    with pytest.raises(SystemExit):
        main(["list", "--address", head.address])
    captured = capsys.readouterr()
    assert TOKEN not in captured.out + captured.err


def test_a_password_in_an_address_is_in_no_error(capsys):
    for address in ("http://me:hunter2@127.0.0.1:1", "http://me:hunter2@127.0.0.1"):
        with pytest.raises((ClusterError, InputError)) as caught:
            connect(address)
        assert "hunter2" not in str(caught.value)
