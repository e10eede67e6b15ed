"""CaviarSearchCV: scikit-learn's own conformance suite, RandomizedSearchCV bit for bit, and the study underneath."""

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
from sklearn.model_selection import GroupKFold, KFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

import caviar
from caviar.errors import CaviarError, InputError
from caviar.sklearn import CaviarSearchCV

C = {"C": stats.loguniform(1e-2, 1e2)}
X, Y = load_iris(return_X_y=True)


def search(estimator=None, space=None, **settings):
    settings = {"n_iter": 4, "cv": 3, "random_state": 0, "n_jobs": 1, **settings}
    return CaviarSearchCV(SVC() if estimator is None else estimator, C if space is None else space, **settings)


def refuse(truth, predicted):
    raise ValueError("no score")


def untimed(results):
    return {key: values for key, values in results.items() if not key.endswith("_time")}


def assert_same(results, others):
    assert sorted(results) == sorted(others)
    for key, values in results.items():
        if key == "params":
            assert values == others[key]
        else:
            np.testing.assert_array_equal(values, others[key], err_msg=key)
            assert values.dtype == others[key].dtype, key


def random_search(found, **settings):
    """RandomizedSearchCV with the configurations that another search tried, in their order."""
    one = RandomizedSearchCV(found.estimator, [{}], n_iter=1, cv=found.cv, **settings)
    params = found.cv_results_["params"]
    one._run_search = lambda evaluate_candidates, callback_ctx=None: evaluate_candidates(params)
    return one


# warm Ray is tested below; here every check fits in this process, which takes 0.05 s a fit instead of seconds
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
def test_the_same_configurations_give_what_randomized_search_gives_bit_for_bit(settings):
    space = {"C": [0.1, 1.0, -1.0, 10.0], "kernel": ["rbf", "linear"]}  # a negative C fails
    found = search(space=space, n_iter=6, **settings).fit(X, Y)
    assert -1.0 in found.cv_results_["param_C"]
    with threadpool_limits(1):
        other = random_search(found, **settings).fit(X, Y)
    assert_same(untimed(found.cv_results_), untimed(other.cv_results_))
    assert set(found.cv_results_) == set(other.cv_results_)
    for name in ("best_index_", "best_params_", "best_score_", "multimetric_", "n_splits_"):
        assert getattr(found, name, None) == getattr(other, name, None)
    assert hasattr(found, "best_estimator_") == hasattr(other, "best_estimator_")
    if settings.get("refit", True):
        assert found.score(X, Y) == other.score(X, Y)
        assert (found.predict(X) == other.predict(X)).all()


def test_fit_parameters_and_groups_go_where_they_go_in_scikit_learn():
    x, y = load_diabetes(return_X_y=True)
    weights, groups = np.linspace(0, 1, len(y)), np.arange(len(y)) % 7
    found = search(Ridge(), {"alpha": stats.loguniform(0.01, 10)}, cv=GroupKFold(3)).fit(
        x, y, sample_weight=weights, groups=groups
    )
    with threadpool_limits(1):
        other = random_search(found).fit(x, y, sample_weight=weights, groups=groups)
    assert_same(untimed(found.cv_results_), untimed(other.cv_results_))


def test_the_same_random_state_gives_the_same_results_whatever_the_workers(ray_cluster):
    space = {"max_depth": stats.randint(1, 9), "max_features": stats.beta(2, 2), "criterion": ["gini", "entropy"]}
    forest = RandomForestClassifier(n_estimators=5)  # without a random_state of its own
    settings = {"n_iter": 16, "return_train_score": True, "refit": False}
    here, there = (untimed(search(forest, space, n_jobs=n, **settings).fit(X, Y).cv_results_) for n in (1, 2))
    assert_same(there, here)
    other = untimed(search(forest, space, **{**settings, "random_state": 1}).fit(X, Y).cv_results_)
    assert other["params"] != here["params"]


def test_the_search_zooms_in():
    """On a score with one peak the later waves are nearer to it than the first."""
    space = {"C": caviar.loguniform(1e-6, 1e6), "gamma": caviar.loguniform(1e-6, 1e6)}
    found = search(space=space, n_iter=32, refit=False).fit(X, Y)
    scores = found.cv_results_["mean_test_score"]
    assert scores[16:].mean() > scores[:8].mean() + 0.1
    assert found.best_score_ > 0.95


def test_a_pipeline_of_a_data_frame_is_delegated_to():
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    y = y.map({0: "malignant", 1: "benign"})
    pipeline = Pipeline([("scale", StandardScaler()), ("reduce", PCA()), ("model", LogisticRegression())])
    space = {
        "reduce__n_components": stats.randint(2, 10),
        "model__C": caviar.loguniform(1e-3, 10),
        "scale": [StandardScaler(), MaxAbsScaler()],
        "model": [LogisticRegression(max_iter=2000)],
    }
    found = search(pipeline, space, random_state=3).fit(x, y)
    assert list(found.classes_) == ["benign", "malignant"]
    assert found.n_features_in_ == 30
    assert list(found.feature_names_in_) == list(x.columns)
    assert set(found.predict(x)) == {"benign", "malignant"}
    assert found.predict_proba(x).shape == (len(x), 2)
    assert set(found.best_params_) == set(space)
    assert {"param_reduce__n_components", "param_scale"} <= set(found.cv_results_)
    reducer = search(PCA(), {"n_components": [1, 2, 3]}, n_iter=3).fit(X)
    assert reducer.transform(X).shape == (len(X), reducer.best_params_["n_components"])
    assert not hasattr(reducer, "predict")


def test_the_objects_of_a_list_are_left_as_they_are():
    model = SVC(gamma=0.5)
    found = search(
        Pipeline([("model", SVC())]), {"model": [model, SVC(C=2.0)], "model__gamma": stats.loguniform(1e-3, 1)}
    ).fit(X, Y)
    assert model.get_params() == SVC(gamma=0.5).get_params()
    assert not hasattr(model, "classes_")
    assert any(params["model"] is model for params in found.cv_results_["params"])


def test_a_finite_space_is_searched_once():
    with pytest.warns(UserWarning, match="6 configurations, fewer than n_iter=50"):
        found = search(space={"C": [1, 2, 3], "kernel": ["rbf", "linear"]}, n_iter=50).fit(X, Y)
    tried = [tuple(sorted(params.items())) for params in found.cv_results_["params"]]
    assert len(set(tried)) == len(tried) == 6


def test_an_error_is_raised_as_what_it_was():
    with pytest.raises(ValueError, match=r"C.* must be a float in the range") as error:
        search(space={"C": [-1.0, -2.0]}, n_iter=2, error_score="raise").fit(X, Y)
    assert type(error.value).__name__ == "InvalidParameterError"
    assert "Traceback" in error.value.__notes__[0]
    with pytest.raises(ValueError, match=r"All the 6 fits failed(.|\n)*must be a float in the range"):
        search(space={"C": [-1.0, -2.0]}, n_iter=2).fit(X, Y)


def test_a_trial_that_fails_as_a_whole_or_takes_too_long_counts_as_fits_that_failed():
    found = search(Troubled(), {"trouble": [0, 3, 0]}, n_iter=3)  # the options at the ends are set beforehand
    with pytest.warns(FitFailedWarning, match="3 fits failed(.|\n)*ValueError: 3 is odd"):
        found.fit(X, Y)
    assert found.best_params_ == {"trouble": 0}
    with pytest.warns(FitFailedWarning, match=r"[12] fits failed(.|\n)*ran over its 0\.5 s"):
        found = search(Troubled(), {"trouble": [2, 0]}, n_iter=2, trial_timeout=0.5).fit(X, Y)
    assert found.best_params_ == {"trouble": 0}
    with pytest.raises(CaviarError, match=r"ran over its 0\.5 s"):
        found.set_params(error_score="raise").fit(X, Y)


class Troubled(LogisticRegression):
    """A model that refuses an odd parameter, and takes 0.4 s for 2."""

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
def test_a_configuration_that_is_stopped_early_has_no_scores_of_the_folds_left_out():
    found = search(n_iter=9, cv=KFold(6, shuffle=True, random_state=0), early_stopping="halving").fit(X, Y)
    results = pd.DataFrame(found.cv_results_)
    folds = results[[f"split{i}_test_score" for i in range(6)]].notna().sum(axis=1)
    assert sorted(set(folds)) == [2, 6]
    assert (folds == 6).sum() == 3
    assert folds[found.best_index_] == 6
    assert results.loc[folds == 2, "mean_test_score"].isna().all()


def test_the_study_can_be_kept_and_looked_at(tmp_path):
    found = search(space={**C, "kernel": ["rbf", "linear"]}, n_iter=5, out=tmp_path / "study").fit(X, Y)
    table = caviar.Study.read(tmp_path / "study").table
    assert list(table["state"]) == ["finished"] * 5
    np.testing.assert_array_equal(table["mean_test_score"], found.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(table["param_C"], found.cv_results_["param_C"].astype(float))
    with pytest.raises(InputError, match="already holds a study"):
        found.fit(X, Y)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_iter": 0}, "n_iter=0"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"space": {"C": 1.0}}, r"write \[1.0\]"),
        ({"space": {"c": [1.0, 2.0]}}, "Invalid parameter 'c'"),
        ({"space": {"C": [1.0]}}, "nothing varies"),
        ({"search": "magic"}, "search='magic'"),
        ({"waves": 9}, "waves=9"),
        ({"cv": 1}, "'cv' parameter of CaviarSearchCV"),
        ({"scoring": ["accuracy", "f1_macro"]}, "refit must be set to a scorer key"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_starts(settings, words):
    with pytest.raises(ValueError, match=words):
        search(n_jobs=settings.pop("n_jobs", 2), **settings).fit(X, Y)


def test_callbacks_are_refused():
    with pytest.raises(InputError, match="calls no callbacks"):
        search().set_callbacks(object())


def test_the_readme_tunes_a_pipeline(ray_cluster):
    readme = (Path(caviar.__file__).parent.parent / "README.md").read_text()
    section = readme.partition("\n## scikit-learn\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {}
    exec(code, names)
    assert names["search"].score(names["x_test"], names["y_test"]) > 0.97
    assert names["model"].score(names["x_test"], names["y_test"]) > 0.95
