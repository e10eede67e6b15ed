"""A model's numbers do not depend on its stack, or on when it was stopped, saved or forked."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest

from caviar.data.loaders import from_arrays, load_digits
from caviar.errors import InputError
from caviar.model import state as states
from caviar.model.config import CHANGEABLE
from caviar.model.training import Training

DIGITS = load_digits()


def configs(count, **fixed):
    """Return configs that differ in everything that may differ in one stack."""
    generator = np.random.default_rng(count)
    return [
        {
            "learning_rate": 10 ** generator.uniform(-4, -1),
            "momentum": generator.uniform(0.5, 0.99),
            "lr_decay": generator.uniform(0, 1),
            "hidden_units": int(generator.integers(33, 49)),
            **fixed,
        }
        for _ in range(count)
    ]


def reports(training, epochs):
    return [training.epoch() for _ in range(epochs)]


def small(task="classification", rows=200, features=6):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, features))
    signal = x @ np.arange(1.0, features + 1)
    return from_arrays(x, signal > 0 if task == "classification" else 50 + 3 * signal)


VARIANTS = {
    "default": {},
    "deep": {"hidden_layers": 4},
    "linear": {"hidden_layers": 0},
    "momentum": {"optimizer": "momentum", "clip_norm": 1.0},
    "sigmoid": {"activation": "sigmoid", "batch_norm": False},
    "dropout": {"dropout": 0.2, "weight_decay": 0.01, "schedule": "cosine", "warmup": 1.0},
    "small batch": {"batch_size": 8, "hidden_layers": 1},
    "whole set": {"batch_size": 5000},
    "double": {"dtype": "float64"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_model_alone_in_7_and_in_32_gives_the_same_bits(variant):
    all_configs = configs(32, **VARIANTS[variant])
    chosen = [0, 3, 6]
    curves = {}
    for width in (1, 7, 32):
        for first in chosen if width == 1 else [0]:
            training = Training(all_configs[first : first + width], range(first, first + width), DIGITS, 2)
            for index, curve in enumerate(zip(*reports(training, 2), strict=True)):
                curves.setdefault(first + index, []).append(curve)
    for index in chosen:
        alone, *others = curves[index]
        assert len(others) == 2
        assert all(curve == alone for curve in others)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_few_outputs_give_the_same_bits_in_any_stack(task):
    data, settings = small(task), configs(32, batch_size=16)
    wide = reports(Training(settings, range(32), data, 2), 2)
    assert [[report[5]] for report in wide] == reports(Training([settings[5]], [5], data, 2), 2)


def test_a_diverged_model_leaves_and_the_others_are_unchanged():
    wild = configs(5)
    wild[2]["learning_rate"] = 1e30
    training, calm = Training(wild, range(5), DIGITS, 3), Training(wild[3:], [3, 4], DIGITS, 3)
    first, second, third = reports(training, 3)
    assert not math.isfinite(first[2]["val_loss"])
    assert second[2] is third[2] is None
    assert training.alive == [True, True, False, True, True]
    assert [report[3:] for report in (first, second, third)] == reports(calm, 3)


def test_stopping_a_model_within_an_epoch_leaves_the_others_unchanged():
    training, calm = Training(configs(3), range(3), DIGITS, 1), Training(configs(3)[2:], [2], DIGITS, 1)
    training.run(4)
    training.stop(0)
    assert training.epoch()[2] == calm.epoch()[0]
    with pytest.raises(InputError, match="model 0 is not in training"):
        training.stop(0)


def test_a_stack_without_members_reports_nothing():
    training = Training(configs(2), range(2), DIGITS, 3)
    training.stop(0)
    training.stop(1)
    assert training.epoch() == [None, None]
    assert training.run(5) == 0


def test_no_report_has_test_metrics_but_they_can_be_asked_for():
    for data, name in ((DIGITS, "accuracy"), (small("regression"), "rmse")):
        training = Training([{}], [0], data, 2)
        for report in reports(training, 2):
            assert set(report[0]) == {"train_loss", "val_loss", f"val_{name}"}
        assert set(training.evaluate("test")[0]) == {"test_loss", f"test_{name}"}


def weighted(data, **weights):
    """Return the data with random weights, 1 on average, for its training rows, and for other parts if asked."""
    drawn = np.random.default_rng(3).gamma(2.0, size=len(data.train_y))
    return replace(data, train_weights=drawn / drawn.mean(), **weights)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weighted_and_smoothed_models_give_the_same_bits_in_any_stack(task, dtype):
    data, settings = weighted(small(task)), configs(9, batch_size=16, dtype=dtype)
    for index, config in enumerate(settings):
        config["label_smoothing"] = 0.05 * index  # the first has none
    wide = reports(Training(settings, range(9), data, 2), 2)
    for index in (0, 5):
        assert [[report[index]] for report in wide] == reports(Training([settings[index]], [index], data, 2), 2)
    plain = {**settings[0], "label_smoothing": 0.0}
    assert [[report[0]] for report in wide] == reports(Training([plain], [0], data, 2), 2)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_equal_weights_change_no_bit(task):
    data = small(task)
    ones = {f"{part}_weights": np.ones(len(getattr(data, f"{part}_y"))) for part in ("train", "val", "test")}
    plain, equal = (Training(configs(3), range(3), any_data, 2) for any_data in (data, replace(data, **ones)))
    assert reports(plain, 2) == reports(equal, 2) != reports(Training(configs(3), range(3), weighted(data), 2), 2)
    assert plain.evaluate("test") == equal.evaluate("test")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_weights_count_as_repeated_rows_do(task):
    """Where the order of rows does not matter: without batch norm, in one batch."""
    data = small(task)
    counts = {part: np.arange(len(getattr(data, f"{part}_y"))) % 3 for part in ("train", "val", "test")}
    repeated = {
        f"{part}_{name}": np.repeat(getattr(data, f"{part}_{name}"), count, axis=0)
        for part, count in counts.items()
        for name in "xy"
    }
    weights = {f"{part}_weights": count / count.mean() for part, count in counts.items()}
    config = {"batch_norm": False, "batch_size": 10**6, "dtype": "float64", "label_smoothing": 0.1}
    one, other = (Training([config], [0], replace(data, **changes), 3) for changes in (weights, repeated))
    for _ in range(3):
        assert one.epoch()[0] == pytest.approx(other.epoch()[0], rel=1e-9)
    assert one.evaluate("test")[0] == pytest.approx(other.evaluate("test")[0], rel=1e-9)
    assert one.evaluate("test")[0] != pytest.approx(Training.restore(one.state(), one.dataset).evaluate("val")[0])


def test_smoothing_keeps_the_network_from_certainty():
    losses = {}
    for smoothing in (0.0, 0.3):
        config = {"learning_rate": 0.01, "label_smoothing": smoothing}
        training = Training([config], [0], DIGITS, 20)
        losses[smoothing] = reports(training, 20)[-1][0]["train_loss"]
        certainty = training.predict(0, DIGITS.train_x).max(axis=1).mean()
        assert certainty > 0.99 if smoothing == 0.0 else certainty < 0.85
    # the entropy of the smoothed labels: no network can have a lower loss
    targets = np.array([0.73, *[0.03] * 9])
    assert losses[0.3] > -(targets * np.log(targets)).sum() > losses[0.0]


def test_digits_are_learned():
    training = Training([{"learning_rate": 0.01}], [0], DIGITS, 15)
    assert reports(training, 15)[-1][0]["val_accuracy"] > 0.96


def test_regression_predicts_in_the_unit_of_the_target():
    data = small("regression", rows=1000)
    training = Training([{"learning_rate": 0.02, "batch_size": 32}], [0], data, 40)
    report = reports(training, 40)[-1][0]
    predicted = training.predict(0, data.val_x)[:, 0]
    assert np.sqrt(np.mean((predicted - data.val_y) ** 2)) == pytest.approx(report["val_rmse"], rel=1e-5)
    assert report["val_rmse"] < 0.15 * data.val_y.std()


def test_the_accuracy_is_that_of_the_predictions():
    training = Training([{}], [0], DIGITS, 1)
    report = training.epoch()[0]
    probabilities = training.predict(0, DIGITS.val_x)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    assert (probabilities.argmax(axis=1) == DIGITS.val_y).mean() == report["val_accuracy"]


@pytest.mark.parametrize("stopped", [False, True])
def test_a_restored_training_continues_to_the_bit(stopped):
    settings = configs(3, dropout=0.1)
    data = weighted(DIGITS)
    whole, cut = (Training(settings, range(3), data, 3) for _ in range(2))
    for training in (whole, cut):
        training.epoch()
        training.set_hyperparameters(1, learning_rate=0.02, dropout=0.0, label_smoothing=0.1)
        training.run(5)
        if stopped:
            training.stop(0)
    file = io.BytesIO()
    np.savez(file, **cut.state())
    file.seek(0)
    restored = Training.restore(dict(np.load(file, allow_pickle=False)), data)
    assert reports(restored, 2) == reports(whole, 2)


def test_a_state_from_before_a_hyperparameter_was_known_continues():
    training = Training([{}], [0], DIGITS, 2)
    training.epoch()
    details = states.decode(training.state()["metadata"])
    del details["configs"][0]["label_smoothing"]
    older = {**training.state(), "metadata": states.encode(details)}
    assert Training.restore(older, DIGITS).epoch() == training.epoch()


def test_a_state_is_a_copy_and_belongs_to_its_data():
    training = Training(configs(1), [0], DIGITS, 2)
    state = training.state()
    training.epoch()
    assert (state["parameters"] != training.network.parameters).any()
    with pytest.raises(InputError, match="different data"):
        Training.restore(state, small())


def test_a_state_holds_plain_arrays_and_readable_metadata():
    training = Training(configs(2), [5, 6], DIGITS, 3)
    training.epoch()
    training.stop(0)
    state = training.state()
    names = ["parameters", "running", "first", "second", "weights", "order", "loss_sums", "metadata"]
    assert list(state) == names
    details = states.metadata(state)
    assert (details.data, details.epochs, details.epochs_done, details.members) == (DIGITS.fingerprint(), 3, 1, [1])
    assert details.configs == training.configs


def test_one_model_picked_from_a_state_continues_alone():
    training = Training(configs(4), range(4), DIGITS, 3)
    training.run(7)
    training.stop(1)
    alone = Training.restore(states.pick(training.state(), 2), DIGITS)
    assert [report[2] for report in reports(training, 3)] == [report[0] for report in reports(alone, 3)]


def test_a_fork_copies_a_model_and_changes_its_hyperparameters():
    training = Training([{}], [0], DIGITS, 4)
    training.run(7)
    forked = Training.restore(states.fork(training.state(), [{}, {"learning_rate": 0.1}, {}]), DIGITS)
    original = Training.restore(training.state(), DIGITS)
    original.set_hyperparameters(0, learning_rate=0.1)
    first, changed, last = forked.epoch()
    assert first == last == training.epoch()[0]
    assert changed == original.epoch()[0] != first
    with pytest.raises(InputError, match="hidden_units is fixed"):
        states.fork(training.state(), [{"hidden_units": 3}])
    with pytest.raises(InputError, match=r"one batch size, got \[32, 64\]"):
        states.fork(training.state(), [{}, {"batch_size": 32}])


def test_an_epoch_can_be_cut_into_runs():
    whole, cut = (Training(configs(2), range(2), DIGITS, 1) for _ in range(2))
    assert cut.run(3) == 3
    assert cut.run(10**6) == 1257 // 64 - 3
    assert cut.run(1) == 0
    assert whole.epoch() == cut.epoch()


@pytest.mark.parametrize("name", CHANGEABLE)
def test_a_change_of_a_hyperparameter_takes_effect(name):
    value = {"schedule": "cosine", "batch_size": 32, "epsilon": 0.1, "warmup": 4.0}.get(name, 0.3)
    plain, changed = (Training([{}], [0], DIGITS, 4) for _ in range(2))
    for training in (plain, changed):
        training.epoch()
        training.run(3)
    changed.set_hyperparameters(0, **{name: value})
    assert changed.configs[0][name] == value
    assert changed.epoch() + changed.epoch() != plain.epoch() + plain.epoch()


def test_an_invalid_change_or_stack_raises():
    training = Training(configs(2), range(2), DIGITS, 1)
    with pytest.raises(InputError, match="hidden_layers is fixed once training has begun; try one of learning_rate"):
        training.set_hyperparameters(0, hidden_layers=3)
    with pytest.raises(InputError, match="batch_size=32 would change all 2 models"):
        training.set_hyperparameters(0, batch_size=32)
    with pytest.raises(InputError, match=r"learning_rate must be a number in \[0, inf\), got -1"):
        training.set_hyperparameters(0, learning_rate=-1)
    for changed, message in (
        ({"configs": [{}, {"hidden_layers": 7}]}, "got 2 of 2 shapes"),
        ({"configs": []}, "got 0 of 0 shapes"),
        ({"seeds": [0]}, "one seed per config, got 1 for 2 configs"),
        ({"epochs": 0}, "epochs must be an integer >= 1, got 0"),
    ):
        with pytest.raises(InputError, match=message):
            Training(**{"configs": [{}, {}], "seeds": [0, 1], "dataset": DIGITS, "epochs": 1, **changed})


def test_the_data_are_never_written_to():
    data = small()
    for array in data.arrays:
        array.flags.writeable = False
    Training([{"dropout": 0.1}], [0], data, 1).epoch()


def test_padding_units_stay_silent():
    """50 units are padded to 64; the last 14 stay silent."""
    padded = Training([{"hidden_units": 50}], [3], DIGITS, 1)
    padded.epoch()
    weight = padded.network.parameter_views[1]["weight"][0]
    assert weight[:50, :50].all()
    assert not weight[50:].any()
    assert not weight[:, 50:].any()
