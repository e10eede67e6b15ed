"""CaviarSearchCV: scikit-learn's conformance suite, equality with scikit-learn bit for bit, and the study behind it."""

import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

import caviar
from caviar.errors import CaviarError, InputError
from caviar.records.trial import State
from caviar.sklearn import CaviarSearchCV

C = {"C": stats.loguniform(1e-2, 1e2)}
X, Y = load_iris(return_X_y=True)


def search(estimator=None, space=None, **settings):
    settings = {"n_iter": 4, "cv": 3, "random_state": 0, "n_jobs": 1, **settings}
    return CaviarSearchCV(SVC() if estimator is None else estimator, C if space is None else space, **settings)


def refuse(truth, predicted):
    raise ValueError("no score")


def without_times(results):
    return {key: values for key, values in results.items() if not key.endswith("_time")}


def assert_same(results, others):
    assert sorted(results) == sorted(others)
    for key, values in results.items():
        if key == "params":
            assert values == others[key]
        else:
            np.testing.assert_array_equal(values, others[key], err_msg=key)
            assert values.dtype == others[key].dtype, key


def grid_search(fitted, **settings):
    """Return scikit-learn's search of the configurations that a fitted search tried, in their order."""
    grids = [{name: [value] for name, value in params.items()} for params in fitted.cv_results_["params"]]
    return GridSearchCV(fitted.estimator, grids, cv=fitted.cv, **settings)


# without Ray a fit takes 0.05 s instead of seconds; Ray is tested below
@parametrize_with_checks(
    [
        CaviarSearchCV(LogisticRegression(), {"C": caviar.loguniform(0.1, 10)}, n_iter=2, cv=2, n_jobs=1),
        CaviarSearchCV(Ridge(), {"alpha": caviar.loguniform(0.1, 10)}, n_iter=2, cv=2, n_jobs=1),
    ]
)
def test_conformance(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"return_train_score": True, "scoring": "f1_macro"},
        {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro", "return_train_score": True},
        {"scoring": {"score": "accuracy", "odd": make_scorer(refuse)}, "refit": "score"},
        {"scoring": lambda model, x, y: {"a": accuracy_score(y, model.predict(x)), "b": 1.0}, "refit": "a"},
        {"scoring": lambda model, x, y: f1_score(y, model.predict(x), average="micro"), "refit": False},
        {"refit": lambda results: int(np.nanargmin(results["mean_test_score"]))},
        {"error_score": -1.0, "scoring": lambda model, x, y: {"a": model.score(x, y)}, "refit": "a"},
        {"error_score": 0.0},
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.FitFailedWarning")
def test_equal_configurations_get_the_results_of_scikit_learn_bit_for_bit(settings):
    space = {"C": [0.1, 1.0, -1.0, 10.0], "kernel": ["rbf", "linear"]}  # a negative C fails
    fitted = search(space=space, n_iter=6, **settings).fit(X, Y)
    assert -1.0 in fitted.cv_results_["param_C"]
    with threadpool_limits(1):
        other = grid_search(fitted, **settings).fit(X, Y)
    assert_same(without_times(fitted.cv_results_), without_times(other.cv_results_))
    assert set(fitted.cv_results_) == set(other.cv_results_)
    for name in ("best_index_", "best_params_", "best_score_", "multimetric_", "n_splits_"):
        assert getattr(fitted, name, None) == getattr(other, name, None)
    assert hasattr(fitted, "best_estimator_") == hasattr(other, "best_estimator_")
    if settings.get("refit", True):
        assert fitted.score(X, Y) == other.score(X, Y)
        assert (fitted.predict(X) == other.predict(X)).all()


def test_fit_parameters_and_groups_are_routed_as_in_scikit_learn():
    x, y = load_diabetes(return_X_y=True)
    weights, groups = np.linspace(0, 1, len(y)), np.arange(len(y)) % 7
    fitted = search(Ridge(), {"alpha": stats.loguniform(0.01, 10)}, cv=GroupKFold(3)).fit(
        x, y, sample_weight=weights, groups=groups
    )
    with threadpool_limits(1):
        other = grid_search(fitted).fit(x, y, sample_weight=weights, groups=groups)
    assert_same(without_times(fitted.cv_results_), without_times(other.cv_results_))


@pytest.mark.slow
def test_the_same_random_state_gives_the_same_results_for_any_number_of_workers(ray_cluster):
    space = {"max_depth": stats.randint(1, 9), "max_features": stats.beta(2, 2), "criterion": ["gini", "entropy"]}
    forest = RandomForestClassifier(n_estimators=2)  # without a random_state
    settings = {"n_iter": 8, "waves": 2, "return_train_score": True, "refit": False}
    local, on_ray = (without_times(search(forest, space, n_jobs=n, **settings).fit(X, Y).cv_results_) for n in (1, 2))
    assert_same(on_ray, local)
    other = without_times(search(forest, space, **{**settings, "random_state": 1}).fit(X, Y).cv_results_)
    assert other["params"] != local["params"]


def test_the_search_zooms_in():
    """If the score has one peak, the later waves are nearer to it than the first."""
    space = {"C": caviar.loguniform(1e-6, 1e6), "gamma": caviar.loguniform(1e-6, 1e6)}
    fitted = search(space=space, n_iter=32, refit=False).fit(X, Y)
    scores = fitted.cv_results_["mean_test_score"]
    assert scores[16:].mean() > scores[:8].mean() + 0.1
    assert fitted.best_score_ > 0.95


def test_a_fitted_search_delegates_to_its_best_pipeline():
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    y = y.map({0: "malignant", 1: "benign"})
    pipeline = Pipeline([("scale", StandardScaler()), ("reduce", PCA()), ("model", LogisticRegression())])
    space = {
        "reduce__n_components": stats.randint(2, 10),
        "model__C": caviar.loguniform(1e-3, 10),
        "scale": [StandardScaler(), MaxAbsScaler()],
        "model": [LogisticRegression(max_iter=2000)],
    }
    fitted = search(pipeline, space, random_state=3).fit(x, y)
    assert list(fitted.classes_) == ["benign", "malignant"]
    assert fitted.n_features_in_ == 30
    assert list(fitted.feature_names_in_) == list(x.columns)
    assert set(fitted.predict(x)) == {"benign", "malignant"}
    assert fitted.predict_proba(x).shape == (len(x), 2)
    assert set(fitted.best_params_) == set(space)
    assert {"param_reduce__n_components", "param_scale"} <= set(fitted.cv_results_)
    reducer = search(PCA(), {"n_components": [1, 2, 3]}, n_iter=3).fit(X)
    assert reducer.transform(X).shape == (len(X), reducer.best_params_["n_components"])
    assert not hasattr(reducer, "predict")


def test_objects_in_a_list_are_not_changed():
    model = SVC(gamma=0.5)
    fitted = search(
        Pipeline([("model", SVC())]), {"model": [model, SVC(C=2.0)], "model__gamma": stats.loguniform(1e-3, 1)}
    ).fit(X, Y)
    assert model.get_params() == SVC(gamma=0.5).get_params()
    assert not hasattr(model, "classes_")
    assert any(params["model"] is model for params in fitted.cv_results_["params"])


def test_a_finite_space_is_searched_without_repeats(caplog):
    with caplog.at_level("WARNING", logger="caviar"):
        fitted = search(space={"C": [1, 2, 3], "kernel": ["rbf", "linear"]}, n_iter=50).fit(X, Y)
    assert "6 configurations, fewer than n_iter=50" in caplog.text
    configurations = [tuple(sorted(params.items())) for params in fitted.cv_results_["params"]]
    assert len(set(configurations)) == len(configurations) == 6


def test_an_error_is_raised_again_with_its_type():
    with pytest.raises(ValueError, match=r"C.* must be a float in the range") as error:
        search(space={"C": [-1.0, -2.0]}, n_iter=2, error_score="raise").fit(X, Y)
    assert type(error.value).__name__ == "InvalidParameterError"
    assert "Traceback" in error.value.__notes__[0]
    with pytest.raises(ValueError, match=r"All the 6 fits failed(.|\n)*must be a float in the range"):
        search(space={"C": [-1.0, -2.0]}, n_iter=2).fit(X, Y)


def test_a_trial_that_fails_or_takes_too_long_counts_as_failed_fits():
    fitted = search(Troubled(), {"trouble": [0, 3, 0]}, n_iter=3)  # the first and the last are set before the study
    with pytest.warns(FitFailedWarning, match="3 fits failed(.|\n)*ValueError: 3 is odd"):
        fitted.fit(X, Y)
    assert fitted.best_params_ == {"trouble": 0}
    with pytest.warns(FitFailedWarning, match=r"[12] fits failed(.|\n)*time limit of 0\.5 s"):
        fitted = search(Troubled(), {"trouble": [2, 0]}, n_iter=2, trial_timeout=0.5).fit(X, Y)
    assert fitted.best_params_ == {"trouble": 0}
    with pytest.raises(CaviarError, match=r"time limit of 0\.5 s"):
        fitted.set_params(error_score="raise").fit(X, Y)


class Troubled(LogisticRegression):
    """A model that rejects an odd parameter, and takes 0.4 s for 2."""

    def __init__(self, trouble=0):
        super().__init__(max_iter=500)
        self.trouble = trouble

    def fit(self, x, y):
        time.sleep(0.2 * self.trouble)
        return super().fit(x, y)

    def set_params(self, **params):
        if params["trouble"] % 2:
            raise ValueError(f"{params['trouble']} is odd")
        return super().set_params(**params)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_configuration_stopped_early_has_no_scores_for_the_skipped_folds():
    fitted = search(n_iter=9, cv=KFold(6, shuffle=True, random_state=0), early_stopping="halving").fit(X, Y)
    results = pd.DataFrame(fitted.cv_results_)
    folds = results[[f"split{i}_test_score" for i in range(6)]].notna().sum(axis=1)
    assert sorted(set(folds)) == [2, 6]
    assert (folds == 6).sum() == 3
    assert folds[fitted.best_index_] == 6
    assert results.loc[folds == 2, "mean_test_score"].isna().all()


def test_the_study_can_be_kept_and_read(tmp_path):
    fitted = search(space={**C, "kernel": ["rbf", "linear"]}, n_iter=5, out=tmp_path / "study").fit(X, Y)
    table = caviar.Outcome.read(tmp_path / "study").table
    assert list(table["state"]) == [State.FINISHED] * 5
    np.testing.assert_array_equal(table["mean_test_score"], fitted.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(table["param_C"], fitted.cv_results_["param_C"].astype(float))
    with pytest.raises(InputError, match="already holds a study"):
        fitted.fit(X, Y)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_iter": 0}, "n_iter must be an integer >= 1, got 0"),
        ({"n_jobs": 0}, "n_jobs must be .* got 0"),
        ({"space": {"C": 1.0}}, r"try \[1.0\]"),
        ({"space": {"c": [1.0, 2.0]}}, "Invalid parameter 'c'"),
        ({"space": {"C": [1.0]}}, "nothing varies"),
        ({"search": "magic"}, "search='magic'"),
        ({"waves": 9}, "waves must be .* got 9"),
        ({"cv": 1}, "'cv' parameter of CaviarSearchCV"),
        ({"scoring": ["accuracy", "f1_macro"]}, "refit must be set to a scorer key"),
    ],
)
def test_an_invalid_setting_is_an_error_before_any_work_starts(settings, words):
    with pytest.raises(ValueError, match=words):
        search(n_jobs=settings.pop("n_jobs", 2), **settings).fit(X, Y)


def test_callbacks_are_rejected():
    with pytest.raises(InputError, match="callbacks must be empty"):
        search().set_callbacks(object())


def test_the_readme_tunes_a_pipeline():
    readme = (Path(caviar.__file__).parent.parent / "README.md").read_text()
    section = readme.partition("\n## scikit-learn\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {}
    exec(code.replace("n_iter=32", "n_iter=4, n_jobs=1").replace("cv=3", "cv=2"), names)
    assert names["search"].score(names["x_test"], names["y_test"]) > 0.9
    assert names["model"].score(names["x_test"], names["y_test"]) > 0.95
