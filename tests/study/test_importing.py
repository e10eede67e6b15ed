"""Modules of functions, imported from a folder, and what travels to the trainers with them."""

import sys

import pytest

import caviar
from caviar.errors import InputError
from caviar.fleet.pickling import dumps, loads
from caviar.study.importing import end_import, import_from
from caviar.study.loading import target_in_module

pytestmark = pytest.mark.usefixtures("imports")


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


SCRIPT = """
import caviar
SCALE = 2.0
def train(config, seed):
    return {"loss": SCALE * config["x"]}
study = caviar.Study(train, space={"x": caviar.uniform(0, 1)}, metric="loss", mode="min")
raise AssertionError("the study began")
"""


def test_a_script_is_run_up_to_its_study(tmp_path):
    write(tmp_path, {"a_script_of_mine.py": SCRIPT})
    module = import_from("a_script_of_mine", tmp_path, "train")
    assert module.train({"x": 3}, 0) == {"loss": 6.0}
    assert not hasattr(module, "study")
    end_import()  # and later studies are not affected


def test_a_script_that_continues_a_study_ends_there_too(tmp_path):
    caviar.Study("digits", trials=1, epochs=1, workers=0, out=tmp_path / "s").run(progress=False)
    opening = f"study = caviar.Study.open({str(tmp_path / 's')!r}, data=train)"
    write(tmp_path, {"an_opening_script.py": SCRIPT.replace("study = ", f"{opening}\nother = ")})
    module = import_from("an_opening_script", tmp_path, "train")
    assert module.train({"x": 3}, 0) == {"loss": 6.0}
    assert not hasattr(module, "study")


TRAIN = """
from beside_that import bowl
from installed_here import use as other
from installed_there import use

def train(config, seed):
    assert not use() and not other()
    return {"loss": float(bowl(config["x"]))}
"""


def test_only_the_users_own_modules_travel(tmp_path):
    """A package of a virtual environment in the folder holds what no pickle can."""
    held = "import threading\nLOCK = threading.Lock()\ndef use():\n    return LOCK.locked()\n"
    packages = "venv/lib/python3.11/site-packages"
    write(tmp_path, {f"{packages}/installed_there.py": held, "node_modules/installed_here.py": held})
    write(tmp_path, {"train_beside.py": TRAIN, "beside_that.py": "def bowl(x):\n    return x**2\n"})
    for folder in (packages, "node_modules"):
        sys.path.insert(0, str(tmp_path / folder))
    module = import_from("train_beside", tmp_path, "train")
    pickled = dumps(module.train)
    for name in ("train_beside", "beside_that"):
        del sys.modules[name]  # as in a trainer that has no such files
    sys.path.remove(str(tmp_path))
    assert loads(pickled)({"x": 3}, 0) == {"loss": 9.0}
    assert "beside_that" not in sys.modules


@pytest.mark.parametrize("name", ["queue", "numpy", "caviar"])
def test_a_module_that_caviar_needs_is_not_replaced(tmp_path, name):
    write(tmp_path, {f"{name}.py": "def train(config):\n    return {}\n"})
    needed = sys.modules.get(name)
    with pytest.raises(InputError, match=rf"{name}\.py has the name of a module that Caviar needs, {name}; rename"):
        import_from(name, tmp_path, "train")
    assert sys.modules.get(name) is needed


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("a_package.a_part:train", ("a_package.a_part:train", ".")),
        ("a_package:train", ("a_package:train", ".")),
        ("a_package/a_part.py:train", ("a_part:train", "a_package")),
        ("single_file.py:Trainer.train", ("single_file:Trainer.train", ".")),
        ("single_file:_train", ("single_file:_train", ".")),
    ],
)
def test_a_function_is_named_by_its_module_or_file(tmp_path, reference, found):
    function = "def train(config):\n    return {'loss': 1.0}\n_train = train\nclass Trainer:\n    train = train\n"
    write(tmp_path, {"a_package/__init__.py": "from .a_part import train\n", "a_package/a_part.py": function})
    write(tmp_path, {"single_file.py": function})
    target = target_in_module(reference, tmp_path)
    assert (target.source.function, target.source.path) == (found[0], str((tmp_path / found[1]).resolve()))
    assert target.source.fingerprint
    assert target.function({}) == {"loss": 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SCRIPT.replace("train", "another"), "begins a study before it defines train; begin that under `if __name__"),
        ("import no_such_package", "bad_module needs 'no_such_package'; put it into .* or install it"),
        ("raise SystemExit(2)", "bad_module cannot be imported: SystemExit: 2"),
        ("1 / 0", "bad_module cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_sentence(tmp_path, text, words):
    write(tmp_path, {"bad_module.py": text})
    with pytest.raises(InputError, match=words):
        import_from("bad_module", tmp_path, "train")
