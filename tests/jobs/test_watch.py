"""The page of `caviar watch`: who may see it, what can be asked for, and that it follows the study."""

import http.client

import pytest

import caviar
from caviar.errors import ClusterError, InputError
from caviar.jobs.local import LocalJobs
from caviar.jobs.status import JobState, JobStatus
from caviar.jobs.watch import HOST, Server, View, look, serving

LAST = View(b"<p>the page</p>", is_last=True, seconds=1.0)


def ask(server, path="/", method="GET", **headers):
    """Return the status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, dict(answer.headers), answer.read()


def cookie_of(server):
    status, headers, _ = ask(server, f"/?token={server.token}")
    assert (status, headers["Location"]) == (303, "/")
    assert "HttpOnly" in headers["Set-Cookie"]
    return headers["Set-Cookie"].partition(";")[0]


@pytest.fixture
def server():
    with serving(lambda last: LAST) as server:
        yield server


def test_whoever_opens_the_address_sees_the_page(server):
    status, headers, body = ask(server, Cookie=cookie_of(server))
    assert (status, body) == (200, LAST.content)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/", "/?token=", "/?token=wrong", "/journal.jsonl", "/../journal.jsonl", "/?token=%00%ff"]
)
@pytest.mark.parametrize("cookie", ["", "caviar=wrong", "caviar-{port}=wrong", "\"';,="])
def test_whoever_does_not_know_the_token_sees_nothing(server, path, cookie):
    status, _, body = ask(server, path, Cookie=cookie.format(port=server.server_port))
    assert status == 403
    assert LAST.content not in body
    assert server.token.encode() not in body


@pytest.mark.parametrize("path", ["/journal.jsonl", "/report.html", "/../../etc/passwd", "//etc/passwd", "/%2e%2e/x"])
def test_there_is_only_one_page(server, path):
    status, _, body = ask(server, path, Cookie=cookie_of(server))
    assert status == 404
    assert body == b"There is only one page."


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(server, method):
    assert ask(server, method=method, Cookie=cookie_of(server))[0] == 501


def test_a_name_that_others_have_pointed_here_is_refused(server):
    cookie = cookie_of(server)
    status, _, body = ask(server, Host=f"evil.example:{server.server_port}", Cookie=cookie)
    assert (status, LAST.content in body) == (403, False)
    assert ask(server, Host=f"localhost:{server.server_port}", Cookie=cookie)[0] == 200


def test_it_listens_on_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_one_sentence(server):
    with pytest.raises(InputError, match=rf"port {server.server_port} of this machine cannot be used"):
        Server(lambda last: LAST, server.server_port)


def test_the_page_is_made_anew_while_the_study_runs_and_then_no_more():
    views = [View(b"first", False, 0.0), View(b"second", False, 0.0), View(b"last", True, 0.0)]
    left = list(views)
    with serving(lambda last: left.pop(0)) as server:
        cookie = cookie_of(server)
        answers = [ask(server, Cookie=cookie) for _ in range(5)]
    assert [body for _, _, body in answers] == [b"first", b"second", b"last", b"last", b"last"]
    assert ["Refresh" in headers for _, headers, _ in answers] == [True, True, False, False, False]


def test_the_page_is_the_report_of_the_study_as_it_is_now(tmp_path):
    def train(config, seed):
        return {"loss": config["x"]}

    study = caviar.Study(
        train, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss", mode="min", trials=8, seed=0,
        out=tmp_path / "runs" / "<b>first", workers=0, isolation="none",
    )  # fmt: skip
    jobs = LocalJobs(tmp_path / "runs")
    status = JobStatus("<b>first", JobState.RUNNING, "0/8 trials", None, str(study.folder))
    before = look(lambda: status, lambda: study.folder)
    assert b"&lt;b&gt;first" in before.content
    assert b"no study in" in before.content
    assert not before.is_last
    study.run(progress=False)
    after = look(lambda: jobs.status("<b>first"), lambda: jobs.folder("<b>first"))
    assert b"The winner" in after.content
    assert after.is_last
    assert not (study.folder / "report.html").exists()


def test_the_page_is_made_anew_only_if_the_journal_has_grown_or_the_study_has_ended(tmp_path):
    def train(config, seed):
        return {"loss": config["x"]}

    study = caviar.Study(
        train, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss", mode="min", trials=8, seed=0,
        out=tmp_path / "first", workers=0, isolation="none",
    )  # fmt: skip
    study.run(progress=False)
    running, ended = (
        JobStatus("first", state, "", None, str(study.folder)) for state in (JobState.RUNNING, JobState.FINISHED)
    )
    first = look(lambda: running, lambda: study.folder)
    assert look(lambda: running, lambda: study.folder, first) is first
    last = look(lambda: ended, lambda: study.folder, first)
    assert last is not first
    assert last.is_last
    study.extend(2)
    study.run(progress=False)
    assert look(lambda: running, lambda: study.folder, first) is not first


def test_a_head_that_cannot_be_reached_for_a_moment_is_a_line_on_the_page():
    def gone():
        raise ClusterError("the head at http://127.0.0.1:8265 does not answer")

    view = look(gone, gone)
    assert b"does not answer" in view.content
    assert not view.is_last
