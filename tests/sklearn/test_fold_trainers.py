"""Folds that are fitted apart, and arrive in any order, make the same results as one trainer's."""

import contextlib
import math
import random
import time
from functools import partial

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Done, Started
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.trial import State, Trial
from caviar.sklearn import CaviarSearchCV
from caviar.sklearn.fold_trainers import FitOneFold, FoldTrainers
from caviar.sklearn.folds import CrossValidation
from caviar.sklearn.spaces import translate
from caviar.study.wave import run_wave

ERROR = 'Traceback (most recent call last):\n  File "model.py", line 3, in fit\n    fit()\nValueError: no fit'


def fit_and_score(kinds, estimator, train, test, parameters):
    """Score a fold, fail to fit it or raise, as the kinds of the folds say."""
    fold = int(train[0])
    kind = kinds[(fold + parameters["random_state"]) % len(kinds)]
    if kind == "raises":
        raise KeyError("fold")
    score = 0.1 * fold if kind == "good" else math.nan
    error = ERROR if kind == "fails" else None
    return {"fit_error": error, "test_scores": score, "fit_time": 1.0, "score_time": 2.0}


def cross_validation(kinds):
    return CrossValidation(
        estimator=DummyClassifier(),
        fit_and_score=partial(fit_and_score, kinds),
        splits=[(np.array([fold]), np.array([fold])) for fold in range(len(kinds))],
        scorers=(),
        error_score=math.nan,
        translation=translate({"random_state": list(range(len(kinds)))}),
        metric="mean_test_score",
        objective="score",
        options={},
    )


class Shuffled(LocalPool):
    """Trains what it is given in another order."""

    def __init__(self, validation, order):
        super().__init__(FunctionTrainable(FitOneFold(validation), validation.metric), validation.metric)
        self._order = order

    def submit(self, stacks):
        super().submit(self._order.sample(list(stacks), len(stacks)))


def results(trainers, trials):
    """Train trials and return what their results say, but when and where they ran."""
    ended = []
    with contextlib.closing(trainers):
        run_wave(trainers, [(trial,) for trial in trials], ended.extend)
    return {r.trial: (r.state, r.error, [(p.epoch, repr(p.metrics)) for p in r.curve]) for r in ended}


def trials_of(validation, count=2):
    configs = validation.translation.space.configs(np.linspace(0, 0.99, count)[:, None])
    return [Trial(number, 1, config, seed=5) for number, config in enumerate(configs, 3)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["good", "good", "nan", "fails", "raises"]), min_size=1, max_size=5), st.randoms())
def test_folds_in_any_order_make_the_results_of_one_trainer(kinds, order):
    validation = cross_validation(kinds)
    whole = LocalPool(FunctionTrainable(validation, validation.metric), validation.metric)
    trials = trials_of(validation)
    assert results(FoldTrainers(Shuffled(validation, order), validation), trials) == results(whole, trials)


def test_a_stopped_trial_is_timed_out_once_however_many_folds_it_has():
    validation = cross_validation(["good"] * 3)
    trainers = FoldTrainers(Shuffled(validation, random.Random(0)), validation)
    trainers.submit([(trial,) for trial in trials_of(validation)])
    events = []
    while not events:
        events = trainers.poll()
    assert trainers.pending == 2
    assert isinstance(events[0], Started)
    (end,) = trainers.stop("the time is over")
    assert isinstance(end, Done)
    assert (end.trial, end.state) == (events[0].trial, State.TIMED_OUT)
    assert trainers.pending == 0


class Slow(LogisticRegression):
    """A model that takes a while."""

    def fit(self, x, y):
        time.sleep(0.5)
        return super().fit(x, y)


def test_trainers_share_the_folds_of_a_configuration(tmp_path, monkeypatch):
    monkeypatch.setattr("caviar.fleet.sharing_pool._FIRST_LOOK", 0.0)  # processes start at once
    monkeypatch.setattr("caviar.fleet.sharing_pool._WORTHWHILE", 0.0)
    x, y = np.random.default_rng(0).random((30, 2)), np.arange(30) % 2
    search = CaviarSearchCV(Slow(), {"C": [1.0]}, n_iter=1, cv=14, n_jobs=2, refit=False, out=tmp_path / "study")
    search.fit(x, y)
    (workers,) = pd.read_csv(tmp_path / "study" / "results.csv")["worker"]
    assert len(workers.split(", ")) > 1
