"""A study's report in a browser, up to date while the study runs.

The server listens on this machine only, answers requests that know its token, and serves one page: no file of the study
can be asked for, and nothing can be changed.
"""

import html
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from caviar._temporary import temporary_folder
from caviar._version import VERSION
from caviar.errors import CaviarError, InputError
from caviar.insight.report.report import report
from caviar.jobs.status import JobStatus
from caviar.records.journal import NAME as JOURNAL
from caviar.records.outcome import Outcome

HOST = "127.0.0.1"
_SECONDS = 5.0  # between two looks at the study, at least
_SHARE = 0.25  # of the time, at most, is spent on making reports


@dataclass(frozen=True)
class View:
    """The page at one moment."""

    content: bytes
    is_last: bool  # the study has ended, so the page stays as it is
    seconds: float  # until the next one is worth asking for
    journal_bytes: int | None = None  # of which it was made; None: of none


Views = Callable[[View | None], View]


def look(status: Callable[[], JobStatus], folder: Callable[[], Path], last: View | None = None) -> View:
    """Return the page of a study as it is now: its report, or a line if there is none.

    Args:
        status: returns how the study is doing.
        folder: returns its folder on this machine, or a new copy of it.
        last: the page so far, which stays if nothing has been added to the journal and the study has not ended.
    """
    began, is_last, size = time.monotonic(), False, None
    try:
        is_last, study = status().state.has_ended, folder()
        size = _journal_bytes(study)
        if last is not None and size is not None and (size, is_last) == (last.journal_bytes, last.is_last):
            return last
        with temporary_folder() as place:
            content = report(Outcome.read(study), place / "report.html").read_bytes()
    except CaviarError as error:  # no trial has ended yet, or the head cannot be reached for the moment
        line = html.escape(str(error))
        content = f'<!doctype html><meta charset="utf-8"><title>Caviar</title><p>{line}</p>'.encode()
        size = None
    return View(content, is_last, max(_SECONDS, (time.monotonic() - began) / _SHARE), size)


def _journal_bytes(folder: Path) -> int | None:
    """Return the size of a study's journal, which only grows; None if there is none."""
    path = folder / JOURNAL
    return path.stat().st_size if path.exists() else None


class Server(ThreadingHTTPServer):
    """Serves the newest view of a study on loopback, to those who know the token.

    Args:
        views: passed the last page, if any, returns the page as it is now.
        port: 0 for a free one.

    Raises:
        InputError: the port is taken.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, views: Views, port: int = 0) -> None:
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise InputError(
                f"port {port} of this machine cannot be used ({error.strerror}); try another one"
            ) from None
        self.token = secrets.token_urlsafe(24)
        self._views, self._lock = views, threading.Lock()
        self._view: View | None = None
        self._until = 0.0

    @property
    def url(self) -> str:
        """What to open in a browser; it holds the token."""
        return f"http://{HOST}:{self.server_port}/?token={self.token}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request may call this server; a name that was pointed here by others is refused."""
        return (f"{HOST}:{self.server_port}", f"localhost:{self.server_port}")

    def view(self) -> View:
        """Return the newest page, made anew if the last one is old."""
        with self._lock:
            if self._view is None or (not self._view.is_last and time.monotonic() > self._until):
                self._view = self._views(self._view)
                self._until = time.monotonic() + self._view.seconds
            return self._view


@contextmanager
def serving(views: Views, port: int = 0) -> Iterator[Server]:
    """Serve in a thread until the block ends."""
    with Server(views, port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers GET / with the page; whoever does not know the token learns nothing."""

    server: Server
    server_version, sys_version = f"caviar/{VERSION}", ""

    def do_GET(self) -> None:
        """Answer a request."""
        address = urlsplit(self.path)
        given = parse_qs(address.query).get("token", [""])[0]
        if self.headers.get("Host", "") not in self.server.hosts:
            self._answer(HTTPStatus.FORBIDDEN, b"This server has another name.")
        elif given and self._is_token(given):
            cookie = f"{self._cookie}={self.server.token}; HttpOnly; SameSite=Strict; Path=/"
            self._answer(HTTPStatus.SEE_OTHER, b"", {"Location": "/", "Set-Cookie": cookie})
        elif not self._is_token(self._token_of_cookie()):
            self._answer(HTTPStatus.FORBIDDEN, b"Open the whole address that `caviar watch` has printed.")
        elif address.path != "/":
            self._answer(HTTPStatus.NOT_FOUND, b"There is only one page.")
        else:
            view = self.server.view()
            refresh = {} if view.is_last else {"Refresh": f"{view.seconds:.0f}"}
            self._answer(HTTPStatus.OK, view.content, {"Content-Type": "text/html; charset=utf-8", **refresh})

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: a line would hold the token."""

    @property
    def _cookie(self) -> str:
        return f"caviar-{self.server.server_port}"  # browsers share cookies between the ports of a host

    def _token_of_cookie(self) -> str:
        try:
            morsel = SimpleCookie(self.headers.get("Cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.server.token.encode())

    def _answer(self, status: HTTPStatus, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        plain = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content))}
        safe = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
        for name, value in {**plain, **safe, "X-Frame-Options": "DENY", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
