"""Imports run one way, Ray is at one place, and the house stays as the design draws it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import caviar

ROOT = Path(caviar.__file__).parent
FLOORS = [  # a package may import those of lower floors, and itself
    {"errors", "help"},
    {"space"},
    {"model", "search"},
    {"fleet"},
    {"study"},
    {"panda", "insight", "service", "sklearn", "optuna", "tune"},
    {"experiments"},
    {"cli"},
]
DOORS = {  # what a study shows: methods of Study that import insight when they are called, and only then
    ("study/study.py", "caviar.insight.importance"),
    ("study/study.py", "caviar.insight.notebook"),
    ("study/study.py", "caviar.insight.plots"),
    ("study/study.py", "caviar.insight.report.report"),
}
RAY = {"fleet", "panda", "service", "tune"}


def imports():
    """Pairs of a file and a module that it imports."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                yield path, node.module or ""


def floor(name):
    return next(i for i, floor in enumerate(FLOORS) if name in floor)


def package(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def test_imports_run_one_way():
    for path, module in imports():
        if module.startswith("caviar.") and package(path) not in ("__init__", "__main__"):
            own, other = package(path), module.split(".")[1]
            if (str(path.relative_to(ROOT)), module) in DOORS:
                continue
            assert own == other or floor(other) < floor(own), f"{path.relative_to(ROOT)} imports {module}"


def test_the_doors_to_insight_open_when_they_are_used():
    """`import caviar` loads no optional package, nor what needs one."""
    code = "import sys, caviar; print([m for m in sys.modules if m.split('.')[0] in ('optuna', 'plotly', 'sklearn')])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert shown.stdout.strip() == "[]"


def test_only_the_fleet_and_what_stands_beside_it_import_ray():
    for path, module in imports():
        if module.split(".")[0] == "ray":
            assert package(path) in RAY, f"{path.relative_to(ROOT)} imports {module}"


def test_every_public_name_is_there():
    for name in caviar.__all__:
        assert getattr(caviar, name) is not None
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = caviar.nothing_such


def test_help_needs_nothing_that_takes_long_to_import():
    program = "import sys, caviar.cli.main; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert not {"numpy", "pandas", "ray", "rich", "scipy"} & set(done.stdout.split())


def test_a_trainer_imports_no_more_than_it_trains_with():
    program = "import sys, caviar.fleet.worker.actor; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert not {"pandas", "scipy", "rich", "matplotlib", "plotly"} & set(done.stdout.split())
