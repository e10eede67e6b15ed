"""Which trials share a stack, in which order stacks start, and that the network trains all that a space may hold."""

import math
from itertools import pairwise

import numpy as np
import pytest

import caviar
from caviar.fleet.placement import Placement
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.model.shapes import shape_of
from caviar.records.trial import Trial
from caviar.study.loading import target_from
from caviar.study.stacking import stack_trials

DIGITS = NetworkTrainable(caviar.load_digits(), epochs=1)


def wave(count, space=None):
    space = space or caviar.default_space()
    points = np.random.default_rng(0).random((count, space.dimension))
    return [Trial(number, 1, config, seed=number) for number, config in enumerate(space.configs(points))]


@pytest.mark.parametrize("workers", [1, 4])
def test_stacks_hold_every_trial_once_and_one_shape_each(workers):
    stacks = stack_trials(wave(200), DIGITS, workers)
    assert sorted(trial.number for stack in stacks for trial in stack) == list(range(200))
    assert all(len({shape_of(trial.config) for trial in stack}) == 1 for stack in stacks)
    assert max(map(len, stacks)) > 1


def test_no_trainer_idles_where_all_trials_share_a_shape():
    trials = wave(40, caviar.Space(learning_rate=caviar.loguniform(1e-4, 1), hidden_units=16, hidden_layers=1))
    assert len(stack_trials(trials, DIGITS, 1)) < 2 * 4 <= len(stack_trials(trials, DIGITS, 4))


def test_the_longest_stacks_start_first():
    space = caviar.Space(hidden_units=caviar.choice([16, 512]), batch_size=caviar.choice([32, 256]), hidden_layers=2)
    work = [(len(stack), stack[0].config) for stack in stack_trials(wave(16, space), DIGITS, 4)]
    weights = [count * config["hidden_units"] ** 2 for count, config in work]
    assert all(before >= after for before, after in pairwise(weights))


def test_small_batches_take_longer_than_large_ones(monkeypatch):
    monkeypatch.setattr("caviar.model.shapes._cache_bytes", lambda: 2**21)  # or no three of these fit into a stack
    small = {"batch_size": 32, "hidden_units": 100, "hidden_layers": 4}  # 0.28 s for 20 epochs
    configs = [{"batch_size": 256, "hidden_units": 100, "hidden_layers": 3}] * 3 + [small]  # 0.24 s
    stacks = stack_trials([Trial(number, 1, config, seed=number) for number, config in enumerate(configs)], DIGITS, 1)
    assert [len(stack) for stack in stacks] == [1, 3]


def test_each_trial_of_a_function_is_a_stack_of_one():
    trials = wave(20)
    assert stack_trials(trials, FunctionTrainable(len), 1) == [(trial,) for trial in trials]


def test_a_space_may_hold_everything_that_the_network_takes():
    space = caviar.Space(
        learning_rate=caviar.loguniform(1e-3, 1e-2),
        weight_decay=caviar.loguniform(1e-4, 1e-1),
        dropout=caviar.uniform(0, 0.5),
        clip_norm=1.0,
        schedule=caviar.choice(["cosine", "constant", "inverse-time"]),
        warmup=caviar.randint(0, 2),
        dtype=caviar.choice(["float32", "float64"]),
    )
    target_from("digits").check(space, Placement())
    for stack in stack_trials(wave(8, space), DIGITS, 1):
        run = DIGITS.load().start(stack)
        assert all(math.isfinite(report["val_loss"]) for report in run.epoch(None, None) if report)
