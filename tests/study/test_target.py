"""What a study trains: built-in network or function, found again from its source."""

import sys
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
from caviar.study.target import same_target, target_from, target_from_source, target_in_module


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
    for function in ("__main__:train", "no_such_module:train", "math:no_such_function"):
        with pytest.raises(InputError, match="cannot be imported"):
            target_from_source(Source(SourceKind.FUNCTION, function=function))


def test_a_function_in_a_folder_is_found_again_there(tmp_path):
    (tmp_path / "my_target_module.py").write_text("def train(config):\n    return {'loss': 1.0}\n")
    target = target_in_module("my_target_module:train", tmp_path)
    assert target_from_source(target.source).function({}) == {"loss": 1.0}
    sys.modules.pop("my_target_module")


def test_other_data_are_refused(tmp_path):
    random = np.random.default_rng(0)
    other = caviar.from_arrays(random.random((60, 3)), random.integers(0, 2, 60))
    with pytest.raises(InputError, match="different data"):
        same_target(other, target_from("digits").source, tmp_path)


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
