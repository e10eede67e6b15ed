"""Passwords and tokens are hidden in texts, and nothing else is; no study keeps one, and nothing prints one."""

import contextlib
import functools
import http.server
import os
import threading
import time
from pathlib import Path

import pytest

import caviar
from caviar._secrets import hide_secrets
from caviar.cli.main import main
from caviar.errors import InputError
from caviar.files import open_store
from caviar.fleet.cluster import session_logs_folder

PASSWORD, TOKEN = "hunter2", "t0ken-of-mine"
LOCAL = {"metric": "loss", "mode": "min", "workers": 0, "isolation": "none", "waves": 1}
FLOWERS = "width,kind\n" + "1.5,rose\n0.5,daisy\n" * 20


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("s3://AKIA:a/b+c@bucket/x", "s3://***@bucket/x"),
        ("http://me:p@ss@host/a.csv", "http://***@host/a.csv"),
        ("https://:pw@host", "https://***@host"),
        ("https://ghp_a1@host/x", "https://***@host/x"),
        ("h://h/?X-Amz-Credential=A%2F&X-Amz-Signature=b&x=1", "h://h/?X-Amz-Credential=***&X-Amz-Signature=***&x=1"),
        ("h://h/?key=3&sig=a&AWSAccessKeyId=b", "h://h/?key=***&sig=***&AWSAccessKeyId=***"),
        ("cannot read h://h/?token=a: no", "cannot read h://h/?token=***: no"),
        ("{'Authorization': 'Bearer 0123456789'}", "{'Authorization': 'Bearer ***'}"),
        ("URL('http://h/a?token=abc')", "URL('http://h/a?token=***')"),
    ],
)
def test_a_secret_is_hidden(text, hidden):
    assert hide_secrets(text) == hidden
    assert str(InputError(text)) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "http://host:80/a@2",
        "sftp://me@host/x",
        "abfs://container@account.dfs.core.windows.net/x",
        "https://h/a?gid=3&format=csv&author=me&keyword=x",
        "ray://127.0.0.1:10001, mail me@host",
        "file:///home/a:b@c",
        "hidden_units must be >= 1, got 0; try token=3",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert hide_secrets(text) == text


@pytest.mark.parametrize("part", ["://a:", "?token", "?a.b.c.", "bearer ", "&a-", "http://aaaa"])
def test_a_long_text_takes_no_longer_than_its_length(part):
    start = time.perf_counter()
    hide_secrets(part * 20_000)
    assert time.perf_counter() - start < 5


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


@pytest.mark.parametrize("place", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "home", "nowhere"])
def test_ray_starts_for_pandas_without_the_token_in_its_command(tmp_path, monkeypatch, place):
    from caviar.panda import local_ray

    commands = []
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    if place == "home":
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").touch()
    elif place != "nowhere":
        monkeypatch.setenv(place, TOKEN)
    monkeypatch.setattr(local_ray.Path, "home", lambda: tmp_path)
    monkeypatch.setattr(local_ray, "_read_address", lambda head, log: "127.0.0.1:1")
    for name in ("run", "Popen"):
        monkeypatch.setattr(
            local_ray.subprocess, name, lambda command, **options: commands.append(command) or Process()
        )
    local_ray._start_head()
    assert [command[3] for command in commands] == ["get-auth-token", "start"][place != "nowhere" :]
    assert TOKEN not in str(commands)
    assert files_with(tmp_path, TOKEN) == []


class Process:
    pid = 1


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="the commands of processes are read from /proc")
def test_a_local_ray_has_the_token_in_no_command_and_no_log(ray_cluster):
    token = os.environ["RAY_AUTH_TOKEN"]
    commands = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            commands.append(process.read_bytes())
    assert [command for command in commands if b"raylet" in command]
    assert not [command for command in commands if token.encode() in command]
    assert files_with(Path(session_logs_folder()), token) == []
