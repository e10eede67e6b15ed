"""Caviar's own searches, trainables, rules and storages obey the published laws; broken ones fail."""

import itertools
import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from caviar.data.loaders import load_digits
from caviar.errors import StorageError
from caviar.files import LocalStore, open_store
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.panda.rules import BUILT_IN, Tweak
from caviar.search import CoarseToFine, Grid, Random, Sobol
from caviar.testing import check_rule, check_search, check_store, check_trainable


@pytest.mark.parametrize("search", [Random, Sobol, Grid, CoarseToFine], ids=lambda search: search.__name__)
def test_our_searches(search):
    check_search(search)


def test_the_built_in_network():
    configs = [{"learning_rate": rate, "hidden_units": 8, "hidden_layers": 1} for rate in (0.001, 0.01, 0.1)]
    check_trainable(NetworkTrainable(load_digits(), epochs=2), configs, metric="val_accuracy")


def test_a_function_that_returns_and_one_that_yields():
    check_trainable(lambda config: {"loss": config["x"]}, [{"x": 1}], metric="loss")

    def train(config, seed):
        generator = random.Random(seed)
        for _ in range(5):
            yield {"loss": config["x"] * generator.random()}

    check_trainable(train, [{"x": 1}, {"x": 2}], metric="loss")


@pytest.mark.parametrize("rule", BUILT_IN["careful"], ids=lambda rule: type(rule).__name__)
def test_our_rules(rule):
    check_rule(rule)


@pytest.mark.parametrize("kind", ["folder", "uri"])
def test_our_storages(kind, tmp_path):
    store = open_store(tmp_path if kind == "folder" else tmp_path.as_uri())
    store.write("other", b"kept")
    check_store(store)
    assert store.read("other") == b"kept"


class Oversized(Random):
    def _next(self, count):
        return np.concatenate([super()._next(count), super()._next(1)])


class Outside(Random):
    def _next(self, count):
        return super()._next(count) + 1


class Unsnapped(Random):
    def _next(self, count):
        return np.where(np.isfinite(self.space.levels), 1e-9, 0) + super()._next(count)


class Forgetful(Random):
    def _next(self, count):
        points = np.random.default_rng(self.draws).random((count, self.space.dimension))
        self.draws += 1
        return self.space.snap(points)

    draws = 0


class Unseeded(Random):
    def __init__(self, space, budget):
        super().__init__(space, budget)
        self.drawn = np.random.default_rng().random((budget.trials, space.dimension))

    def _next(self, count):
        return self.space.snap(self.drawn[:count])


class Unresumable(Random):
    asked = 0

    def ask(self, n=None):
        self.asked += 1
        return super().ask(n)

    def _next(self, count):
        points = super()._next(count)
        return points if self.wave < 2 or self.asked > 2 else points[::-1]


class Repeating(Random):
    def _next(self, count):
        return np.repeat(super()._next(1), count, axis=0)


class Endless(Random):
    done = False


class Careless(Random):
    def estimates(self):
        return np.nan_to_num(super().estimates())


class Misjudging(Random):
    def recommend(self):
        return 1 - super().recommend()


class Optimist(Random):
    def tell(self, points, values, *, counted=True):
        super().tell(points, np.where(np.isinf(values), -1e9, values), counted=counted)


class Greedy(Random):
    def tell(self, points, values, *, counted=True):
        super().tell(points, values)


@pytest.mark.parametrize(
    ("search", "law"),
    [
        (Oversized, "must return the rest of the wave"),
        (Outside, "must lie in the unit cube"),
        (Unsnapped, "must be snapped"),
        (Forgetful, "must repeat its points until tell"),
        (Unseeded, "must give equal points"),
        (Unresumable, r"must resume from tell\(\) alone"),
        (Repeating, "no config may repeat"),
        (Endless, "must be done"),
        (Careless, "NaN only for failed ones"),
        (Misjudging, "must have the lowest estimate"),
        (Optimist, "not finite must count as failures"),
        (Greedy, "must not use up the budget"),
    ],
)
def test_a_broken_search_fails(search, law):
    with pytest.raises(AssertionError, match=law):
        check_search(search)


draws = itertools.count()
running = []


@dataclass(frozen=True)
class Stack:
    """A trainable whose runs break one law."""

    fault: str = ""

    def load(self):
        return self

    def start(self, stack):
        running.append(self.fault)
        return StackRun(self.fault, [trial.config for trial in stack])

    def close(self):
        running.clear()


@dataclass(frozen=True)
class Unclosed:
    """A trainable that cannot be closed."""

    def load(self):
        return self

    def start(self, stack):
        return StackRun("", [trial.config for trial in stack])


class StackRun:
    def __init__(self, fault, configs):
        self.fault, self.configs = fault, configs
        self.alive, self.epochs = [True] * len(configs), 0

    def epoch(self, until, seconds):
        self.epochs += 1
        if self.fault == "silent" or not any(self.alive):
            return [] if self.fault != "restless" or self.epochs != 3 else [{"loss": 1.0}]
        loss = len(self.configs) if self.fault == "crowded" else sum(self.alive) if self.fault == "tied" else 1.0
        reports = [{"loss": loss} if alive or self.fault == "talkative" else None for alive in self.alive]
        return reports[:1] if self.fault == "short" else reports

    def stop(self, trial):
        self.alive[trial] = self.fault == "unstoppable"


def test_a_stack_without_a_fault():
    check_trainable(Stack(), [{"x": 1}, {"x": 2}], metric="loss")
    assert not running


def test_a_trainable_that_cannot_be_closed_fails():
    with pytest.raises(AssertionError, match=r"must have close\(\)"):
        check_trainable(Unclosed(), [{"x": 1}, {"x": 2}])


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        ("short", "must return one report or None per trial"),
        ("silent", "must report at least once"),
        ("crowded", "alone and in a stack"),
        ("tied", "alone and in a stack|must not change the others"),
        ("talkative", "must not report after it was stopped"),
        ("unstoppable", "must not be alive after it was stopped"),
        ("restless", r"must return \[\] again"),
    ],
)
def test_a_broken_stack_fails(fault, law):
    with pytest.raises(AssertionError, match=law):
        check_trainable(Stack(fault), [{"x": 1}, {"x": 2}])


@pytest.mark.parametrize(
    ("train", "law"),
    [
        (lambda config: {"loss": next(draws)}, "must give equal reports"),
        (lambda config: {"loss": "low"}, "must have the metric 'loss'"),
        (lambda config: {"accuracy": 1.0}, "must have the metric 'loss'"),
        (lambda config: iter(()), "must report at least once"),
    ],
)
def test_a_broken_function_fails(train, law):
    with pytest.raises(AssertionError, match=law):
        check_trainable(train, [{"x": {}}], metric="loss")


def test_a_function_that_cannot_be_sent_fails(tmp_path):
    with (tmp_path / "open").open("w") as file, pytest.raises(AssertionError, match="must be picklable"):
        check_trainable(lambda config: {"loss": file.write("")}, [{"x": 1}])


@dataclass(frozen=True)
class Returns:
    """A rule with a fixed verdict."""

    verdict: object = None

    def __call__(self, history):
        return Tweak(**self.verdict) if isinstance(self.verdict, dict) else self.verdict


@dataclass(frozen=True)
class Counts:
    calls: list = field(default_factory=list)

    def __call__(self, history):
        self.calls.append(1)
        return Tweak(f"call {len(self.calls)}")


@dataclass(frozen=True)
class Writes:
    def __call__(self, history):
        history[-1]["val_loss"] = 0.0


@dataclass
class Mutable:
    def __call__(self, history):
        return None


@pytest.mark.parametrize(
    ("rule", "law"),
    [
        (lambda history: None, "must be able to describe a rule"),
        (Mutable(), "must be a frozen dataclass"),
        (Writes(), "must not change the history"),
        (Counts(), "must give equal verdicts"),
        (Returns("stop"), "must return a Tweak or None, got 'stop'"),
        (Returns({"reason": ""}), "must have a reason"),
        (Returns({"reason": "r", "rewind": 99}), "must lead to an epoch of the history, got 99"),
        (Returns({"reason": "r", "changes": {"hidden_units": 3}}), "hyperparameters that may change"),
        (Returns({"reason": "r", "changes": {"learning_rate": -1}}), "to valid values"),
    ],
)
def test_a_broken_rule_fails(rule, law):
    with pytest.raises(AssertionError, match=law):
        check_rule(rule)


class Empty(LocalStore):
    def read(self, name):
        return b""


class Truncating(LocalStore):
    def write(self, name, content):
        super().write(name, content[:100])


class Overwriting(LocalStore):
    def create(self, name, content):
        self.write(name, content)


class Unlisted(LocalStore):
    def sizes(self, folder=""):
        return {}


class Undeletable(LocalStore):
    def remove(self, name):
        pass


class Missing(LocalStore):
    def read(self, name):
        try:
            return super().read(name)
        except StorageError:
            raise KeyError(name) from None


@pytest.mark.parametrize(
    ("store", "law"),
    [
        (Empty, "must raise StorageError for a missing file"),
        (Missing, "must raise StorageError for a missing file"),
        (Truncating, "must return what write"),
        (Overwriting, "must raise FileExistsError and keep"),
        (Unlisted, "must list the files of one folder"),
        (Undeletable, "must raise StorageError for a removed file"),
    ],
)
def test_a_broken_storage_fails(store, law, tmp_path):
    with pytest.raises(AssertionError, match=law):
        check_store(store(tmp_path))
