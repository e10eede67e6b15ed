"""What a report may contain, seen in the tables of a study."""

import importlib.util
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.records.trial import RESERVED_COLUMNS
from tests.fleet.processes.studies import finished, run, study_of


def history(function, folder, **settings):
    """Run one trial of a function; return its history and its output."""
    study = study_of(function, folder, **settings)
    table = study.run(progress=False)
    assert finished(table)
    path = study.folder / "output" / "000000.txt"
    return study.history, path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("isolation", ["process", "none"])
def test_an_epoch_that_counts_is_the_column_that_exists(tmp_path, first, isolation):
    def train(config):
        for epoch in range(first, first + 3):
            yield {"epoch": epoch, "step": epoch * 100, "loss": 1.0}

    reports, text = history(train, tmp_path / "s", isolation=isolation)
    assert list(reports["epoch"]) == [1, 2, 3]
    assert list(reports["step"]) == [100 * (first + i) for i in range(3)]
    assert "reported_epoch" not in reports
    assert text == ""


def test_an_epoch_that_does_not_count_gets_another_name_and_a_warning(tmp_path):
    def train(config):
        for epoch in (10, 20, 30):
            caviar.report({"epoch": epoch, "seconds": 5.0, "loss": 1.0})

    reports, text = history(train, tmp_path / "s")
    assert list(reports["epoch"]) == [1, 2, 3]
    assert list(reports["reported_epoch"]) == [10, 20, 30]
    assert list(reports["reported_seconds"]) == [5.0] * 3
    assert text.count("'reported_epoch'") == 1


NUMBERS = {
    "integer": 2, "float": 2.0, "bool": True, "np.float32": np.float32(2.5), "np.float16": np.float16(2.5),
    "np.longdouble": np.longdouble(2.5), "np.int64": np.int64(2), "np.uint8": np.uint8(2), "np.bool_": np.bool_(True),
    "0-d": np.array(2.0), "1-element": np.array([2.0]), "1x1": np.ones((1, 1), np.float32), "decimal": Decimal("2.5"),
    "fraction": Fraction(5, 2), "large": 10**30, "small": 5e-324, "nan": float("nan"), "inf": np.inf,
}  # fmt: skip
OTHERS = {
    "string": "2.0", "none": None, "array": np.ones(2), "empty array": np.ones(0), "list": [1.0], "complex": 1j,
    "dict": {"a": 1}, "bytes": b"1", "class": int, "np.complex": np.complex64(1j), "objects": np.array([None]),
    "huge fraction": Fraction(10**400), "signalling": Decimal("sNaN"),
}  # fmt: skip


def test_numbers_of_every_kind_are_kept_and_all_else_is_left_out_with_one_warning(tmp_path):
    def train(config):
        for _ in range(3):
            caviar.report({"loss": 1.0, **NUMBERS, **OTHERS})

    reports, text = history(train, tmp_path / "s")
    for name, value in NUMBERS.items():
        assert list(reports[name]) == pytest.approx([float(np.asarray(value, float).item())] * 3, nan_ok=True), name
    assert not set(OTHERS) & set(reports.columns)
    assert text.count("\n") == len(OTHERS), text
    for name in OTHERS:
        assert text.count(f"caviar: {name}=") == 1


def test_an_integer_beyond_every_float_breaks_no_table(tmp_path):
    def train(config):
        return {"loss": 1.0, "huge": 10**400}

    table, _ = run(train, tmp_path / "s", range(2))
    assert finished(table)
    assert len(caviar.Outcome.read(tmp_path / "s").history) == 2


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_tensors_of_one_number_are_numbers(tmp_path):
    def train(config):
        import torch

        one = torch.tensor(1.5, requires_grad=True)
        return {"loss": one, "one": one[None], "half": one.half(), "flag": torch.tensor(True), "two": torch.ones(2)}

    reports, text = history(train, tmp_path / "s")
    assert reports.loc[0, ["loss", "one", "half", "flag"]].tolist() == [1.5, 1.5, 1.5, 1]
    assert "two=" in text
    assert "two" not in reports


class Own:
    def __repr__(self):
        raise RuntimeError("no text")


def test_a_value_that_has_no_text_is_left_out_too(tmp_path):
    def train(config):
        return {"loss": 1.0, "own": Own()}

    reports, _ = history(train, tmp_path / "s")
    assert "own" not in reports


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_the_metric_must_be_a_number(tmp_path, isolation):
    def train(config):
        return {"loss": {"none": None, "string": "low", "two": np.ones(2), "fine": np.ones(1)}[config["x"]]}

    table, _ = run(train, tmp_path / "s", ["none", "string", "two", "fine"], isolation=isolation)
    assert list(table["state"]) == ["failed"] * 3 + ["finished"]
    assert table["error"][0] == "the metric must be a number, got loss=None; convert it with float(...)"
    assert "got loss='low'" in table["error"][1]


def test_a_metric_that_no_float_can_hold_is_too_large(tmp_path):
    def train(config):
        return {"loss": 10**400}

    table, _ = run(train, tmp_path / "s", ["a", "b"])
    assert table["error"][0].endswith("; it is too large for a float")


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_a_number_alone_is_the_metric(tmp_path, isolation):
    def train(config):
        if config["x"] == "returned":
            return np.float32(0.5)
        if config["x"] == "yielded":
            return iter((1.0, 0.5))
        if config["x"] == "after a report":
            caviar.report({"loss": 0.5})
            return 7.0  # such as the status of a main function
        return np.True_ if config["x"] == "NumPy's boolean" else True

    kinds = ["returned", "yielded", "after a report", "boolean", "NumPy's boolean"]
    table, outputs = run(train, tmp_path / "s", kinds, isolation=isolation)
    assert list(table["loss"][:3]) == [0.5, 0.5, 0.5]
    assert list(table["epochs"]) == [1, 2, 1, 0, 0]
    wanted = "a report must be a number or a dict of metrics such as {'val_loss': 0.3}, got "
    assert list(table["error"][3:]) == [f"{wanted}True", f"{wanted}np.True_"]
    assert (
        "caviar: 7.0, which the function returned after its reports, is left out: it is not a dict with 'loss'"
        in outputs[2]
    )


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_what_a_generator_returns_is_its_last_report(tmp_path, isolation):
    def train(config):
        for epoch in range(config["x"]):
            yield {"loss": 1.0 / (1 + epoch)}
        return {"loss": 0.25, "accuracy": 0.9}

    table, _ = run(train, tmp_path / "s", [0, 2], isolation=isolation)
    assert list(table["epochs"]) == [1, 3]
    assert list(table["loss"]) == [0.25, 0.25]
    assert list(table["accuracy"]) == [0.9, 0.9]


@pytest.mark.parametrize("name", RESERVED_COLUMNS)
def test_no_column_of_a_table_can_be_the_metric(tmp_path, name):
    with pytest.raises(InputError, match="metric"):
        study_of(lambda config: {name: 1.0}, tmp_path / "s", metric=name)
    assert not (tmp_path / "s").exists()


def test_no_hyperparameter_can_be_the_metric(tmp_path):
    with pytest.raises(InputError, match="x"):
        study_of(lambda config: {"x": 1.0}, tmp_path / "s", [1, 2], metric="x")


def test_a_metric_with_the_name_of_a_hyperparameter_gets_another_one(tmp_path):
    def train(config):
        return {"loss": 1.0, "x": 5.0, "reported_x": 6.0, "y": 7.0}

    table, outputs = run(train, tmp_path / "s", [0, 1])
    assert finished(table)
    assert list(table["x"]) == [0, 1]
    assert list(table["reported_x"]) == [6.0] * 2
    assert list(table["reported_reported_x"]) == [5.0] * 2
    assert "the metric 'x' has the name of a hyperparameter" in outputs[0]


def test_names_that_are_no_strings(tmp_path):
    def train(config):
        return {"loss": 1.0, 5: 2.0, ("a", 1): 3.0, None: 4.0, np.str_("numpy"): 5.0}

    reports, _ = history(train, tmp_path / "s")
    assert reports.loc[0, ["5", "('a', 1)", "None", "numpy"]].tolist() == [2.0, 3.0, 4.0, 5.0]


def test_huge_reports(tmp_path):
    def train(config):
        if config["x"] == 0:
            return {"loss": 1.0} | {f"metric {i}": float(i) for i in range(1000)}
        for epoch in range(10_000):
            caviar.report({"loss": 1.0, "step": epoch})
        return None

    study = study_of(train, tmp_path / "s", [0, 1])
    table = study.run(progress=False).set_index("x")
    assert finished(table)
    assert dict(table["epochs"]) == {0: 1, 1: 10_000}
    assert table["metric 999"][0] == 999
    assert list(study.history["step"].dropna()) == list(range(10_000))
