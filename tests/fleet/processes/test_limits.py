"""Limits of time, memory and threads hold for a trial and for all that it starts."""

import contextlib
import ctypes
import importlib.util
import os
import subprocess
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import caviar
from caviar.fleet.connect import open_pool
from caviar.fleet.messages import Done
from caviar.fleet.placement import Placement
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.settings import PoolSettings
from caviar.records.trial import State, Trial
from tests.fleet.processes.studies import ended, finished, numbers_in, run


def hang(config):
    """Start children in the folder x, then do not return."""
    folder, _, how = config["x"].partition(" ")
    if not how:
        return {"loss": 1.0}
    for command in (["sleep", "1000"], ["sh", "-c", "sleep 1000 & sleep 1000"]):
        open(f"{folder}/{subprocess.Popen(command).pid}", "w").close()
    match how:
        case "sleep":
            time.sleep(1000)
        case "loop":
            while True:
                pass
        case "report":
            while True:
                caviar.report({"loss": 1.0})
        case "swallow":
            while True:
                with contextlib.suppress(BaseException):
                    time.sleep(1000)
        case "thread":
            threading.Thread(target=time.sleep, args=(1000,)).start()
        case "interpreter":
            ctypes.PyDLL(None).sleep(1000)
        case "setsid":
            open(f"{folder}/{subprocess.Popen(['sleep', '1000'], start_new_session=True).pid}", "w").close()
            time.sleep(1000)
    return {"loss": 1.0}


HANGS = ["sleep", "loop", "report", "swallow", "interpreter"]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.usefixtures("ray_cluster")
def test_a_time_limit_ends_a_trial_and_all_that_it_started(tmp_path, workers):
    (tmp_path / "pids").mkdir()
    xs = [f"{tmp_path / 'pids'} {how}".strip() for how in ["", *HANGS]]
    table, _ = run(hang, tmp_path / "s", xs, workers=workers, trial_timeout=0.5)
    assert list(table["state"]) == ["finished"] + ["timed_out"] * len(HANGS)
    assert set(table["error"][1:]) == {"it exceeded its time limit of 0.5 s"}
    assert table["seconds"][1:].between(0.4, 4).all()
    assert table["worker"].nunique() == 1
    assert len(numbers_in(tmp_path / "pids")) == 2 * len(HANGS)
    assert all(ended(number) for number in numbers_in(tmp_path / "pids"))


@pytest.mark.parametrize("how", ["children", "thread"])
def test_what_a_finished_trial_leaves_behind_is_ended(tmp_path, how):
    (tmp_path / "pids").mkdir()
    start = time.monotonic()
    table, _ = run(hang, tmp_path / "s", [f"{tmp_path / 'pids'} {how}"])
    assert finished(table)
    assert time.monotonic() - start < 20
    assert len(numbers_in(tmp_path / "pids")) == 2
    assert all(ended(number) for number in numbers_in(tmp_path / "pids"))


def test_a_child_in_a_session_of_its_own_is_ended_too(tmp_path):
    (tmp_path / "pids").mkdir()
    run(hang, tmp_path / "s", [f"{tmp_path / 'pids'} setsid"], trial_timeout=1.0)
    assert len(numbers_in(tmp_path / "pids")) == 3
    assert all(ended(number) for number in numbers_in(tmp_path / "pids"))


def test_a_trial_that_holds_the_interpreter_in_c_is_no_silent_trainer(ray_cluster):
    def sleep(config):
        ctypes.PyDLL(None).usleep(3_500_000)
        return {"loss": float(os.getppid())}

    placement, settings = Placement(workers=1), PoolSettings(silent_seconds=1.5)
    trainable = IsolatedFunction.of(sleep, "loss", placement)
    with open_pool(trainable, "loss", placement, settings) as pool:
        pool.submit([(Trial(number, 1, {}, number),) for number in range(2)])
        ends = []
        while pool.pending:
            ends += [event for event in pool.poll() if isinstance(event, Done)]
    assert [(end.state, end.error) for end in ends] == [(State.FINISHED, "")] * 2
    assert len({end.worker for end in ends}) == 1


def allocate(config):
    hoard = [np.ones(10_000_000 // 8) for _ in range(config["x"] // 10)]
    if config["x"] == 5:
        bytearray(10**9)
    return {"loss": float(sum(len(part) for part in hoard))}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.usefixtures("ray_cluster")
def test_a_trial_that_allocates_more_than_its_memory_fails(tmp_path, workers):
    resources = {"cpu": 1, "memory": 3e8}
    xs = [1000, 0, 100, 200, 5, 1001]
    table, outputs = run(allocate, tmp_path / "s", xs, workers=workers, resources=resources)
    assert list(table["state"]) == ["failed", "finished", "finished", "finished", "failed", "failed"]
    assert all("MemoryError" in error for error in table["error"][[0, 4, 5]])
    assert table["worker"].nunique() == 1
    assert all("allocate" in outputs[row] for row in (0, 4, 5))


def threads(config):
    np.ones((50, 50)) @ np.ones((50, 50))
    found = {"loss": float(os.environ["OMP_NUM_THREADS"])}
    found["blas"] = max(library["num_threads"] for library in threadpool_info())
    if config["x"]:
        import torch

        torch.ones(50, 50) @ torch.ones(50, 50)
        found["torch"] = torch.get_num_threads()
        found["everything"] = max(library["num_threads"] for library in threadpool_info())
    return found | {"child": float(subprocess.check_output("echo $OPENBLAS_NUM_THREADS", shell=True))}


@pytest.mark.parametrize("cpus", [None, 2, 0.5])
@pytest.mark.parametrize("torch", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_trial_has_as_many_threads_as_cpus(tmp_path, cpus, torch):
    if torch and importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    table, _ = run(threads, tmp_path / "s", [int(torch)], resources=cpus and {"cpu": cpus})
    assert finished(table)
    names = ["loss", "blas", "child"] + ["torch", "everything"] * torch
    assert dict(table.loc[0, names]) == dict.fromkeys(names, float(max(1, int(cpus or 1))))
