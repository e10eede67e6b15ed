"""Commands: how they are split and filled in, and what is said about those that cannot work."""

import json
import os
import shlex
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError
from caviar.fleet.programs.command import ProgramError, check_placeholders, executable, fill, search_path, words_of

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}"), min_size=1)


@given(value=plain)
def test_a_value_stays_one_word_and_is_never_read_again(value):
    assert fill("train --name {name} --as={name}", {"name": value}) == ["train", "--name", value, f"--as={value}"]


@given(value=st.floats(allow_nan=False) | st.integers())
def test_numbers_read_back_exactly(value):
    assert json.loads(fill("train {x}", {"x": value})[1]) == value


@given(words=st.lists(plain, min_size=1))
def test_words_are_split_as_in_a_shell(words):
    assert words_of(shlex.join(words)) == words


@pytest.mark.parametrize(
    ("command", "values", "words"),
    [
        ("awk '{{ print $1 }}' {file}", {"file": "a b"}, ["awk", "{ print $1 }", "a b"]),
        ("t {a}{b} '{batch size}'", {"a": 1, "b": "{a}", "batch size": 8}, ["t", "1{a}", "8"]),
        ("t {on} {sizes} {none}", {"on": True, "sizes": [8, 8], "none": None}, ["t", "true", "[8, 8]", "null"]),
        ("t --lr={lr} --beta={beta}", {"lr": 1}, ["t", "--lr=1"]),
        ("t --beta {beta} -g {gamma} --lr {lr}", {"lr": 1}, ["t", "--lr", "1"]),
        ("t --lr=1 {beta} --a {lr} {beta} x", {"lr": 1}, ["t", "--lr=1", "--a", "1", "x"]),
    ],
)  # fmt: skip
def test_placeholders_are_filled(command, values, words):
    assert fill(command, values) == words


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("python train.py --lr {lr} --units {unit}", "{unit} that is not a hyperparameter; did you mean 'units'"),
        ("python train.py --lr {lr}", r"no placeholder {units}; add it, or {config}"),
        ("python train.py --lr {lr:.3g} {units}", "placeholder {lr:.3g} that is no"),
        ("python train.py {lr} {units} {", "brace in '{' has no partner"),
        ("awk '{ if (x) { y } }' {lr} {units}", "has no partner; write {{ and }} for braces"),
        ("python 'train.py {lr}", "cannot be split (No closing quotation)"),
        ("awk '{print $1}' {lr} {units}", "{print $1} that is not a hyperparameter; write {{ and }} for braces"),
        ("{lr} {units}", "must start with a program, got '{lr}'"),
        (" ", "must name a program"),
        (3, "command must be a non-empty string, got 3"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_work_is_one_sentence(command, words):
    with pytest.raises(InputError) as error:
        check_placeholders(command, ["lr", "units", "fixed"], ["lr", "units"])
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "command",
    [
        "python train.py",  # which reads CAVIAR_CONFIG
        "python train.py {seed} {trial} {folder}",
        "python train.py {config}",
        "python train.py {config} {lr}",
        "python train.py {lr} {units}",  # constants need no placeholder
        "python train.py {lr} {units} {fixed}",
    ],
)
def test_all_hyperparameters_are_named_or_none(command):
    check_placeholders(command, ["lr", "units", "fixed"], ["lr", "units"])


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("no-such-program", "no program 'no-such-program' on the PATH"),
        ("train.sh", "or give ./train.sh, which is in"),
        ("./other.sh", "other.sh on"),
        ("./train.sh", "chmod +x ./train.sh"),
    ],
)
def test_a_program_that_cannot_be_started_is_one_sentence_with_a_remedy(tmp_path, word, words):
    (tmp_path / "train.sh").write_text("exit 0\n")
    with pytest.raises(ProgramError) as error:
        executable(word, tmp_path)
    assert words in str(error.value)
    with pytest.raises(ProgramError, match=r"no folder .*caviar submit"):
        executable(word, tmp_path / "gone")


def test_a_virtual_environment_comes_first_as_if_it_were_activated(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/somewhere/venv")
    assert search_path() == os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert search_path() == os.environ["PATH"]


def test_a_placeholder_with_a_meaning_of_its_own_is_no_hyperparameter():
    with pytest.raises(InputError, match=r"{folder} in the command has a meaning of its own; rename"):
        check_placeholders("python train.py {lr} {folder}", ["lr", "folder"], ["lr"])
    check_placeholders("python train.py {lr}", ["lr", "folder"], ["lr"])
