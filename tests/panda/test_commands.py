"""Commands validate themselves, and a rule's verdict becomes commands."""

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.panda.commands import EndTraining, Fork, Rewind, SetHyperparameters, Train, commands_of
from caviar.panda.rules import Tweak


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Train(10**20), "epochs must be an integer <= 1000000000, got 1"),
        (lambda: Train(0), "epochs must be an integer >= 1, got 0"),
        (lambda: Rewind(-1), "epoch must be an integer >= 0, got -1"),
        (lambda: SetHyperparameters({"hidden_units": 3}), "hidden_units is fixed"),
        (lambda: SetHyperparameters({"learning_rat": 3}), "did you mean 'learning_rate'"),
        (lambda: SetHyperparameters({"beta1": 0.8}), "did you mean 'momentum'"),
        (lambda: SetHyperparameters({"momentum": 0.5, "learning_rate": -1}), "learning_rate.*-1"),
        (lambda: SetHyperparameters({}), "at least one hyperparameter"),
        (lambda: Fork(1), "n must be an integer >= 2, got 1"),
        (lambda: Fork(3, around=1.0), "around must be a factor > 1 or a caviar.Space, got 1.0"),
        (lambda: Fork(3, around="wide"), "around must be a factor > 1 or a caviar.Space, got 'wide'"),
        (
            lambda: Fork(3, around=caviar.Space(hidden_units=caviar.randint(1, 9))),
            "nothing else, got .*hidden_units",
        ),
        (
            lambda: Fork(3, around=caviar.Space(batch_size=caviar.choice([16, 32]))),
            "nothing else, got .*batch_size",
        ),
        (lambda: Fork(3, around=caviar.Space(momentum=0.9)), "must be a space that varies some of learning_rate"),
        (lambda: Fork(3, epochs=10**20), "epochs must be an integer <= 1000000000, got 1"),
        (lambda: Fork(3, epochs=0), "epochs must be an integer >= 1, got 0"),
    ],
)
def test_an_invalid_command_is_refused_in_one_sentence(make, words):
    with pytest.raises(InputError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("factor", [np.float32(2.5), np.int64(3)])
def test_numbers_of_numpy_become_pythons(factor):
    command = Fork(np.int8(2), factor, np.int64(4))
    assert command == Fork(2, factor.item(), 4)
    assert [type(value) for value in (command.n, command.around, command.epochs)] == [int, type(factor.item()), int]


def test_a_verdict_is_executed_as_rewind_then_changes_then_the_end():
    tweak = Tweak("why", {"learning_rate": 0.1}, rewind=2, stop=True)
    assert commands_of(tweak) == (
        Rewind(2, or_earlier=True, reason="why"),
        SetHyperparameters({"learning_rate": 0.1}, reason="why"),
        EndTraining(reason="why"),
    )
    assert commands_of(Tweak("nothing")) == ()
