"""Processes that cannot start, or die as they do: the error says why, with what they have printed."""

import contextlib
import logging
import os
import sys

import pytest

from caviar.errors import CaviarError, ClusterError
from caviar.fleet.placement import Placement
from caviar.fleet.process_pool import ProcessPool
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.records.trial import State
from tests.fleet.pools import NETWORK, ends, network_trials, train
from tests.fleet.processes.studies import study_of

STACKS = [(trial,) for trial in network_trials(4)]


@pytest.fixture(autouse=True)
def without_ray(monkeypatch):
    """What other tests have imported sends trials to Ray."""
    monkeypatch.delitem(sys.modules, "ray", raising=False)


def loss(config):
    return config["x"]


def network_pool(workers=2):
    return contextlib.closing(ProcessPool(NETWORK, "val_accuracy", Placement(workers)))


def run_network(tmp_path):
    with network_pool() as trainers:
        train(trainers, STACKS)


def run_function(tmp_path):
    study_of(loss, tmp_path / "study", [1, 2], workers=2).run(progress=False)


def run_function_here(tmp_path):
    study_of(loss, tmp_path / "study", [1, 2]).run(progress=False)


RUNS = pytest.mark.parametrize("run", [run_network, run_function, run_function_here])


@RUNS
@pytest.mark.parametrize("executable", ["/no/python", None, "", os.devnull])
def test_a_python_that_cannot_be_started_is_named_with_the_remedy(tmp_path, monkeypatch, run, executable):
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(ClusterError, match=r"there is no Python at \S+ to start processes with; restore the environ"):
        run(tmp_path)


@RUNS
@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_process_that_dies_as_it_starts_says_what_it_has_printed(tmp_path, monkeypatch, run):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no libpython3.so >&2\nexit 127\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    said = r"a new Python, \S+/python, has exited with status 127; mend what it says:\nno libpython3.so$"
    with pytest.raises(CaviarError, match=said):
        run(tmp_path)


@RUNS
def test_a_broken_sitecustomize_shows_its_traceback(tmp_path, monkeypatch, run):
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no licence')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(CaviarError, match=r"(?s)has exited with status 1; .*sitecustomize.py.*SystemExit: no licence$"):
        run(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="trials are forked")
@pytest.mark.usefixtures("imports")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_function_whose_import_ends_the_process_shows_what_that_has_printed(tmp_path, monkeypatch, workers):
    text = (
        "import os\nif 'HERE' not in os.environ:\n    os.write(2, b'no GPU')\n    os._exit(3)\ndef train(config): pass"
    )
    (tmp_path / "module_that_exits.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HERE", "1")
    from module_that_exits import train as function

    monkeypatch.delenv("HERE")
    with pytest.raises(CaviarError, match=r"the function cannot be loaded: a new Python, .*, has exited; .*:\nno GPU$"):
        study_of(function, tmp_path / "study", workers=workers).run(progress=False)


@pytest.mark.usefixtures("imports")
def test_a_function_that_cannot_be_loaded_is_no_failure_of_its_trials(tmp_path, monkeypatch):
    (tmp_path / "module_that_goes.py").write_text("def train(config): return 0.5", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    from module_that_goes import train as function

    isolated = IsolatedFunction.of(function, "loss", Placement(1))
    (tmp_path / "module_that_goes.py").unlink()
    with (
        contextlib.closing(ProcessPool(isolated, "loss", Placement(1))) as pool,
        pytest.raises(ClusterError, match=r"trainers cannot start: the function cannot be loaded: ModuleNotFoundError"),
    ):
        train(pool, STACKS)


def test_it_goes_on_with_the_trainers_that_could_start(monkeypatch, caplog):
    with network_pool(workers=4) as trainers:
        trainers.start(1)
        monkeypatch.setattr(sys, "executable", "/no/python")
        with caplog.at_level(logging.WARNING, "caviar"):
            events = train(trainers, STACKS)
    assert {end.state for end in ends(events).values()} == {State.FINISHED}
    assert trainers.workers == 1
    assert "goes on with 1 trainer, since no more can start: there is no Python at /no/python" in caplog.text
