"""The package describes itself truly: its name, version, licence, bounds and extras."""

import re
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

import caviar
from caviar._version import NAME, VERSION, install_command

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
TEXTS = [
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "caviar/**/*.py",
        "cluster/*",
        "notebooks/*.ipynb",
        "tests/benchmarks/**/*.md",
    )
    for path in ROOT.glob(pattern)
    if path.is_file()
]


def test_the_name_and_the_version_are_said_once():
    assert PROJECT["name"] == NAME == "caviar-tune"
    assert caviar.__version__ == VERSION
    spelled = [path for path in (ROOT / "caviar").rglob("*.py") if NAME in path.read_text()]
    assert spelled == [ROOT / "caviar" / "_version.py"]


def test_the_version_is_that_of_the_citation_and_of_the_newest_dated_section_of_the_changelog():
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (\S+) - (\S+)$", changelog, flags=re.MULTILINE)
    assert versions[0][0] == VERSION
    dates = [date.fromisoformat(day) for _, day in versions]
    assert dates == sorted(dates, reverse=True)
    assert set(re.findall(r"^### (.*)$", changelog, flags=re.MULTILINE)) <= {"Added", "Changed", "Fixed", "Removed"}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_install_command_names_our_distribution_and_an_extra_that_exists(path):
    lines = [line for line in path.read_text().splitlines() if re.search(r"pip install|pip3 install", line)]
    for line in lines:
        assert not re.search(r"(?<![\w/-])caviar\[|install (-\S+ )*['\"]?caviar['\"]?(\s|$)", line), (
            f"`caviar` is another project: {line}"
        )
        for extras in re.findall(r"(?:caviar(?:-tune)?|\.)\[([a-z0-9, -]+)\]", line):
            assert set(extras.replace(" ", "").split(",")) <= set(EXTRAS), line


def test_an_error_names_an_extra_that_exists():
    code = "\n".join(path.read_text() for path in (ROOT / "caviar").rglob("*.py"))
    named = re.findall(r'(?:import_optional|MissingError)\([^()]*, "(\w+)"\)', code)
    assert set(named) >= {"report", "optuna", "tune"}
    assert set(named) <= set(EXTRAS)
    assert install_command("report") == "pip install 'caviar-tune[report]'"


def test_what_is_imported_is_declared():
    """Each package that Caviar imports is a dependency, or that of an extra."""
    # scikit-learn depends on joblib, and IPython is there wherever it is imported
    names = {"sklearn": "scikit-learn", "joblib": "scikit-learn", "IPython": None}
    declared = {
        re.split(r"[\[<>=!~ ]", requirement)[0]
        for requirement in (*PROJECT["dependencies"], *(each for extra in EXTRAS.values() for each in extra))
    }
    code = "\n".join(path.read_text() for path in (ROOT / "caviar").rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", code, flags=re.MULTILINE))
    third_party = imported - set(sys.stdlib_module_names) - {"caviar"}
    packages = {names.get(module, module) for module in third_party} - {None}
    assert packages <= declared | {"fcntl"}


def test_the_locks_fit_the_bounds():
    lowest = (ROOT / "requirements" / "lowest.txt").read_text()
    for requirement in PROJECT["dependencies"]:
        name, bound = re.match(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", requirement).groups()
        assert re.search(rf"^{name}(\[\w+\])?=={re.escape(bound)}(\.|$)", lowest, flags=re.MULTILINE), requirement


def test_the_workflow_tries_each_python_that_is_promised():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
    scripts = {line for job in workflow["jobs"].values() for step in job["steps"] for line in [step.get("run", "")]}
    for name in re.findall(r"scripts/\w+", "\n".join(scripts)):
        assert (ROOT / name).stat().st_mode & 0o111, f"{name} is not a program"


def test_the_hooks_and_forms_are_valid_yaml():
    for path in (".pre-commit-config.yaml", "CITATION.cff", *(ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")):
        assert yaml.safe_load((ROOT / path).read_text()), path
