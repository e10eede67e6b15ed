"""The loop of a wave against a fleet in virtual time."""

from caviar.records.trial import Trial
from caviar.study.wave import run_wave, trial_seed, trials_of
from tests.fleet.simulation import SimulatedFleet


def run(fleet, count):
    stacks = [(Trial(number, 1, {"x0": 0.5}, number),) for number in range(count)]
    kept = []
    run_wave(fleet, stacks, kept.extend)
    return kept


def test_every_trial_becomes_one_result_whoever_dies():
    results = run(SimulatedFleet(50, lambda trial: 1.0, deaths=0.5), 1000)
    assert sorted(result.trial for result in results) == list(range(1000))
    assert all(result.metrics == {"score": result.trial} for result in results if result.state == "finished")


def test_a_trial_that_runs_again_keeps_only_its_last_curve():
    fleet = SimulatedFleet(3, lambda trial: 1.0, deaths=2.0, seed=1)
    results = run(fleet, 60)
    assert fleet.starts > 60
    assert {result.epochs for result in results if result.state == "finished"} == {1}


def test_a_wave_of_no_trials_ends():
    assert run(SimulatedFleet(2, lambda trial: 1.0), 0) == []


def test_seeds_depend_on_study_wave_and_number_alone():
    trials = trials_of([{"x": 0.1}, {"x": 0.3}], seed=5, wave=2, first=10)
    assert [trial.number for trial in trials] == [10, 11]
    assert [trial.seed for trial in trials] == [trial_seed(5, 2, 10), trial_seed(5, 2, 11)]
    seeds = {trial_seed(s, w, n) for s in range(3) for w in range(3) for n in range(50)}
    assert len(seeds) == 450
    assert all(0 <= seed < 2**32 for seed in seeds)
