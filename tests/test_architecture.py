"""Imports lead downwards, files stay short, and docs/architecture.md agrees with the code."""

import ast
import importlib
import inspect
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import caviar
from scripts.measure_code import circles, floors, import_graph, imported_names, modules, package_of, upward_imports

ROOT = Path(caviar.__file__).parent
PAGE = (ROOT.parent / "docs" / "architecture.md").read_text()
FLOORS = floors(PAGE)  # the table of the page, from the ground up: a package may import those of lower floors
RAY = {"fleet", "panda", "jobs", "tune"}  # the packages that may import Ray
PUBLIC_MODULES = ["caviar", "caviar.panda", "caviar.search", "caviar.sklearn", "caviar.space", "caviar.testing"]


def loaded_by(statement):
    """Return the top-level packages that a fresh interpreter has loaded after a statement."""
    program = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT.parent)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_imports_are_absolute():
    for path in modules(ROOT):
        assert not [name for name in imported_names(ast.parse(path.read_text())) if name.startswith(".")], path


def test_the_import_graph_sees_every_kind_of_import(tmp_path):
    package = tmp_path / "house"
    (package / "room").mkdir(parents=True)
    sources = {
        "__init__.py": 'LAZY = {"Door": "house.room.door"}',
        "errors.py": "",
        "room/__init__.py": "from house.room.door import Door",
        "room/door.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import window",
        "window.py": "def look():\n    import house\n    from house import errors, room",
    }
    for name, source in sources.items():
        (package / name).write_text(source)
    names = {path.relative_to(package).as_posix(): path for path in modules(package)}
    graph = {
        path.relative_to(package).as_posix(): {target.relative_to(package).as_posix() for target in targets}
        for path, targets in import_graph(package).items()
    }
    assert graph == {
        "__init__.py": {"room/door.py"},
        "errors.py": set(),
        "room/__init__.py": {"room/door.py"},
        "room/door.py": {"window.py"},
        "window.py": {"__init__.py", "errors.py", "room/__init__.py"},
    }
    tied = ("__init__.py", "room/__init__.py", "room/door.py", "window.py")
    assert circles(import_graph(package)) == [sorted(names[name] for name in tied)]
    order = [{"errors"}, {"room"}, {"window"}, {"__init__"}]
    assert upward_imports(package, order) == ["room/door.py imports window.py", "window.py imports __init__.py"]


def test_no_files_import_each_other():
    assert [[str(path.relative_to(ROOT)) for path in circle] for circle in circles(import_graph(ROOT))] == []


def test_every_package_stands_on_one_floor():
    assert sorted(name for names in FLOORS for name in names) == sorted(
        {package_of(path, ROOT) for path in modules(ROOT)}
    )


def test_imports_lead_to_lower_floors():
    assert upward_imports(ROOT, FLOORS) == []


def test_only_a_few_packages_import_ray():
    for path in modules(ROOT):
        if any(name.split(".")[0] == "ray" for name in imported_names(ast.parse(path.read_text()))):
            assert package_of(path, ROOT) in RAY, path


def test_the_tree_of_the_page_names_every_file():
    (tree,) = re.findall(r"^```text\ncaviar/\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    folders, names = [], []
    for line in tree.splitlines():
        name, *description = line.split(maxsplit=1)
        assert description, f"{name} has no description"
        del folders[(len(line) - len(line.lstrip())) // 2 - 1 :]
        if name.endswith("/"):
            folders.append(name)
            name = "__init__.py"  # the folder's line describes it
        names.append("".join(folders) + name)
    files = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sorted(names) == sorted(map(str, files))


def test_files_are_short():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules(ROOT)}
    assert {name: count for name, count in lines.items() if count > 300} == {}
    assert statistics.median(lines.values()) < 120


def test_the_study_delegates():
    source = (ROOT / "study" / "study.py").read_text()
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(source.splitlines()) <= 250
    assert len([s for s in statements if ast.unparse(s).split()[1].startswith("caviar")]) <= 12


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_public_names_exist_and_are_explained(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    for public in module.__all__:
        value = getattr(module, public)
        if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
            generated = f"{public}("  # what a dataclass or a named tuple generates
            assert value.__doc__, f"{name}.{public} has no docstring"
            assert not value.__doc__.startswith(generated), f"{name}.{public} has no docstring"


def test_public_classes_and_functions_have_examples():
    for public in caviar.__all__:
        value = getattr(caviar, public)
        if inspect.isroutine(value) or (inspect.isclass(value) and not issubclass(value, Exception)):
            assert ">>>" in value.__doc__, f"caviar.{public} has no example"


def test_an_unknown_public_name_raises():
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = caviar.nothing_such


def test_importing_caviar_loads_no_optional_package():
    assert not {"optuna", "plotly", "sklearn"} & loaded_by("import caviar; caviar.Study, caviar.Panda, caviar.Outcome")


def test_help_loads_nothing_slow():
    assert not {"numpy", "pandas", "ray", "rich", "scipy"} & loaded_by("import caviar.cli.main")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_small_study_of_the_network_loads_no_ray(tmp_path, workers):
    run = f"import caviar; caviar.Study('digits', trials=4, epochs=1, workers={workers}, out={str(tmp_path / 's')!r})"
    assert "caviar" in loaded_by(f"{run}.run(progress=False); assert 'ray' not in sys.modules")


def test_a_trainer_loads_only_what_it_trains_with():
    loaded = loaded_by("import caviar.fleet.worker.actor")
    assert not {"pandas", "scipy", "rich", "matplotlib", "plotly"} & loaded
    loaded = loaded_by("import caviar.fleet.processes.trainer, caviar.fleet.worker.networks")
    assert not {"pandas", "scipy", "rich", "matplotlib", "plotly", "ray", "filelock"} & loaded


def test_what_a_trial_of_a_program_needs_is_loaded_before_the_fork():
    assert "filelock" in loaded_by("import caviar.fleet.programs.program")
