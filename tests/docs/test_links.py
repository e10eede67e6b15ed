"""Links lead to files and sections that exist, what is installed has its name, and what repeats the code is current."""

import importlib
import inspect
import re
import tomllib

import pytest

from tests.docs import command_line
from tests.docs.pages import PAGES, ROOT, name_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINKS = [
    (path, target)
    for path in PAGES
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S))
    if not target.startswith(("http://", "https://", "mailto:"))
]
INSTALLS = [
    (f"{name_of(path)}:{number}", command)
    for path in PAGES
    for number, line in enumerate(path.read_text().splitlines(), start=1)
    for command in re.findall(r"pip install '?(caviar[^'`\s]*)", line)
]
COPIES = {"docs/images/search.svg": "tests/benchmarks/search/search.svg"}
HELD_OUT = {"test_accuracy", "test_loss", "test_rmse", "test_x", "test_y"}  # names that begin as tests do
PUBLIC_MODULES = ("caviar", "caviar.search", "caviar.sklearn", "caviar.panda", "caviar.testing", "caviar.insight")


@pytest.mark.parametrize(("path", "target"), LINKS, ids=[f"{name_of(path)} {target}" for path, target in LINKS])
def test_every_link_leads_to_a_file(path, target):
    file, _, section = target.partition("#")
    page = (path.parent / file) if file else path
    assert page.exists()
    if section and page.suffix == ".md":
        headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
        slugs = {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
        assert section in slugs, f"{page} has the sections {sorted(slugs)}"


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_the_reference_has_every_public_name(module):
    pages = "\n".join(path.read_text() for path in PAGES)
    public = importlib.import_module(module)
    for name in public.__all__:
        if not inspect.ismodule(getattr(public, name)) and f"{module}.{name}" != "caviar.Panda":
            assert f"\n::: {module}.{name}\n" in f"{pages}\n", f"docs/reference lacks {module}.{name}"


def test_every_test_that_a_page_names_exists():
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for path in PAGES:
        for name in re.findall(r"`(test_\w+)`", path.read_text()):
            assert name in HELD_OUT or f"def {name}(" in tests, f"{path} names {name}, which is not a test"


def test_the_page_of_the_command_line_is_current():
    assert command_line.PAGE.read_text() == command_line.page(), "run `python -m tests.docs.command_line`"


def test_every_claim_about_security_names_its_test():
    _, *sections = re.split(r"^## ", (ROOT / "docs" / "security.md").read_text(), flags=re.MULTILINE)
    for section in sections:
        if not section.startswith("What is trusted"):
            for claim in re.findall(r"^- .*(?:\n  .*)*", section, flags=re.MULTILINE):
                assert re.search(r"`test_\w+`$", claim), claim


@pytest.mark.parametrize(("copy", "original"), COPIES.items())
def test_a_copied_picture_equals_the_original(copy, original):
    assert (ROOT / copy).read_bytes() == (ROOT / original).read_bytes()


@pytest.mark.skipif(PROJECT["name"] != "caviar-tune", reason="the distribution does not have its new name yet")
@pytest.mark.parametrize(("where", "requirement"), INSTALLS)
def test_every_install_names_the_distribution_and_its_extras(where, requirement):
    name, extras = re.fullmatch(r"([\w-]+)(?:\[([\w,-]+)\])?", requirement).groups()
    assert name == PROJECT["name"]
    assert set((extras or "report").split(",")) <= set(PROJECT["optional-dependencies"])
