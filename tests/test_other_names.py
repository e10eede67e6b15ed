"""What other tuners call things is answered with the name here, which must exist."""

import importlib.util
import inspect
import re

import pytest

import caviar
from caviar._other_names import ARGUMENTS, ATTRIBUTES, CALLBACK_METHODS, OUTCOME_ATTRIBUTES, PUBLIC, SEARCH_ARGUMENTS
from caviar.sklearn import CaviarSearchCV
from caviar.study.study import Study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = Study("digits", trials=2, epochs=1, workers=0, out=tmp_path_factory.mktemp("names") / "s")
    study.run(progress=False)
    return study


def follow(value, path):
    for name in re.sub(r"\(.*?\)", "", path).split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("table", [ATTRIBUTES, OUTCOME_ATTRIBUTES])
def test_attributes_exist_here_and_only_here(table, study):
    names = {"study": study, "outcome": study.outcome, "Study": type("Opened", (), {"open": study})}
    for other, ours in table.items():
        assert other.isidentifier()
        owner, _, path = ours.partition(".")
        if not ours.startswith("try "):
            assert follow(names[owner], path) is not None, ours
        if table is ATTRIBUTES:
            assert other not in dir(Study)


@pytest.mark.parametrize(("table", "cls"), [(ARGUMENTS, Study), (SEARCH_ARGUMENTS, CaviarSearchCV)])
def test_arguments_exist_here_and_only_here(table, cls):
    parameters = inspect.signature(cls).parameters
    for other, ours in table.items():
        assert ours in parameters or ours.startswith("try "), (other, ours)


def test_methods_of_callbacks_exist_here_and_only_here():
    for other, ours in CALLBACK_METHODS.items():
        assert not hasattr(caviar.Callback, other)
        assert callable(getattr(caviar.Callback, ours))


def test_public_names_exist_here_and_only_here():
    without_tune = importlib.util.find_spec("pyarrow") is None
    for other, ours in PUBLIC.items():
        assert other not in caviar.__all__
        if without_tune and ours.startswith("tune."):
            continue
        if not ours.startswith("try "):
            assert follow(caviar, ours) is not None


@pytest.mark.parametrize(
    "other", ["suggest_float", "create_study", "quniform", "log_uniform", "grid_search", "Tuner", "run"]
)
def test_a_function_of_another_tuner_is_answered(other):
    assert not hasattr(caviar, other)
    with pytest.raises(AttributeError, match=f"module 'caviar' has no attribute {other!r}; (it is called|try) .*"):
        getattr(caviar, other)


def test_a_misspelt_function_is_answered():
    with pytest.raises(AttributeError, match=r"'unifrom'; did you mean 'uniform'\?"):
        _ = caviar.unifrom


def test_the_signature_of_a_study_stays_visible():
    assert list(inspect.signature(Study).parameters)[:3] == ["data", "space", "trials"]
    assert Study.__init__.__name__ == "__init__"
