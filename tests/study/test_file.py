"""Studies as TOML files."""

import tomllib

import pandas as pd
import pytest

import caviar
from caviar.errors import InputError, StorageError
from caviar.study.file import NAME, TEMPLATE, read_arguments, study_from_file, write_template
from tests.damage import full_disk

MODULE = """
import helper_beside

def train(config, seed):
    for epoch in range(3):
        yield {"loss": helper_beside.bowl(config["x"]) / (epoch + 1)}
"""
STUDY = """
trainable = "my_module_{name}:train"
metric = "loss"
mode = "min"
trials = 6
waves = 2
workers = 0

[space]
x = {{ uniform = [0.0, 1.0] }}
"""


def write(folder, text):
    path = folder / NAME
    path.write_text(text)
    return path


def test_the_template_is_the_built_in_study(tmp_path):
    study = study_from_file(write_template(tmp_path), out=tmp_path / "s")
    plain = caviar.Study("digits", out=tmp_path / "t")
    assert study.settings == plain.settings
    with pytest.raises(InputError, match="exists already"):
        write_template(tmp_path)


def test_a_full_disk_leaves_no_half_of_the_template(tmp_path):
    with full_disk(100), pytest.raises(StorageError, match=r"cannot write .*study\.toml"):
        write_template(tmp_path)
    assert not (tmp_path / NAME).exists()


def test_every_commented_line_of_the_template_is_valid(tmp_path):
    lines = [line.removeprefix("# ") for line in TEMPLATE.splitlines()[1:]]
    wanted = [line for line in lines if "=" in line or line.startswith("[")]
    space = wanted.index(next(line for line in wanted if line.startswith("[space]")))
    tables = tomllib.loads("\n".join(line for line in wanted if not line.startswith('data = "my')))
    assert {"trainable", "command", "target", "early_stopping", "confirm", "timeout", "address", "resources"} <= set(
        tables
    )
    assert space
    path = write(tmp_path, "\n".join(line for line in wanted if not line.startswith('data = "my')))
    assert read_arguments(path)["resources"] == {"cpu": 1, "gpu": 0.5, "memory": 2e9}


def test_a_function_beside_the_file_is_trained_and_resumed(tmp_path):
    (tmp_path / "my_module_a.py").write_text(MODULE)
    (tmp_path / "helper_beside.py").write_text("def bowl(x):\n    return (x - 0.3) ** 2\n")
    path = write(tmp_path, STUDY.format(name="a"))
    study = study_from_file(path, out=tmp_path / "s", trials=4)
    table = study.run(progress=False)
    assert list(table["state"]) == ["finished"] * 4
    assert list(table["epochs"]) == [3] * 4
    pd.testing.assert_frame_equal(caviar.Study.open(tmp_path / "s", workers=0).table, table)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trails = 3", "unknown key 'trails'; did you mean 'trials'"),
        ('data = "digits"\nn_trials = 3', "unknown key 'n_trials'; it is called trials here"),
        ('objective = "my_module:train"', "unknown key 'objective'; it is called trainable here"),
        ('dataset = "digits"', "unknown key 'dataset'; it is called data here"),
        ('data = "digits"\nearly_stopping = { max_t = 9 }', "unknown key 'max_t'; choose one of"),
        ('data = "digits"\n[space]\noptimizer.lr = { uniform = [0, 1] }', "in quotes"),
        ("metric = \n", "not valid TOML.*line 1[^;]*$"),
        ('data = "digits"\ntrainable = "a:b"', "it sets data and trainable"),
        ('command = "a {x}"\ntrainable = "a:b"', "it sets trainable and command"),
        ("trials = 3", "exactly one of data, trainable, command; it sets none of them"),
        ('script = "train.py"', "unknown key 'script'; it is called command here"),
        ("command = 3", "command must be a non-empty string, got 3"),
        (
            'command = "train {lr}"\nmetric = "m"\nmode = "min"\n[space]\nx = [1, 2]',
            "{lr} that is not a hyperparameter",
        ),
        ('command = "train {x}"\n[space]\nx = [1, 2]', "metric and mode are required"),
        ('trainable = "train"', "my_module:train"),
        ('trainable = "no_such_module:train"', "no module 'no_such_module'"),
        ('data = "digits"\n[space]\nlearning_rate = { loguniforn = [1e-4, 1.0] }', "did you mean 'loguniform'"),
        ('data = "digits"\n[space]\nlearning_rte = { loguniform = [1e-4, 1.0] }', "did you mean 'learning_rate'"),
        ('data = "digits"\nspace = 3', "space must be a table"),
        ('data = "digits"\n[space]\nbatch_size = { choice = 32 }', "batch_size"),
        (
            'data = "digits"\n[space]\noptimizer = { choice = ["adam", "momentum"], spaces = [{ beta2 = 0.9 }] }',
            "a list of 2 tables",
        ),
        ('data = "digits"\nresources = 3', "resources must be a table"),
        ('data = "digits"\ntrials = "many"', "trials must be an integer >= 1, got 'many'"),
        ('data = "digits"\nout = 3', "out must be a string, got 3"),
        ('trainable = "a:b"\ntarget = "y"', "no data"),
        ('data = "digits"\nearly_stopping = true', "early_stopping must be .*got True"),
        ('data = "digits"\n[resources]\ncpu = "two"', "'cpu'. must be a number >= 0, got 'two'"),
        ('data = "missing.csv"\ntarget = "y"', "missing.csv"),
        ('data = "mine.csv"', "got 'mine.csv'; add target = "),
        ('data = "digits"\n[early_stopping]\nfacto = 3', "did you mean 'factor'"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, text, words):
    with pytest.raises(InputError, match=words) as error:
        study_from_file(write(tmp_path, text), out=tmp_path / "s")
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_is_no_mistake_and_another_encoding_is_named(tmp_path):
    path = write(tmp_path, 'data = "digits"\ntrials = 3\n')
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig")
    assert read_arguments(path)["trials"] == 3
    path.write_text(text, encoding="utf-16")
    with pytest.raises(InputError, match=r"not valid TOML: .*; save it as UTF-8"):
        read_arguments(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("study.toml", "there is no file .*study.toml; `caviar init` writes one"),
        ("digits", "there is no file .*digits; data are passed as `--data .*digits`"),
        ("mine.csv", "mine.csv is not valid TOML: .*; data are passed as `--data .*mine.csv`"),
    ],
)
def test_data_in_place_of_a_study_are_told_from_a_missing_file(tmp_path, name, words):
    (tmp_path / "mine.csv").write_text("width,label\n1,a\n")
    with pytest.raises(InputError, match=words):
        study_from_file(tmp_path / name)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("def trian(config):\n    return {}\n", "no function 'train'; did you mean 'trian'"),
        ("import nothing_of_the_kind\n", "needs 'nothing_of_the_kind'"),
        ("1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_module_without_the_function_is_one_sentence(tmp_path, module, words):
    (tmp_path / "my_module_b.py").write_text(module)
    with pytest.raises(InputError, match=words):
        study_from_file(write(tmp_path, STUDY.format(name="b")), out=tmp_path / "s")


def test_a_list_is_a_choice_and_a_constant_can_be_said(tmp_path):
    (tmp_path / "my_module_c.py").write_text("def train(config):\n    return {'loss': config['batch size']}\n")
    text = STUDY.format(name="c") + "'batch size' = [32, 64]\n'model.sizes' = { constant = [8, 8] }\nkind = 'a'\n"
    study = study_from_file(write(tmp_path, text), out=tmp_path / "s")
    names = {"x": caviar.uniform(0.0, 1.0), "batch size": [32, 64], "model.sizes": caviar.constant([8, 8]), "kind": "a"}
    assert study.settings.space == caviar.Space(**names)
    study.run(progress=False)
    assert caviar.Outcome.read(tmp_path / "s").settings == study.settings


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="caviar init"):
        study_from_file(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("file", "words"),
    [("", "pass a study's file"), ("study.toml", "pass .*study.toml"), ("journal.jsonl", "caviar resume ")],
)
def test_a_folder_in_place_of_a_study_is_told_what_to_do(tmp_path, file, words):
    if file:
        (tmp_path / file).write_text("{}")
    with pytest.raises(InputError, match=f"is a folder; .*{words}"):
        study_from_file(tmp_path)


@pytest.mark.parametrize("reference", ["./my_module_b:train", "my module:train", "a/b:train"])
def test_what_is_neither_a_module_nor_a_file_is_one_sentence(tmp_path, reference):
    text = STUDY.format(name="b").replace("my_module_b:train", reference)
    assert reference in text
    with pytest.raises(InputError, match=r"must name a module or a file, as in 'train.py:train'"):
        study_from_file(write(tmp_path, text), out=tmp_path / "s")


def test_data_from_the_command_line_are_not_said_to_be_in_the_file(tmp_path):
    path = write(tmp_path, STUDY.format(name="d"))
    with pytest.raises(InputError, match=r"data='x\.csv' cannot replace trainable of .*study\.toml; leave it out"):
        study_from_file(path, data="x.csv")
