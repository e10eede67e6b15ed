"""What a study trains: built-in network or function, found again from its source."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.data.source import Source, SourceKind
from caviar.errors import InputError
from caviar.fleet.placement import Placement
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.objective import Objective
from caviar.study.loading import same_target, target_from, target_from_source, target_in_module


def train(config, seed):
    return {"loss": config["x"]}


def test_the_built_in_network_knows_its_objective_and_space():
    target = target_from("digits")
    assert target.objective(None, None) == (Objective("val_accuracy", "max"), ())
    assert target.objective("val_loss", None) == (Objective("val_loss", "min"), ())
    assert target.space(None) == caviar.default_space()
    assert isinstance(target.trainable(3, "val_accuracy", Placement(), Path()), NetworkTrainable)
    assert target.seeded


def test_a_function_needs_both():
    target = target_from(train)
    assert isinstance(target.trainable(3, "loss", Placement(), Path()), IsolatedFunction)
    assert isinstance(target.trainable(3, "loss", Placement(isolation="none"), Path()), FunctionTrainable)
    with pytest.raises(InputError, match="metric and mode are required when tuning a function such as train"):
        target.objective("loss", None)
    with pytest.raises(InputError, match="space is required when tuning a function such as train"):
        target.space(None)


def test_sources_are_loaded_again(tmp_path):
    digits = target_from("digits")
    assert target_from_source(digits.source).source == digits.source
    assert target_from_source(target_from(train).source).function is train
    with pytest.raises(InputError, match="pass"):
        target_from_source(Source(SourceKind.ARRAYS))
    for function in ("__main__:train", "tune:main.<locals>.train", "tune:<partial>"):
        with pytest.raises(InputError, match=r"no module has the function .* pass it again"):
            target_from_source(Source(SourceKind.FUNCTION, function=function))
    for function, words in (("no_such_module:train", "no module 'no_such_module'"), ("math:nothing", "no function")):
        with pytest.raises(InputError, match=words):
            target_from_source(Source(SourceKind.FUNCTION, function=function))


def test_a_function_in_a_folder_is_found_again_there(tmp_path):
    (tmp_path / "my_target_module.py").write_text("def train(config):\n    return {'loss': 1.0}\n")
    target = target_in_module("my_target_module:train", tmp_path)
    assert target_from_source(target.source).function({}) == {"loss": 1.0}
    sys.modules.pop("my_target_module")


def test_arrays_are_at_no_place(tmp_path):
    random = np.random.default_rng(0)
    source = target_from((random.random((60, 3)), random.integers(0, 2, 60))).source
    with pytest.raises(InputError, match=r"were arrays in memory, .* data=\(x, y\)"):
        same_target("rows.csv", source, tmp_path)


def test_other_data_are_refused(tmp_path):
    random = np.random.default_rng(0)
    other = caviar.from_arrays(random.random((60, 3)), random.integers(0, 2, 60))
    for source in (target_from("digits").source, target_from(train).source, target_from(caviar.program("ls")).source):
        with pytest.raises(InputError, match="different data"):
            same_target(other, source, tmp_path)
    with pytest.raises(InputError, match="different data"):
        same_target(train, target_from("digits").source, tmp_path)


FUNCTION = "def train(config):\n    return {'loss': 1.0}\n"


@pytest.fixture
def my_module(tmp_path, monkeypatch, imports):
    """A folder with a module."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a_moving_module.py").write_text(FUNCTION)
    return tmp_path / "old"


def test_a_function_that_has_changed_is_said_and_continues(my_module, caplog):
    source = target_in_module("a_moving_module:train", my_module).source
    same_target(None, source, Path("s"))
    assert not caplog.messages
    (my_module / "a_moving_module.py").write_text(FUNCTION.replace("1.0", "2.00"))  # whose byte code Python tells apart
    del sys.modules["a_moving_module"]
    assert same_target(None, source, Path("s")).function({}) == {"loss": 2.0}
    (message,) = caplog.messages
    assert message.startswith("a_moving_module:train, or what it uses, has changed since the study in s began")
    same_target(None, replace(source, fingerprint=""), Path("s"))  # of an older Caviar
    same_target(train, source, Path("s"))  # another function is a change, too
    assert [text.partition(",")[0] for text in caplog.messages] == ["a_moving_module:train", f"{__name__}:train"]


def test_a_function_that_was_moved_is_where_its_user_says(my_module, caplog):
    source = target_in_module("a_moving_module:train", my_module).source
    del sys.modules["a_moving_module"]
    new = my_module.rename(my_module.with_name("new"))
    with pytest.raises(InputError, match=r"there is no a_moving_module in .*old any more; say where it is now: caviar"):
        same_target(None, source, Path("s"))
    target = same_target("new/a_moving_module.py:train", source, Path("s"))
    assert target.source == replace(source, path=str(new))
    assert not caplog.messages


def test_a_table_that_was_moved_is_where_its_user_says_and_brings_the_other_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    for name in ("train", "valid"):
        rows = "".join(f"{row},{row % 7},{'yes' if row % 3 else 'no'}\n" for row in range(60))
        (tmp_path / "old" / f"{name}.csv").write_text("a,b,y\n" + rows)
    target = target_from(caviar.load_table("old/train.csv", "y", validation="old/valid.csv"))
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.raises(InputError, match=r"there is no .*train.csv any more; say where it is now: caviar resume"):
        same_target(None, target.source, tmp_path)
    moved = same_target("new/train.csv", target.source, tmp_path)
    assert moved.source.fingerprint == target.source.fingerprint
    assert moved.source.options["validation"] == {"table": str(tmp_path / "new" / "valid.csv")}
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert same_target("~/new/train.csv", target.source, tmp_path).source == moved.source
    with (tmp_path / "new" / "train.csv").open("a") as file:
        file.write("1,1,yes\n")
    with pytest.raises(InputError, match="has changed since it was loaded"):
        same_target("new/train.csv", target.source, tmp_path)


def test_a_program_that_has_changed_or_moved(tmp_path, caplog):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "train.sh").write_text("echo 1")
    source = target_from(caviar.program("sh train.sh {x}", tmp_path / "old")).source
    (tmp_path / "old").rename(tmp_path / "new")
    assert same_target(str(tmp_path / "new"), source, Path("s")).source == replace(source, path=str(tmp_path / "new"))
    assert not caplog.messages
    (tmp_path / "new" / "train.sh").write_text("echo 2")
    same_target(str(tmp_path / "new"), source, Path("s"))
    (message,) = caplog.messages
    assert message.startswith("the program train, or what it uses, has changed since the study in s began")


def classes(labels, rows=120):
    x = np.random.default_rng(0).normal(size=(rows, 3))
    return caviar.from_arrays(x, np.array(labels)[(x[:, 0] > 0).astype(int)])


def test_a_scorer_may_be_named_with_or_without_the_part():
    target = target_from(classes(["no", "yes"]))
    for metric in ("f1_macro", "val_f1_macro"):
        objective, scorers = target.objective(
            metric, None, ["roc_auc", "val_average_precision", "f1_macro", "val_loss"]
        )
        assert objective == Objective("val_f1_macro", "max")
        assert scorers == ("f1_macro", "roc_auc", "average_precision")
    assert target.objective("accuracy", None) == (Objective("val_accuracy", "max"), ())
    assert target.objective("loss", None) == (Objective("val_loss", "min"), ())
    assert target.objective("neg_log_loss", None)[0].mode == "max"
    assert target.objective("f1", "min")[0].mode == "min"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"metric": "test_f1"}, "metric='test_f1' is held out to judge the winner; use 'val_f1'"),
        ({"metrics": ["test_f1"]}, "metric='test_f1' is held out"),
        ({"metrics": "f1"}, "metrics must be a list of names, got 'f1'"),
        ({"metrics": [3]}, r"metrics must be a list of names, got \[3\]"),
        ({"metrics": 3}, "metrics must be a list of names, got 3"),
        ({"metric": 3}, "metric must be a non-empty string, got 3"),
        ({"metrics": ["adjusted_rand_score"]}, "compares clusters"),
    ],
)
def test_wrong_metrics_are_one_sentence(arguments, words):
    values = {"metric": None, "mode": None, **arguments}
    with pytest.raises(InputError, match=words):
        target_from(classes(["no", "yes"])).objective(**values)


def test_a_function_reports_its_other_metrics_itself():
    with pytest.raises(InputError, match=r"metrics=\['f1'\] are for the built-in network"):
        target_from(train).objective("loss", "min", ["f1"])
