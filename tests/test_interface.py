"""How settings are written: what a message shows can be pasted where it came from."""

import shlex
import tomllib

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar._interface import Interface, setting, using
from caviar.cli.parsing import parse_columns

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(NAMES)
def test_a_column_can_be_pasted_into_python_and_toml(name):
    assert eval(f"dict({setting('columns', {name: 'keep'})})") == {"columns": {name: "keep"}}
    with using(Interface.STUDY_FILE):
        header, _, line = setting("columns", {name: ["low", "high"]}).partition(" ")
    assert tomllib.loads(f"{header}\n{line}") == {"columns": {name: ["low", "high"]}}


@given(NAMES.filter(str.isprintable))
def test_a_column_can_be_pasted_into_a_shell(name):
    with using(Interface.COMMAND_LINE):
        option, value = shlex.split(setting("columns", {name: ["low", "high"]}))
    assert option == "--column"
    assert parse_columns(click.Context(click.Command("run")), click.Option(["--column"]), (value,)) == {
        name: ["low", "high"]
    }


@pytest.mark.parametrize(
    ("interface", "written"),
    [
        (Interface.PYTHON, ["header=True", "decimal='.'", 'validation={"group": "COLUMN"}']),
        (Interface.COMMAND_LINE, ["--header", "--decimal .", "--validation group=COLUMN"]),
        (Interface.STUDY_FILE, ["header = true", 'decimal = "."', 'validation = { group = "COLUMN" }']),
    ],
)
def test_settings_of_each_kind(interface, written):
    with using(interface):
        settings = {"header": True, "decimal": ".", "validation": {"group": "COLUMN"}}
        assert [setting(name, value) for name, value in settings.items()] == written
