"""What comes next, without trainers: waves, seeds, enqueued configs, the confirming wave."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.data.source import Source, SourceKind
from caviar.records.early_stopping import Confirm
from caviar.records.events import Enqueued, StudyBegan, TrialEnded, WaveBegan
from caviar.records.objective import Objective
from caviar.records.replay import StudyState
from caviar.records.settings import Settings
from caviar.records.trial import Result, State
from caviar.search import Budget
from caviar.space import Space, randint, uniform
from caviar.study.planner import Planner, trial_seed

SETTINGS = Settings(
    "tiny",
    Source(SourceKind.ARRAYS),
    Space(x=uniform(0, 1), n=randint(1, 9)),
    Objective("loss", "min"),
    Budget(12, 3, seed=5),
)


def planner(**changes):
    return Planner(StudyState(StudyBegan(replace(SETTINGS, **changes), {})))


def end(state, trial, loss):
    """Let a trial end."""
    confirms = state.confirms(trial.number)
    metrics = {"loss": loss}
    result = Result(
        trial.number, trial.wave, State.FINISHED, trial.config, metrics, 1, 0.0, trial.seed, "", "", confirms
    )
    state.apply(TrialEnded(result))


def drive(planner, order=None, count=1):
    """Run a study to its end; returns its waves."""
    waves = []
    while (wave := planner.next_wave(count)) is not None:
        planner.state.apply(wave)
        waves.append(wave)
        trials = planner.trials(wave)
        for i in order(len(trials)) if order else range(len(trials)):
            end(planner.state, trials[i], (trials[i].config["x"] - 0.3) ** 2 + trials[i].seed * 1e-15)
    return waves


def test_waves_follow_one_another_and_end():
    waves = drive(planner())
    assert [(wave.wave, wave.first, len(wave.points)) for wave in waves] == [(1, 0, 4), (2, 4, 4), (3, 8, 4)]
    assert waves[0].square is None
    assert waves[1].square is not None
    assert waves[1].space is None  # nothing has grown


@settings(max_examples=20)  # of two studies each
@given(seed=st.integers(0, 99))
def test_the_order_of_arrival_changes_nothing(seed):
    generator = np.random.default_rng(seed)
    straight, shuffled = drive(planner()), drive(planner(), order=generator.permutation)
    for one, other in zip(straight, shuffled, strict=True):
        assert np.array_equal(one.points, other.points)
        assert one.square == other.square


def test_a_planner_that_starts_in_the_middle_plans_the_same():
    whole = planner()
    waves = drive(whole)
    late = planner()
    for wave in waves[:2]:
        late.state.apply(wave)
        for trial in late.trials(wave):
            end(late.state, trial, whole.state.results[trial.number].metrics["loss"])
    again = Planner(late.state)  # its search has been told nothing yet
    assert np.array_equal(again.next_wave(1).points, waves[2].points)


def test_enqueued_configs_come_first_as_given():
    study = planner()
    configs = ({"x": 0.123456789, "n": 3}, {"x": 0.5, "n": 9})
    study.state.apply(Enqueued(configs))
    wave = study.next_wave(1)
    assert wave.configs == configs
    assert len(wave.points) == 4
    assert [trial.config for trial in study.trials(wave)][:2] == list(configs)
    study.state.apply(wave)
    assert study.state.enqueued == []


def test_the_best_trials_are_confirmed_once_with_fresh_seeds():
    study = planner(confirm=Confirm(2, 3))
    assert study.state.total == 12 + 6
    *_, last = drive(study)
    assert len(last.confirms) == 6
    best, second = last.confirms[0], last.confirms[3]
    assert last.confirms == (best,) * 3 + (second,) * 3
    originals, replicates = study.state.results, [study.state.results[number] for number in last.numbers]
    assert [result.config for result in replicates] == [originals[number].config for number in last.confirms]
    assert len({result.seed for result in replicates} | {originals[best].seed, originals[second].seed}) == 8
    assert study.done


def test_without_barriers_a_wave_is_a_quarter_of_the_trials():
    study = planner(budget=Budget(12, "continuous", seed=5))
    waves = drive(study, count=2)
    assert [len(wave.points) for wave in waves] == [2, 1] * 4
    assert [wave.wave for wave in waves] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert study.state.searched


def test_running_trials_are_those_that_have_begun_and_not_ended():
    study = planner()
    wave = study.next_wave(1)
    study.state.apply(wave)
    trials = study.trials(wave)
    end(study.state, trials[2], 0.5)
    assert study.running_trials() == [trials[0], trials[1], trials[3]]


def test_a_growing_space_is_in_the_wave():
    study = planner(grow=True, budget=Budget(24, 4, seed=0))
    waves = []
    while (wave := study.next_wave(1)) is not None:
        study.state.apply(wave)
        waves.append(wave)
        for trial in study.trials(wave):
            end(study.state, trial, -trial.config["x"])
    assert waves[0].space is None
    assert waves[-1].space["x"].high > 1
    assert any("upper bound extended from 1" in sentence for sentence in waves[-1].edges)
    assert max(result.config["x"] for result in study.state.results.values()) > 1


def test_seeds_depend_on_study_wave_and_number_alone():
    trials = planner().trials(WaveBegan(2, 10, np.array([[0.1, 0.5], [0.3, 0.5]])))
    assert [trial.number for trial in trials] == [10, 11]
    assert [trial.seed for trial in trials] == [trial_seed(5, 2, 10), trial_seed(5, 2, 11)]
    seeds = {trial_seed(s, w, n) for s in range(3) for w in range(3) for n in range(50)}
    assert len(seeds) == 450
    assert all(0 <= seed < 2**32 for seed in seeds)
