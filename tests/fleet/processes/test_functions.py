"""Functions of every kind reach the process of their trial, or are refused before anything starts."""

import functools
import importlib
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.errors import ClusterError, InputError, StorageError
from tests.damage import full_disk
from tests.fleet.processes.studies import SETTINGS, finished, run, study_of


def keyword(config, *, seed):
    return {"loss": 1.0, "got": seed}


def default(config, seed=0):
    return {"loss": 1.0, "got": seed}


def random_state(config, random_state):
    return {"loss": 1.0, "got": random_state}


class Callable:
    def __call__(self, config, seed):
        return {"loss": 1.0, "got": seed}

    def method(self, config, *, seed=None):
        return {"loss": 1.0, "got": seed}

    @staticmethod
    def static(config, seed):
        return {"loss": 1.0, "got": seed}


def checkpoint_dir(config, checkpoint_dir=None):
    return {"loss": 1.0, "got": -1 if checkpoint_dir is None else 0}


def two_more(config, model, seed):
    return {"loss": model, "got": seed}


SEEDED = [
    keyword, default, random_state, Callable(), Callable().method, Callable.static,
    functools.partial(two_more, model=1.0), functools.partial(functools.partial(keyword)),
]  # fmt: skip
UNSEEDED = [checkpoint_dir, functools.partial(default, seed=-1), functools.partial(two_more, model=1.0, seed=-1)]


@pytest.mark.parametrize("function", SEEDED)
def test_who_takes_a_seed_gets_that_of_the_table(tmp_path, function):
    table, _ = run(function, tmp_path / "s", range(2))
    assert finished(table)
    assert list(table["got"]) == list(table["seed"])
    assert table["seed"].nunique() == 2


@pytest.mark.parametrize("function", UNSEEDED)
def test_nothing_else_gets_a_seed(tmp_path, function):
    table, _ = run(function, tmp_path / "s", range(2))
    assert finished(table)
    assert list(table["got"]) == [-1, -1]


@pytest.mark.parametrize("isolation", ["process", "none"])
@pytest.mark.parametrize("function", [two_more, lambda: None, lambda seed: None, lambda config, seed, *, model: None])
def test_a_function_that_needs_other_arguments_is_refused_before_anything_starts(tmp_path, function, isolation):
    with pytest.raises(InputError, match="must be callable with a config, or a config and a seed"):
        study_of(function, tmp_path / "s", isolation=isolation)
    assert not (tmp_path / "s").exists()


def test_what_cannot_be_pickled_is_refused_with_the_remedy(tmp_path):
    lock = threading.Lock()

    def locked(config):
        with lock:
            return {"loss": 1.0}

    with pytest.raises(InputError, match=r"locked cannot be sent .*lock.*; open files, .* isolation='none'"):
        study_of(locked, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    table, _ = run(locked, tmp_path / "s", isolation="none")
    assert finished(table)


class TwoTexts(Exception):
    def __init__(self, first, second):
        super().__init__(first)


def test_what_cannot_be_unpickled_is_refused_with_the_remedy(tmp_path):
    error = TwoTexts("one", "two")
    study = study_of(lambda config: {"loss": float(error.args == config)}, tmp_path / "s")
    with pytest.raises(InputError, match=r"missing 1 required positional argument: 'second'.*inside the function$"):
        study.run(progress=False)


def test_a_function_may_capture_50_megabytes(tmp_path):
    data = np.random.default_rng(0).random(50_000_000 // 8)

    def train(config):
        data[0] += 1.0
        return {"loss": float(data.sum())}

    table, _ = run(train, tmp_path / "s", range(4))
    assert finished(table)
    assert table["loss"].nunique() == 1


def module(folder, name, text):
    """Write and import a module that its processes find on sys.path."""
    (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return importlib.import_module(name)


@pytest.fixture
def on_path(tmp_path, monkeypatch, imports):
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_module_that_starts_a_thread_at_import(on_path):
    text = """
        import os, threading
        lock, ready = threading.Lock(), threading.Event()
        def hold():
            with lock:
                ready.set()
                threading.Event().wait()
        threading.Thread(target=hold, daemon=True).start()
        ready.wait()
        calls = []
        def train(config):
            calls.append(1)
            if config["x"] == 2:
                raise ValueError("x is 2")
            alive = any(thread.name.endswith("(hold)") for thread in threading.enumerate())
            print("é", os.getpid())
            return {"loss": float(alive), "calls": len(calls), "process": os.getpid()}
    """
    train = module(on_path, "module_with_a_thread", text).train
    table, outputs = run(train, on_path / "s", range(3))
    assert list(table["error"]) == ["", "", "ValueError: x is 2"]
    assert list(table["loss"][:2]) == [1.0, 1.0]  # the thread lives in each process
    assert list(table["calls"][:2]) == [1, 1]
    assert table["process"][:2].nunique() == 2
    notice, printed = outputs[0].splitlines()
    assert notice.startswith("caviar: importing the function starts threads")
    assert printed.startswith("é ")
    assert "module_with_a_thread.py" in outputs[2]


def test_a_module_that_is_gone_is_one_sentence(on_path):
    train = module(on_path, "module_that_goes", "def train(config): return {'loss': 1.0}").train
    study = study_of(train, on_path / "s")
    (on_path / "module_that_goes.py").unlink()
    for cached in (on_path / "__pycache__").glob("module_that_goes*"):
        cached.unlink()
    with pytest.raises((InputError, ClusterError), match=r"module_that_goes.*; install what it needs there") as error:
        study.run(progress=False)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("end", ["raise RuntimeError('at import')", "import os; os._exit(4)", "import sys; sys.exit()"])
def test_a_module_that_fails_in_the_process_is_one_sentence(on_path, end):
    name = f"module_that_ends_{len(end)}"
    text = f"import os\nif os.environ.get('MAIN') != str(os.getpid()): {end}\ndef train(config): return {{'loss': 1.0}}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAIN", str(os.getpid()))
        study = study_of(module(on_path, name, text).train, on_path / "s")
        with pytest.raises(InputError) as error:
            study.run(progress=False)
    assert "\n" not in str(error.value)
    assert "install" not in str(error.value)


def double(x):
    return 2.0 * x


class Activation:
    def __call__(self, x):
        return 3.0 * x


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.usefixtures("ray_cluster")
def test_options_may_be_functions_and_classes(tmp_path, workers):
    def train(config):
        made = config["activation"]
        return {"loss": (made() if isinstance(made, type) else made)(1.0)}

    space = caviar.Space(activation=caviar.choice([double, Activation]))
    study = caviar.Study(train, space=space, trials=2, workers=workers, out=tmp_path / "s", **SETTINGS)
    table = study.run(progress=False, failures=99)
    assert finished(table)
    assert sorted(table["loss"]) == [2.0, 3.0]


def test_functions_and_options_of_a_script(tmp_path):
    script = """
        import caviar, pathlib, sys
        class Model:
            def fit(self): return 1.0
        class Own(Model): pass
        def helper(): return 1.0
        def train(config, seed): return {"loss": config["model"]().fit() + helper()}
        if __name__ == "__main__":
            space = caviar.Space(model=caviar.choice([Model, Own]))
            study = caviar.Study(train, space=space, metric="loss", mode="min", trials=2, search="grid", workers=0,
                                 confirm=False, out="s")
            table = study.run(progress=False, failures=9)
            print(list(table["error"]), list(table["loss"]))
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(caviar.__file__).parents[1])}
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert done.stdout == "['', ''] [2.0, 2.0]\n", done.stdout + done.stderr


def test_a_process_that_cannot_be_forked_fails_its_trial(on_path, monkeypatch):
    monkeypatch.setattr(os, "fork", os.fork)  # the module is imported here, too
    text = """
        import os
        os.fork = None  # as if there were no memory for another process
        def train(config):
            return {"loss": 1.0}
    """
    train = module(on_path, "module_without_fork", text).train
    table, _ = run(train, on_path / "s", range(2))
    assert list(table["state"]) == ["failed"] * 2
    assert table["error"].str.startswith("its process was killed 3 times").all()


def test_without_space_for_the_function_a_sentence_says_so_and_nothing_is_left(tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    big = os.urandom(100_000)
    study = study_of(lambda config: len(big), out=tmp_path / "study")
    with full_disk(50_000), pytest.raises(StorageError, match=r"cannot write temporary files \("):
        study.run(progress=False)
    assert not list((tmp_path / "scratch").iterdir())
