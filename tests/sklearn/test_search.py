"""CaviarSearchCV: scikit-learn's conformance suite, equality with scikit-learn bit for bit, and the study behind it."""

import importlib.util
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

import caviar
from caviar.errors import CaviarError, InputError
from caviar.records import journal
from caviar.records.trial import State
from caviar.sklearn import BatchNormMLPClassifier, CaviarSearchCV

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


def test_weights_reach_the_network_in_a_search():
    weights = np.where(np.arange(len(Y)) % 2 == 0, 1.0, 0.0)
    network = BatchNormMLPClassifier(epochs=2, random_state=0)
    space = {"learning_rate": caviar.loguniform(1e-3, 1e-1), "label_smoothing": [0.0, 0.1]}
    fitted = search(network, space, n_iter=2).fit(X, Y, sample_weight=weights)
    alone = clone(network).set_params(**fitted.best_params_)
    assert (fitted.predict_proba(X) == alone.fit(X, Y, sample_weight=weights).predict_proba(X)).all()
    assert (fitted.predict_proba(X) != alone.fit(X, Y).predict_proba(X)).any()


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [-100, np.int64(1)])
def test_n_jobs_counts_as_in_joblib_down_to_one_in_this_process(n_jobs):
    fits = []

    class Noting(SVC):
        def fit(self, x, y):
            fits.append(len(x))
            return super().fit(x, y)

    search(Noting(), n_jobs=n_jobs).fit(X, Y)
    assert fits == [100] * 12 + [150]


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


@pytest.mark.parametrize("grid", [{}, {"C": [2.0]}, {"C": [2.0], "kernel": ["linear"]}, [{"kernel": ["linear"]}]])
def test_a_space_of_one_configuration_is_searched_as_by_scikit_learn(grid):
    fitted = search(space=grid, n_iter=5).fit(X, Y)
    assert_same(without_times(fitted.cv_results_), without_times(GridSearchCV(SVC(), grid, cv=3).fit(X, Y).cv_results_))
    assert len(fitted.cv_results_["params"]) == 1


def test_an_error_is_raised_again_with_its_type():
    with pytest.raises(ValueError, match=r"C.* must be a float in the range") as error:
        search(space={"C": [-1.0, -2.0]}, n_iter=2, error_score="raise").fit(X, Y)
    assert type(error.value).__name__ == "InvalidParameterError"
    assert "Traceback" in error.value.__notes__[0]
    with pytest.raises(ValueError, match=r"All the 6 fits failed(.|\n)*must be a float in the range"):
        search(space={"C": [-1.0, -2.0]}, n_iter=2).fit(X, Y)


def test_an_error_of_the_main_module_is_raised_again_with_its_type(monkeypatch):
    class OwnError(Exception):
        pass

    OwnError.__module__, OwnError.__qualname__ = "__main__", "OwnError"  # as in a script or a notebook
    monkeypatch.setattr(sys.modules["__main__"], "OwnError", OwnError, raising=False)

    def score(estimator, x, y):
        raise OwnError("no score")

    with pytest.raises(OwnError, match="no score"):
        search(scoring=score, error_score="raise").fit(X, Y)


class TwoArguments(Exception):
    """An exception that pickle cannot rebuild: its constructor takes other arguments than it keeps."""

    def __init__(self, column, row):
        super().__init__(f"no number in {column}, row {row}")
        self.row = row


class WithALock(Exception):
    """An exception with an attribute that cannot be pickled."""

    def __init__(self, message):
        super().__init__(message)
        self.lock = threading.Lock()


WITH_A_FILE = 'cannot read it:\n  File "model.cfg", line 3\nno such layer'


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (TwoArguments, ("width", 7)),
        (WithALock, ("no lock",)),
        (ValueError, (WITH_A_FILE,)),
        (KeyError, ("C",)),
        (UnicodeDecodeError, ("utf-8", b"\xff", 0, 1, "invalid start byte")),
        (ExceptionGroup, ("two things", [ValueError("one")])),
    ],
)
def test_any_exception_is_raised_again_as_itself(kind, arguments):
    def score(estimator, x, y):
        raise kind(*arguments)

    raised = kind(*arguments)
    with pytest.raises(type(raised)) as error:
        search(scoring=score, error_score="raise", n_jobs=2).fit(X, Y)
    assert type(error.value) is type(raised)
    assert (str(error.value), repr(error.value.args)) == (str(raised), repr(raised.args))
    assert getattr(error.value, "row", None) == getattr(raised, "row", None)
    assert "in score" in error.value.__notes__[-1]


def test_the_message_of_a_failed_fit_is_whole():
    class Unreadable(SVC):
        def fit(self, x, y):
            raise ValueError(WITH_A_FILE)

    with pytest.raises(ValueError, match=f"All the 12 fits failed(.|\n)*ValueError: {WITH_A_FILE}"):
        search(Unreadable()).fit(X, Y)


class FailsTwoWays(SVC):
    """Raises one error for the first fold, and another for the others."""

    def fit(self, x, y):
        if (x[0] == X[0]).all():
            raise KeyError("the first row")
        raise OSError("no first row")


SCORER_THAT_RAISES = """
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from caviar.sklearn import CaviarSearchCV

def small_c(estimator, x, y):
    if estimator.C > 1:
        raise KeyError("no score for a large C")
    return estimator.score(x, y)

settings = dict(n_iter=4, cv=3, random_state=0, n_jobs={n_jobs}, scoring={scoring}, refit={refit!r})
print(CaviarSearchCV(SVC(), dict(C=[0.5, 1, 2, 4]), **settings).fit(*load_iris(return_X_y=True)).best_params_["C"])
"""


@pytest.mark.parametrize(
    ("n_jobs", "scoring", "refit"),
    [(1, "small_c", True), (2, "small_c", True), (1, "dict(a=small_c, b='accuracy')", "a")],
)
def test_a_scorer_that_raises_shows_its_traceback(n_jobs, scoring, refit):
    """In a Python of its own, since pytest takes the warnings of fits in this process."""
    code = SCORER_THAT_RAISES.format(n_jobs=n_jobs, scoring=scoring, refit=refit)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) <= 1
    assert "Scoring failed for 2 of 4 configurations. The output of the first of them" in done.stderr
    assert "KeyError: 'no score for a large C'" in done.stderr


@pytest.mark.parametrize(
    ("early_stopping", "remedy"),
    [
        ("halving", "try cv=5, or leave it out"),
        (caviar.Halving(), "try cv=3, or leave it out"),
        (caviar.Halving(factor=99), "leave it out"),
    ],
)
def test_early_stopping_that_can_skip_no_fold_is_refused(early_stopping, remedy):
    with pytest.raises(InputError, match=rf"early_stopping skips none of 2 folds, got Halving\(.*\); {remedy}$"):
        search(cv=2, early_stopping=early_stopping).fit(X, Y)


@pytest.mark.parametrize("early_stopping", [None, caviar.Halving(factor=2, first=1)])
def test_failed_fits_are_counted_by_their_errors_with_the_lines_that_raised_them(early_stopping):
    fitted = search(FailsTwoWays(), n_iter=2, cv=KFold(3), error_score=0.0, early_stopping=early_stopping)
    with pytest.raises(ValueError, match="All the 6 fits failed") as error:
        fitted.fit(X, Y)
    others, first = sorted(str(error.value).split("-" * 80)[1:])
    assert others.lstrip().startswith("2 fits failed")
    assert 'raise OSError("no first row")' in others
    assert first.lstrip().startswith("4 fits failed")
    assert 'raise KeyError("the first row")' in first


def test_what_cannot_be_sent_to_trainers_is_searched_here():
    lock = threading.Lock()

    def score(estimator, x, y):
        with lock:
            return estimator.score(x, y)

    with pytest.raises(InputError, match=r"scorer cannot be sent to the trainers \(.*lock.*\); try n_jobs=1$"):
        search(scoring=score, n_jobs=2).fit(X, Y)
    assert search(scoring=score, n_jobs=1).fit(X, Y).best_score_ > 0.9


def test_a_trial_that_fails_or_takes_too_long_counts_as_failed_fits():
    fitted = search(Troubled(), {"trouble": [0, 3, 0]}, n_iter=3)  # the first and the last are set before the study
    with pytest.warns(FitFailedWarning, match="3 fits failed(.|\n)*ValueError: 3 is odd"):
        fitted.fit(X, Y)
    assert fitted.best_params_ == {"trouble": 0}
    with pytest.warns(FitFailedWarning, match=r"[12] fits failed(.|\n)*time limit of 1\.5 s"):
        fitted = search(Troubled(), {"trouble": [2, 0]}, n_iter=2, trial_timeout=1.5).fit(X, Y)
    assert fitted.best_params_ == {"trouble": 0}
    with pytest.raises(CaviarError, match=r"time limit of 1\.5 s"):
        fitted.set_params(error_score="raise").fit(X, Y)


class Troubled(LogisticRegression):
    """A model that rejects an odd parameter, and takes a second for 2."""

    def __init__(self, trouble=0):
        super().__init__(max_iter=500)
        self.trouble = trouble

    def fit(self, x, y):
        time.sleep(0.5 * self.trouble)
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


def test_a_study_that_is_not_kept_neither_waits_for_the_disk_nor_writes_tables(tmp_path, monkeypatch):
    flushed, written = [], []
    monkeypatch.setattr(journal, "flush_to_disk", lambda file: flushed.append(file.flush()))
    monkeypatch.setattr(caviar.Outcome, "write_tables", lambda outcome: written.append(outcome))
    search(n_iter=2).fit(X, Y)
    assert flushed == written == []
    search(n_iter=2, out=tmp_path / "study").fit(X, Y)
    assert flushed
    assert written


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_iter": 0}, "n_iter must be an integer >= 1, got 0"),
        ({"n_jobs": 0}, "n_jobs must be .* got 0"),
        ({"space": {"C": 1.0}}, r"try \[1.0\]"),
        ({"space": {"c": [1.0, 2.0]}}, "Invalid parameter 'c'"),
        ({"search": "magic"}, "search='magic'"),
        ({"waves": 9}, "waves must be .* got 9"),
        ({"cv": 1}, "'cv' parameter of CaviarSearchCV"),
        ({"scoring": ["accuracy", "f1_macro"]}, "refit must be set to a scorer key"),
    ],
)
def test_an_invalid_setting_is_an_error_before_any_work_starts(settings, words):
    with pytest.raises(ValueError, match=words):
        search(n_jobs=settings.pop("n_jobs", 2), **settings).fit(X, Y)


def test_param_distributions_is_the_space():
    new, old = (CaviarSearchCV(SVC(), **{name: C}, n_iter=3, cv=2, n_jobs=1, random_state=0) for name in NAMES)
    assert_same(without_times(new.fit(X, Y).cv_results_), without_times(old.fit(X, Y).cv_results_))
    positional = CaviarSearchCV(SVC(), C)
    assert (positional.space, positional.param_distributions) == (C, None)
    changed = clone(old).set_params(param_distributions={"gamma": stats.loguniform(1e-3, 1)}, pre_dispatch=2)
    assert set(pickle.loads(pickle.dumps(changed)).fit(X, Y).best_params_) == {"gamma"}


NAMES = ("space", "param_distributions")


def test_a_space_given_twice_or_not_at_all_is_an_error():
    with pytest.raises(InputError, match=r"two names for one argument.*try set_params\(space=None\)"):
        search(param_distributions=C).fit(X, Y)
    with pytest.raises(InputError, match=r"space must be a caviar.Space or a dict, got None"):
        CaviarSearchCV(SVC(), n_jobs=1).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("n_trials", "n_iter"),
        ("seed", "random_state"),
        ("workers", "n_jobs"),
        ("metric", "scoring"),
        ("param_grid", "space"),
    ],
)
def test_an_argument_of_another_tuner_is_answered(name, words):
    with pytest.raises(InputError, match=f"CaviarSearchCV has no argument {name!r}; it is called {words} here"):
        search(**{name: 3})
    with pytest.raises(InputError, match="no argument 'n_itre'; did you mean 'n_iter'"):
        search(n_itre=3)


def test_distributions_of_other_tuners_are_searched():
    optuna = pytest.importorskip("optuna")
    pytest.importorskip("pyarrow", reason="Ray Tune is not installed")
    from ray import tune

    space = {"C": tune.loguniform(1e-2, 1e2), "gamma": optuna.distributions.FloatDistribution(0.1, 1, step=0.1)}
    space |= {"kernel": tune.choice(["rbf", "linear"]), "tol": caviar.constant(1e-3)}
    for given in (space, caviar.Space(**space)):
        fitted = search(space=given).fit(X, Y)
        assert all(round(value * 10, 9) % 1 == 0 for value in fitted.cv_results_["param_gamma"])
        assert set(fitted.cv_results_["param_kernel"]) <= {"rbf", "linear"}


needs_callbacks = pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None, reason="scikit-learn has callbacks from 1.9 on"
)


class Recorder:
    """A callback that can only work in the process of the search."""

    def __init__(self):
        self.log, self.lock = [], threading.Lock()

    def setup(self, estimator, context):
        self.log.append("setup")

    def teardown(self, estimator, context):
        self.log.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        shapes = [None if rows is None else np.shape(rows) for rows in (X, y)]
        weights = None if metadata is None else metadata["sample_weight"].tolist()
        self.log.append(("begin", context.task_name, context.task_id, shapes, weights))

    def on_fit_task_end(self, estimator, context, *, X=None):
        assert estimator is self.search
        self.log.append(("end", context.task_name, context.task_id, None if X is None else np.shape(X)))


def recorded(fitted, **params):
    """Fit a search with a callback and return what it saw."""
    recorder = Recorder()
    recorder.search = fitted.set_callbacks(recorder)
    fitted.fit(X, Y, **params)
    return recorder.log


@pytest.mark.parametrize("refit", [True, False])
@needs_callbacks
def test_callbacks_see_the_tasks_of_randomized_search(refit):
    settings = {"n_iter": 3, "cv": 2, "n_jobs": 1, "random_state": 0, "refit": refit}
    weights = {"sample_weight": np.linspace(1, 2, len(Y))}
    log = recorded(CaviarSearchCV(SVC(), C, **settings), **weights)
    assert log == recorded(RandomizedSearchCV(SVC(), C, **settings), **weights)
    assert (len(log), log[0], log[-1]) == (2 * (2 + refit + 6) + 2, "setup", "teardown")


@needs_callbacks
def test_callbacks_are_passed_on_to_the_estimators_of_this_process():
    settings = {"n_iter": 2, "cv": 2, "n_jobs": 1, "random_state": 0}
    counts = []
    for kind in (CaviarSearchCV, RandomizedSearchCV):
        callback = Propagated()
        kind(StandardScaler(), {"with_mean": [True, False]}, scoring=lambda *_: 1.0, **settings).set_callbacks(
            callback
        ).fit(X)
        counts.append(callback.estimators)
    assert counts[0] == [name.replace("RandomizedSearchCV", "CaviarSearchCV") for name in counts[1]]
    assert counts[0].count("StandardScaler") == 5


class Propagated:
    max_propagation_depth = 1

    def __init__(self):
        self.estimators = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.estimators.append(type(estimator).__name__)

    def on_fit_task_end(self, estimator, context):
        pass


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.FitFailedWarning")
@needs_callbacks
def test_callbacks_see_each_fold_once_however_its_trial_ends():
    log = recorded(search(space={"C": [0.1, -1.0, 10.0]}, n_iter=3))  # a negative C fails
    for what in ("begin", "end"):
        tasks = sorted(entry[2] for entry in log if entry[:2] == (what, "candidate-split-evaluation"))
        assert tasks == list(range(9))
    skipping = search(n_iter=9, cv=KFold(6, shuffle=True, random_state=0), early_stopping="halving")
    log = recorded(skipping)
    folds = pd.DataFrame(skipping.cv_results_)[[f"split{i}_test_score" for i in range(6)]].notna().to_numpy()
    expected = np.flatnonzero(folds.ravel()).tolist()
    for what in ("begin", "end"):
        assert sorted(e[2] for e in log if e[:2] == (what, "candidate-split-evaluation")) == expected


@needs_callbacks
def test_a_failing_callback_ends_the_search_and_is_torn_down():
    class Broken(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("broken callback")

    broken = Broken()
    with pytest.raises(RuntimeError, match="broken callback"):
        search().set_callbacks(broken).fit(X, Y)
    assert broken.log[-1] == "teardown"
    with pytest.raises(TypeError, match="FitCallback"):
        search().set_callbacks(object())


@pytest.mark.slow
@needs_callbacks
def test_callbacks_are_called_in_this_process_for_fits_on_ray(ray_cluster):
    settings = {"n_iter": 4, "cv": 2, "random_state": 0}
    on_ray, local = (recorded(CaviarSearchCV(SVC(), C, n_jobs=n, **settings)) for n in (2, 1))
    assert sorted(map(repr, on_ray)) == sorted(map(repr, local))


def test_what_is_kept_of_a_study_grows_with_the_number_of_folds_not_with_its_square(tmp_path):
    sizes, cells = [], []
    for folds in (10, 40):
        out = tmp_path / f"{folds}"
        fitted = search(n_iter=2, cv=KFold(folds), out=out, return_train_score=True).fit(X, Y)
        assert {f"split{fold}_{part}_score" for fold in range(folds) for part in ("test", "train")} < set(
            fitted.cv_results_
        )
        history = caviar.Outcome.read(out).history
        assert history.groupby("trial").size().tolist() == [folds] * 2
        of_first = history[history["trial"] == 0]["fold_test_score"]
        np.testing.assert_array_equal(of_first, [fitted.cv_results_[f"split{n}_test_score"][0] for n in range(folds)])
        sizes.append((out / "journal.jsonl").stat().st_size)
        cells.append(history.size)
    assert sizes[1] < 5 * sizes[0]
    assert cells[1] == 4 * cells[0]
