"""However the process of a trial ends, its row says how, and no other trial notices."""

import ctypes
import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

import caviar
from caviar.fleet.connect import open_pool
from caviar.fleet.messages import Done, Report
from caviar.fleet.placement import Placement
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.records.trial import Trial
from tests.fleet.processes.studies import finished, run, study_of


class Unpicklable(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Vicious(Exception):
    def __str__(self):
        raise SystemExit("no text")


def own_code(what):
    """Raise or die, a frame below the function."""
    match what:
        case "os._exit":
            os._exit(3)
        case "os._exit 0":
            os._exit(0)
        case "sys.exit":
            sys.exit("enough")
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "terminate":
            os.kill(os.getpid(), signal.SIGTERM)
        case "MemoryError":
            raise MemoryError
        case "KeyboardInterrupt":
            raise KeyboardInterrupt
        case "empty":
            raise ValueError
        case "unprintable":
            raise Unprintable
        case "vicious":
            raise Vicious
        case "unpicklable":
            raise Unpicklable("has a lock")
        case "group":
            raise ExceptionGroup("two at once", [ValueError("first"), KeyError("second")])
        case "chained":
            try:
                own_code("empty")
            except ValueError as cause:
                raise RuntimeError("because of it") from cause
        case "report":
            caviar.report({"accuracy": 1.0})
        case "recursion":
            own_code(what)
        case "GeneratorExit":
            raise GeneratorExit
        case "surrogate":
            raise ValueError("caf\udce9 \0 \xe9")
    raise AssertionError(what)


def train(config):
    if config["x"].startswith("fine"):
        return {"loss": 1.0}
    print("it began")
    own_code(config["x"])


ENDS = {
    "os._exit": "its process exited with status 3",
    "os._exit 0": "its process exited with status 0",
    "sys.exit": "SystemExit: enough",
    "segfault": "its process was ended by signal 11 (SIGSEGV)",
    "abort": "its process was ended by signal 6 (SIGABRT)",
    "kill": "its process was killed 3 times; perhaps the machine was short of memory",
    "terminate": "its process was ended by signal 15 (SIGTERM)",
    "MemoryError": "MemoryError",
    "KeyboardInterrupt": "KeyboardInterrupt",
    "empty": "ValueError",
    "unprintable": "Unprintable: its text raised RuntimeError",
    "vicious": "Vicious: its text raised SystemExit",
    "unpicklable": "Unpicklable: has a lock",
    "group": "ExceptionGroup: two at once (2 sub-exceptions)",
    "chained": "RuntimeError: because of it",
    "report": "the report must contain the metric 'loss', got 'accuracy'",
    "recursion": "RecursionError: maximum recursion depth exceeded",
    "GeneratorExit": "GeneratorExit",
    "surrogate": "ValueError: caf\\udce9 \0 é",
}
CRASHES = ("segfault", "abort")  # faulthandler shows every frame
WITHOUT_TRACEBACK = ("os._exit", "os._exit 0", "kill", "terminate")


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("ray_cluster")
def test_however_a_trial_ends_its_row_says_how(tmp_path, workers):
    xs = [x for end in ENDS for x in (end, f"fine after {end}")]
    table, outputs = run(train, tmp_path / "s", xs, workers=workers)
    fine = table["x"].str.startswith("fine")
    assert finished(table[fine])
    assert set(table["state"][~fine]) == {"failed"}
    assert table["worker"].nunique() <= max(workers, 1)  # the trainers stayed
    errors = dict(zip(table["x"][~fine], table["error"][~fine], strict=True))
    shortened = {x: error[: len(ENDS[x])] if x == "recursion" else error for x, error in errors.items()}
    assert shortened == ENDS
    for x, text in zip(table["x"][~fine], [outputs[row] for row in table.index[~fine]], strict=True):
        assert text.startswith("it began\n"), x
        assert ("own_code" in text) == (x not in WITHOUT_TRACEBACK), text
        assert x in CRASHES or str(Path(caviar.__file__).parent / "fleet") not in text, text
    assert "| ValueError: first\n" in outputs[xs.index("group")]
    assert "| KeyError: 'second'\n" in outputs[xs.index("group")]
    assert "The above exception was the direct cause" in outputs[xs.index("chained")]


def raise_through_generator(config):
    yield {"loss": 1.0}
    own_code("empty")


def test_a_generator_that_raises_keeps_its_reports_and_its_traceback(tmp_path):
    table, (text,) = run(raise_through_generator, tmp_path / "s")
    assert table["state"][0] == "failed"
    assert table["loss"][0] == 1.0
    assert "own_code" in text
    assert "caviar/fleet" not in text


def test_a_trial_that_is_killed_from_outside_once_runs_again(tmp_path):
    def sleep_once(config):
        flag = tmp_path / f"began {config['x']}"
        again = flag.exists()
        flag.write_text(str(os.getpid()))
        caviar.report({"loss": 5.0})
        while config["x"] == 1 and not again:
            time.sleep(0.01)
        return {"loss": float(again)}

    def kill():
        while not (tmp_path / "began 1").exists() or not (tmp_path / "began 1").read_text():
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(int((tmp_path / "began 1").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    study = study_of(sleep_once, tmp_path / "s", range(3))
    table = study.run(progress=False).set_index("x")
    killer.join()
    assert finished(table)
    assert dict(table["loss"]) == {0: 0.0, 1: 1.0, 2: 0.0}
    assert set(table["epochs"]) == {2}
    assert len(study.history) == 6


def kill_parent(config):
    """Kill the process that all trials are forked from, once."""
    flag = Path(config["x"])
    if flag.name == "2" and not flag.exists():
        flag.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return {"loss": 1.0}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.usefixtures("ray_cluster")
def test_a_trial_may_kill_the_parent_of_all_trials(tmp_path, workers):
    table, _ = run(kill_parent, tmp_path / "s", [str(tmp_path / str(i)) for i in range(4)], workers=workers)
    assert finished(table)
    assert table["worker"].nunique() == 1


def test_the_parent_of_all_trials_may_be_killed_between_two_trials():
    def parent(config):
        return {"loss": float(os.getppid())}

    trainable = IsolatedFunction.of(parent, "loss", Placement(workers=0))
    parents = []
    with open_pool(trainable, "loss", Placement(workers=0)) as pool:
        for number in range(3):
            pool.submit([(Trial(number, 1, {}, number),)])
            events = [event for event in iter(lambda: pool.poll() if pool.pending else None, None) for event in event]
            assert [event.error for event in events if isinstance(event, Done)] == [""]
            parents += [int(event.metrics["loss"]) for event in events if isinstance(event, Report)]
            os.kill(parents[-1], signal.SIGKILL)
    assert len(set(parents)) == 3


def test_a_trial_that_stops_itself_is_ended_by_its_time_limit(tmp_path):
    def stop(config):
        if config["x"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        return {"loss": 1.0}

    table, _ = run(stop, tmp_path / "s", range(2), trial_timeout=1.0)
    assert list(table["state"]) == ["finished", "timed_out"]


class WhereForksAreRefused:
    """A function; where it is unpickled, the system refuses forks from then on, as `ulimit -u` does."""

    def __call__(self, config):
        return {"loss": 1.0}

    def __reduce__(self):
        return refuse_forks, ()


def refuse_forks():
    def refuse():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    os.fork = refuse
    return WhereForksAreRefused()


def test_a_trial_that_the_system_does_not_let_fork_says_so(tmp_path):
    table, _ = run(WhereForksAreRefused(), tmp_path / "s", range(2))
    assert set(table["state"]) == {"failed"}
    for error in table["error"]:
        assert "cannot be started once more (Resource temporarily unavailable); ask for fewer workers" in error
