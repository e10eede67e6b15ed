"""Caviar's search as an Optuna sampler: Optuna's own suite for samplers, and whether it really searches."""

import gc
import pickle
import subprocess
import sys
import threading
import time
import warnings
import weakref
from datetime import timedelta

import numpy as np
import optuna
import pytest
from optuna.testing import pytest_samplers

from caviar.errors import InputError
from caviar.optuna import CaviarSampler
from caviar.search.sequential import Sequential

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


class TestOptunasOwnSuite(
    pytest_samplers.BasicSamplerTestCase,
    pytest_samplers.RelativeSamplerTestCase,
    pytest_samplers.SingleOnlySamplerTestCase,
):
    """All of it except the cases for samplers with several objectives."""

    @pytest.fixture
    def sampler(self):
        return lambda: CaviarSampler(seed=0)


def bowl(trial):
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    units = trial.suggest_int("units", 10, 200, step=10)
    kind = trial.suggest_categorical("kind", ["a", None, True])
    return (np.log10(rate) + 2) ** 2 + (units - 70) ** 2 / 1000 + 3 * (kind is not None)


def optimise(sampler, objective=bowl, trials=40, **settings):
    study = optuna.create_study(sampler=sampler, **settings)
    study.optimize(objective, n_trials=trials, catch=(ZeroDivisionError,))
    return study


def params(study):
    return [trial.params for trial in study.trials]


def test_the_seed_decides_all_trials():
    first, again, other = (optimise(CaviarSampler(trials=20, seed=s), trials=20) for s in (3, 3, 4))
    assert params(first) == params(again) != params(other)


def test_it_beats_random_search():
    caviar = [optimise(CaviarSampler(trials=40, seed=seed)).best_value for seed in range(3)]
    random = [optimise(optuna.samplers.RandomSampler(seed=seed)).best_value for seed in range(3)]
    assert max(caviar) < min(random)
    assert max(caviar) < 0.2


def test_it_maximises():
    def negative(trial):
        return -bowl(trial)

    up = optimise(CaviarSampler(trials=25, seed=0), negative, 25, direction="maximize")
    assert params(up) == params(optimise(CaviarSampler(trials=25, seed=0), trials=25))


def test_a_resumed_study_continues_with_the_same_trials():
    uninterrupted = optimise(CaviarSampler(trials=30, seed=1), trials=30)
    resumed = optuna.create_study(sampler=CaviarSampler(trials=30, seed=1))
    resumed.add_trials(uninterrupted.trials[:20])
    resumed.optimize(bowl, n_trials=10)
    assert params(resumed) == params(uninterrupted)


def test_more_trials_may_follow_than_planned():
    assert len(optimise(CaviarSampler(trials=5, seed=0), trials=12).trials) == 12


def test_failed_and_pruned_trials_count_as_bad():
    def fail_or_prune(trial):
        x = trial.suggest_float("x", 0, 1)
        if x > 0.8:
            return 1 / 0
        trial.report(x, step=1)
        if x > 0.6:
            raise optuna.TrialPruned
        return x

    study = optimise(CaviarSampler(trials=40, seed=0), fail_or_prune)
    late = [trial.params["x"] for trial in study.trials[20:]]
    assert {trial.state.name for trial in study.trials[:20]} == {"COMPLETE", "PRUNED", "FAIL"}
    assert np.mean(np.array(late) < 0.2) > 0.4  # the others try what is far away, once x is known to 1e-5


def test_an_enqueued_trial_out_of_bounds_is_ignored():
    study = optuna.create_study(sampler=CaviarSampler(seed=0))
    study.enqueue_trial({"x": 7.0})
    with pytest.warns(UserWarning, match="out of range"):
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
    assert [trial.params["x"] > 1 for trial in study.trials] == [True] + [False] * 4


def test_trials_of_parallel_workers_differ():
    study = optimise(CaviarSampler(trials=40, seed=0), trials=12)
    together = [study.ask() for _ in range(4)]
    assert len({bowl(trial) for trial in together}) == 4  # parameters are drawn when the first is suggested
    fixed = dict(study.trials[0].distributions)
    assert len({str(study.ask(fixed).params) for _ in range(4)}) == 4


def test_trials_of_dead_processes_do_not_slow_the_search(monkeypatch):
    skipped = []
    ask = Sequential.ask
    monkeypatch.setattr(Sequential, "ask", lambda *args, skip: (skipped.append(skip), ask(*args, skip=skip))[1])
    study = optimise(CaviarSampler(trials=40, seed=0), trials=4)
    for _ in range(3):
        study.ask()  # at the same time
    bowl(study.ask())
    for trial in study.get_trials(deepcopy=False)[-4:-1]:
        trial.datetime_start -= timedelta(minutes=1)
    bowl(study.ask())
    assert skipped[-2:] == [3, 0]


class _Counted(list):
    """Trials that count how often one of them is read."""

    reads = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        _Counted.reads += len(found) if isinstance(key, slice) else 1
        return found

    def __iter__(self):
        for trial in super().__iter__():
            _Counted.reads += 1
            yield trial


def test_a_trial_that_has_ended_is_read_once(monkeypatch):
    read_all = optuna.Study.get_trials
    monkeypatch.setattr(
        optuna.Study, "get_trials", lambda self, *args, **named: _Counted(read_all(self, *args, **named))
    )
    study = optuna.create_study(sampler=CaviarSampler(seed=0))
    waiting = study.ask()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=30)
    study.tell(waiting, state=optuna.trial.TrialState.FAIL)
    before = _Counted.reads
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=10)
    assert 0 < _Counted.reads - before <= 40


def test_what_is_known_is_kept_for_each_study_of_a_sampler(monkeypatch):
    told = []
    tell = Sequential.tell
    monkeypatch.setattr(Sequential, "tell", lambda *args: (told.append(len(args[1])), tell(*args))[1])
    sampler = CaviarSampler(trials=40, seed=0)
    studies = [optuna.create_study(sampler=sampler) for _ in range(2)]
    for _ in range(10):
        for study in studies:
            study.optimize(bowl, n_trials=1)
    assert max(told) == 1
    kept = [weakref.ref(study) for study in studies]
    del study
    studies.clear()
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
    assert optimise(pickle.loads(pickle.dumps(sampler)), trials=10).best_value < 10


def test_threads_of_one_study_search_one_after_the_other(monkeypatch):
    ask, searching, overlaps = Sequential.ask, threading.Lock(), []

    def watched(self, *args, **settings):
        overlaps.append(not searching.acquire(blocking=False))
        time.sleep(0.002)
        point = ask(self, *args, **settings)
        if not overlaps[-1]:
            searching.release()
        return point

    monkeypatch.setattr(Sequential, "ask", watched)
    study = optimise(CaviarSampler(trials=40, seed=0), trials=1)
    study.optimize(bowl, n_trials=20, n_jobs=4)
    assert len(study.trials) == 21
    assert not any(overlaps)


def test_a_seed_may_be_larger_than_those_of_numpy():
    one, other = (params(optimise(CaviarSampler(seed=2**40), trials=2)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(("settings", "message"), [({"trials": 0}, "trials must be"), ({"seed": -1}, "seed must be")])
def test_errors_show_the_value(settings, message):
    with pytest.raises(InputError, match=message):
        CaviarSampler(**settings)


def test_without_optuna_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['optuna'] = None\nimport caviar\ntry: caviar.optuna\nexcept ImportError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "caviar.optuna needs Optuna; install it with: pip install 'caviar-tune[optuna]'\n"


def test_ascending_numbers_are_searched_in_their_order():
    def objective(kinds):
        def loss(trial):
            numbers = (trial.suggest_categorical(name, kinds) for name in ("x", "y"))
            return float(sum((float(number) - 11) ** 2 for number in numbers))

        return loss

    def best(kinds):
        samplers = (CaviarSampler(trials=24, seed=seed) for seed in range(4))
        return np.mean([optimise(sampler, objective(kinds), trials=24).best_value for sampler in samplers])

    assert best(list(range(40))) < best([str(number) for number in range(40)])
