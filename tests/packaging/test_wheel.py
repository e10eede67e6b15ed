"""The wheel, installed into fresh environments as a stranger installs it."""

import re
import tomllib
import zipfile

import pytest

from tests.packaging.environments import ROOT, Environment, build_wheel, run

pytestmark = pytest.mark.slow

STUDY = """
import caviar
study = caviar.Study("digits", trials=8, epochs=2, workers=0, out="study")
study.run(progress=False)
"""
WORKS = {  # each extra, and a program that needs it
    "report": "import caviar; print(caviar.Study.open('study').report())",
    "sklearn": "from caviar.sklearn import CaviarSearchCV",
    "tables": "import pyarrow, zstandard; import pandas as pd; pd.DataFrame({'a': [1]}).to_parquet('a.parquet'); "
    "from caviar.data.reading.read import read_table; assert read_table('a.parquet')['a'].item() == 1",
    "onnx": "import caviar; caviar.Study.open('study').model().to_onnx('digits.onnx')",
    "optuna": "from caviar.optuna import CaviarSampler; CaviarSampler(trials=4)",
    "tune": "from caviar.tune import CaviarSearch; CaviarSearch(seed=0)",
    "storage": "import caviar; caviar.Study('digits', trials=2, workers=0, out='memory://a').run(progress=False)",
    "s3": "from caviar.files import open_store; open_store('s3://bucket/a')",
    "gcs": "import caviar, gcsfs",
    "azure": "import caviar, adlfs",
    "all": "import plotly, sklearn, onnx, pyarrow, ray.tune, s3fs, gcsfs, adlfs; import caviar.optuna, caviar.tune",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_and_its_licences(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
    for field in ("Name: caviar-tune", "License-Expression: Apache-2.0", "Author: The Caviar developers"):
        assert f"\n{field}\n" in metadata
    licences = {name.partition("licenses/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "caviar/data/digits.txt"}
    assert {"caviar/py.typed", "caviar/data/digits.npz", "caviar/insight/report/page.css"} <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"caviar", "caviar_tune.py"}


def test_every_extra_for_users_is_tried():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(WORKS) == set(extras) - {"test", "lint", "docs", "bench", "test-all"}


@pytest.mark.parametrize("extra", WORKS)
def test_an_extra_brings_what_it_promises(extra, wheel, tmp_path):
    environment = Environment.create(tmp_path)
    environment.install(f"{wheel}[{extra}]")
    environment.run("python", "-c", STUDY)
    environment.run("python", "-c", WORKS[extra])


def test_the_wheel_alone_runs_the_commands_and_names_what_is_missing(wheel, tmp_path):
    environment = Environment.create(tmp_path)
    environment.install(str(wheel))
    assert environment.run("caviar", "--version").stdout == "caviar, version 0.1.0\n"
    environment.run("caviar", "init", ".")
    printed = environment.run("caviar", "run", "study.toml", "--trials", "8", "--workers", "0", "--out", "runs/first")
    assert "caviar report runs/first" in printed.stdout
    assert len(environment.run("caviar", "results", "first").stdout.splitlines()) == 9
    missing = environment.run("caviar", "report", "first", check=False)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert re.fullmatch(
        r"caviar: .* needs plotly; install it with: pip install 'caviar-tune\[report\]'\n", missing.stderr
    )


def test_the_first_pages_run_with_the_wheel(wheel, tmp_path):
    for name in ("README.md", "docs", "tests", "notebooks", "pyproject.toml", "CONTRIBUTING.md"):  # all but the code
        (tmp_path / name).symlink_to(ROOT / name)
    environment = Environment.create(tmp_path)
    environment.install(f"{wheel}[all]", "hypothesis", "pytest", "pytest-timeout", "pytest-xdist", "pyyaml")
    assert environment.run("python", "-c", "import caviar; print(caviar.__file__)").stdout.startswith(str(tmp_path))
    pages = "blocks_of_a_page and (README or tutorials)"
    environment.run("python", "-m", "pytest", "-q", "-n", "2", "-k", pages, "tests/docs/test_snippets.py")


@pytest.mark.parametrize("source", ["print 'a program for Python 2'", "VERSION = '0.1.5'"])
@pytest.mark.parametrize("last", ["ours", "theirs"])
def test_beside_the_package_of_another_project_the_command_says_so(source, last, wheel, tmp_path):
    theirs = tmp_path / "theirs"
    (theirs / "caviar").mkdir(parents=True)
    (theirs / "caviar" / "__init__.py").write_text(source)
    (theirs / "pyproject.toml").write_text('[project]\nname = "caviar"\nversion = "0.1.5"\n')
    (tmp_path / "dist").mkdir()
    stranger = build_wheel(tmp_path / "dist", theirs)
    environment = Environment.create(tmp_path)
    for package in (str(stranger), str(wheel)) if last == "ours" else (str(wheel), str(stranger)):
        environment.install(package)
    done = environment.run("caviar", "run", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("caviar: the package caviar 0.1.5 is another project")
    remedy = done.stderr.partition("try: ")[2].strip()
    first, second = remedy.split(" && ")
    assert (first, second) == ("pip uninstall --yes caviar caviar-tune", "pip install caviar-tune")
    python = str(tmp_path / "venv" / "bin" / "python")
    run("uv", "pip", "uninstall", "--quiet", "--python", python, "caviar", "caviar-tune", cwd=tmp_path)
    environment.install(str(wheel))
    assert environment.run("caviar", "--version").stdout.startswith("caviar, version")
