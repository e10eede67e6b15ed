"""The user's own modules, and the fingerprint of a function's source."""

import functools
import gc
import importlib
import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from caviar.study.own_code import fingerprint, loaded_below, module_of, modules_needed, own_module, reference_of

FILES = {
    "mine/__init__.py": "",
    "mine/tune.py": """
import json
import math
from functools import partial

from .parts import bowl

OFFSET = 1.0
STUDY = print("a study")


def logged(function):
    return function


@logged
def train(config, seed):
    from mine.later import late

    return {"loss": bowl(config["x"]) + OFFSET + late}


class Trainer:
    def train(self, config):
        return {"loss": OFFSET}

    __call__ = train
""",
    "mine/parts/__init__.py": "from mine.parts.shapes import *\n",
    "mine/parts/shapes.py": "import installed\n\n\ndef bowl(x):\n    return x**2\n",
    "mine/later.py": "late = 0\n",
    "mine/unused.py": "",
    ".venv/pyvenv.cfg": "",
    ".venv/lib/python3.11/site-packages/installed.py": "import colours\n",
    ".tools/colours.py": "",
    "node_modules/gyp.py": "",
}


@pytest.fixture
def project(tmp_path, monkeypatch, imports):
    """A project with a virtual environment, whose module is imported."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for folder in (".tools", ".venv/lib/python3.11/site-packages", "node_modules", ""):
        monkeypatch.syspath_prepend(tmp_path / folder)
    importlib.import_module("gyp")
    importlib.import_module("mine.tune")
    return tmp_path


def tune():
    return sys.modules["mine.tune"]


def test_only_the_users_own_modules_are_needed(project):
    needed = {module.name: module.file.relative_to(project).as_posix() for module in modules_needed(tune().train)}
    assert needed == {
        "mine": "mine/__init__.py",
        "mine.tune": "mine/tune.py",
        "mine.parts": "mine/parts/__init__.py",
        "mine.parts.shapes": "mine/parts/shapes.py",
        "mine.later": "mine/later.py",  # which only a trial imports
    }
    assert {module.root for module in modules_needed(tune().train)} == {project}
    assert {module.name for module in loaded_below(project)} == set(needed) - {"mine.later"}


def test_what_was_imported_by_its_name_is_needed_too(project):
    importlib.import_module("mine.unused")
    assert "mine.unused" in {module.name for module in modules_needed(tune().train)}


@pytest.mark.parametrize(
    "function", [math.sqrt, len, str.upper, importlib.import_module, functools.partial(pytest.raises)]
)
def test_python_and_packages_are_not_sent(function):
    assert modules_needed(function) == []
    assert module_of(function) is None
    assert fingerprint(function, None, "sqrt") == ""


def test_a_notebook_needs_what_it_has_imported_from_its_folder(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.chdir(project)
    space = {"__name__": "__main__"}
    exec("def train(config):\n    return {}\n", space)
    assert {"mine.tune", "mine.parts.shapes"} <= {module.name for module in modules_needed(space["train"])}


def test_a_script_has_the_name_of_its_file_and_is_not_sent(project, monkeypatch):
    script = ModuleType("__main__")
    script.__file__ = str(project / "script.py")
    (project / "script.py").write_text("import mine.later\ndef train(config):\n    return {}\n")
    monkeypatch.setitem(sys.modules, "__main__", script)
    exec(compile((project / "script.py").read_text(), script.__file__, "exec"), vars(script))
    assert reference_of(script.train) == "script:train"
    assert module_of(script.train).root == project
    needed = {module.name for module in modules_needed(script.train)}
    assert "mine.later" in needed
    assert "script" not in needed


def test_a_module_that_runs_as_a_program_keeps_its_name(project, monkeypatch):
    """As `python -m mine.tune` does."""
    program = ModuleType("__main__")
    program.__file__, program.__spec__ = str(project / "mine" / "tune.py"), ModuleSpec("mine.tune", None)
    monkeypatch.setitem(sys.modules, "__main__", program)
    assert own_module(program)[:] == ("mine.tune", project / "mine" / "tune.py", project)


def test_a_name_that_its_module_does_not_hold_is_in_brackets(project):
    module = tune()
    assert reference_of(module.train) == "mine.tune:train"
    assert reference_of(module.Trainer.train) == "mine.tune:Trainer.train"
    assert reference_of(module.Trainer().train) == "mine.tune:<Trainer.train>"
    assert reference_of(module.Trainer()) == "mine.tune:<Trainer>"
    assert reference_of(functools.partial(module.train, seed=3)) == "mine.tune:<partial>"
    assert reference_of(lambda config: {}).endswith("<lambda>")


def found(function=None):
    function = function or tune().train
    return fingerprint(function, module_of(function), reference_of(function).rpartition(":")[2])


def test_the_fingerprint_of_an_object_is_that_of_what_it_calls(project):
    module = tune()
    functions = [functools.partial(module.train, seed=3), module.Trainer(), module.Trainer().train]
    before = [found(function) for function in functions]
    assert before[0] == found()
    assert before[1] == before[2] == found(module.Trainer.train) != before[0]
    path = project / "mine" / "tune.py"
    path.write_text(path.read_text().replace("OFFSET = 1.0", "OFFSET = 2.0"))
    assert all(old != new for old, new in zip(before, map(found, functions), strict=True))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mine/tune.py", "+ OFFSET + late", "+ OFFSET - late"),
        ("mine/tune.py", "OFFSET = 1.0", "OFFSET = 2.0"),
        ("mine/tune.py", "@logged\n", ""),
        ("mine/tune.py", "    return function", "    return print or function"),
        ("mine/parts/shapes.py", "x**2", "x**3"),
        ("mine/later.py", "late = 0", "late = 1"),
    ],
)
def test_the_fingerprint_changes_with_all_that_the_function_uses(project, file, old, new):
    before = found()
    assert before == found() != ""
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))
    assert found() != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mine/tune.py", 'print("a study")', 'print("another study")'),
        ("mine/tune.py", "class Trainer:", "class Tester:"),
        ("mine/tune.py", "OFFSET = 1.0\n", "\n\nOFFSET = 1.0\n"),
        ("mine/unused.py", "", "late = 1"),
        (".tools/colours.py", "", "red = 1"),
        (".venv/lib/python3.11/site-packages/installed.py", "import colours", "import colours\nred = 1"),
    ],
)
def test_the_fingerprint_is_that_of_nothing_else(project, file, old, new):
    before = found()
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))
    assert found() == before


def test_the_fingerprint_does_not_depend_on_the_folder(project, tmp_path_factory, monkeypatch):
    before = found()
    moved = tmp_path_factory.mktemp("moved") / "project"
    project.rename(moved)
    for name in [name for name in sys.modules if name.startswith("mine")]:
        del sys.modules[name]
    monkeypatch.syspath_prepend(moved)
    importlib.import_module("mine.tune")
    assert found() == before
    moved.rename(project)
    for name in [name for name in sys.modules if name.startswith("mine")]:
        del sys.modules[name]


def test_source_that_is_not_at_hand_has_no_fingerprint():
    space = {"__name__": "nowhere_to_be_found"}
    exec("def train(config):\n    return {}\n", space)
    assert fingerprint(space["train"], None, "train") == ""
    assert own_module(None) is None


def test_functions_are_read_in_several_threads_at_once():
    def let_others_run(phase, info):
        time.sleep(0)

    def read(_):
        return found(found)

    threshold = gc.get_threshold()
    gc.callbacks.append(let_others_run)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(6) as executor:
            assert len({*executor.map(read, range(60))}) == 1
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(let_others_run)
