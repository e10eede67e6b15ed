"""Files that cannot be opened, and URLs."""

import functools
import http.server
import os
import sys
import threading
from importlib.util import find_spec

import pytest

from caviar.data.reading.format import Format
from caviar.data.reading.read import read_chunks, read_table
from caviar.errors import InputError

TEXT = "width,kind\n1.5,rose\n"


def test_a_missing_file_raises_with_the_closest_name(tmp_path):
    (tmp_path / "flowers.csv").write_text(TEXT, encoding="utf-8")
    with pytest.raises(InputError, match=r"flower\.csv: there is no such file; did you mean 'flowers\.csv'\?"):
        read_table(tmp_path / "flower.csv")
    with pytest.raises(InputError, match=r"there is no such file; choose one of flowers\.csv"):
        read_table(str(tmp_path / "a"))
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        read_table(tmp_path / "nowhere" / "flowers.csv")
    with pytest.raises(InputError, match=r"there is no folder .*flowers\.csv"):
        read_table(tmp_path / "flowers.csv" / "flowers.csv")


def test_a_folder_raises_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"is a folder, not a file$"):
        read_table(tmp_path)
    (tmp_path / "flowers.csv").write_text(TEXT, encoding="utf-8")
    with pytest.raises(InputError, match=r"is a folder, not a file; choose one of flowers\.csv"):
        read_table(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_raises_one_sentence(tmp_path):
    (tmp_path / "flowers.csv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "flowers.csv").chmod(0)
    with pytest.raises(InputError, match=r"cannot read .*flowers\.csv \(Permission denied\)"):
        read_table(tmp_path / "flowers.csv")


@pytest.fixture
def fsspec():
    return pytest.importorskip("fsspec", reason="fsspec is a part of the test extra")


def test_a_file_in_a_store_is_read(fsspec):
    with fsspec.open("memory://reading/flowers.csv", "w") as file:
        file.write(TEXT)
    assert read_table("memory://reading/flowers.csv").to_dict("list") == {"width": [1.5], "kind": ["rose"]}
    (chunk,) = read_chunks("memory://reading/flowers.csv", Format(), 5, {"width": "number"})
    assert chunk.to_dict("list") == {"width": [1.5], "kind": ["rose"]}
    with pytest.raises(InputError, match=r"cannot read memory://reading/none\.csv: nothing was found; check"):
        read_table("memory://reading/none.csv")


def test_an_unknown_scheme_raises_one_sentence(fsspec):
    with pytest.raises(InputError, match=r"cannot use nowhere://flowers\.csv"):
        read_table("nowhere://flowers.csv")


def test_without_fsspec_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match=r"https://host/flowers\.csv needs fsspec; .* 'caviar-tune\[storage\]'"):
        read_table("https://host/flowers.csv")


@pytest.fixture
def server(tmp_path):
    """The address of a web server of a folder."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.skipif(not find_spec("aiohttp") or not find_spec("requests"), reason="fsspec needs them for http")
def test_a_file_on_the_web_is_read(fsspec, server, tmp_path):
    (tmp_path / "flowers.csv").write_text(TEXT, encoding="utf-8")
    assert read_table(f"{server}/flowers.csv").to_dict("list") == {"width": [1.5], "kind": ["rose"]}
    with pytest.raises(InputError, match=r"cannot read http://.*/none\.csv: .*; check") as error:
        read_table(f"{server}/none.csv")
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not find_spec("aiohttp") or not find_spec("requests"), reason="fsspec needs them for http")
def test_what_a_web_server_answers_is_said(fsspec, server, monkeypatch):
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "send_head", lambda self: self.send_error(403))
    with pytest.raises(InputError, match=r"flowers\.csv: the server answered 403 Forbidden; check"):
        read_table(f"{server}/flowers.csv")


@pytest.mark.skipif(not find_spec("aiohttp") or not find_spec("requests"), reason="fsspec needs them for http")
def test_a_network_that_fails_raises_one_sentence(fsspec):
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9/flowers\.csv: its host cannot be reached .*; check"):
        read_table("http://127.0.0.1:9/flowers.csv")
