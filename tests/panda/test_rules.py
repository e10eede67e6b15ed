"""Each rule on histories written by hand: it intervenes exactly where a person would."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError
from caviar.panda.rules import (
    LowerOnPlateau,
    RaiseWhileSmooth,
    RewindOnDivergence,
    StopWhenNothingHelps,
    rules_of,
)
from tests.panda.own_rules import HalveAt


def history(losses, rates=0.1):
    rates = rates if isinstance(rates, list) else [rates] * len(losses)
    losses = [loss if isinstance(loss, tuple) else (loss, loss) for loss in losses]
    return [
        {"epoch": epoch, "train_loss": train, "val_loss": val, "learning_rate": rate}
        for epoch, ((train, val), rate) in enumerate(zip(losses, rates, strict=True), start=1)
    ]


@pytest.mark.parametrize(
    ("losses", "rewind"),
    [
        ([2.0, 1.0, math.nan], 2),
        ([math.nan], 0),
        ([2.0, 1.0, math.inf], 2),
        ([2.0, 1.0, 1.6], 2),
        ([2.0, 1.0, 1.4], None),
        ([2.0, 3.0], None),
        ([2.0, 1.0, 0.5, (0.4, 9.0)], None),  # overfitting is not divergence
    ],
)
def test_divergence_goes_back_to_the_last_good_epoch_and_halves_the_rate(losses, rewind):
    tweak = RewindOnDivergence()(history(losses))
    if rewind is None:
        assert tweak is None
    else:
        assert (tweak.rewind, tweak.stop) == (rewind, False)
        assert tweak.changes["learning_rate"] == pytest.approx(0.05 if rewind else 0.01)
        assert "ran away" in tweak.reason


def test_a_first_epoch_that_is_worse_than_the_untrained_network_is_trained_again():
    untrained = {"epoch": 0, "train_loss": math.nan, "val_loss": 2.3, "learning_rate": 0.1}
    assert RewindOnDivergence()([untrained, *history([(3.0, 5.0)])]).rewind == 0
    assert RewindOnDivergence()([untrained, *history([(3.0, 2.0)])]) is None
    assert RewindOnDivergence()([untrained, *history([(3.0, 2.0), (2.0, 2.4)])]).rewind == 1


def test_a_plateau_lowers_the_rate_and_then_waits():
    rule = LowerOnPlateau(patience=3)
    assert rule(history([3, 2, 1, 1, 1])) is None
    assert dict(rule(history([3, 2, 1, 1, 1, 1])).changes) == {"learning_rate": 0.05}
    assert rule(history([3, 2, 1, 1, 1, 1, 1], [0.1] * 6 + [0.05])) is None
    assert rule(history([3, 2, 1, 0.998, 0.995, 0.992])) is not None  # too slow to count as falling
    assert rule(history([3, 2, 1, 0.9, 0.8, 0.7])) is None


def test_a_smooth_fall_raises_the_rate_but_never_after_it_was_lowered():
    rule = RaiseWhileSmooth(epochs=3, factor=2)
    assert dict(rule(history([4, 3, 2, 1])).changes) == {"learning_rate": 0.2}
    assert rule(history([4, 3, 2])) is None
    assert rule(history([4, 3, 3.5, 1])) is None
    assert rule(history([4, 3, 2, (1, 2.5)])) is None
    assert rule(history([5, 4, 3, 2, 1], [0.2] + [0.1] * 4)) is None


def test_when_nothing_helps_it_goes_back_to_the_best_epoch_and_stops():
    rule = StopWhenNothingHelps(reductions=2)
    rates = [0.4, 0.4, 0.2, 0.2, 0.1, 0.1]
    tweak = rule(history([2, 1, 1.1, 1.2, 1.1, 1.2], rates))
    assert (tweak.rewind, tweak.stop) == (2, True)
    assert rule(history([2, 1, 1.1, 1.2, 1.1, 0.9], rates)) is None
    assert rule(history([2, 1, 1.1, 1.2, 1.1], rates[:5])) is None
    assert rule(history([math.nan])) is None


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(0, 10), st.just(math.nan), st.just(math.inf)),
            st.floats(0, 10),
            st.sampled_from([0.1, 0.2, 0.4]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_every_tweak_can_be_executed_whatever_the_history(rows):
    rows = history([(train, val) for train, val, _ in rows], [rate for *_, rate in rows])
    for rule in rules_of("careful"):
        tweak = rule(rows)
        if tweak is not None:
            assert tweak.reason
            assert set(tweak.changes) <= {"learning_rate"}
            assert all(0 < rate < math.inf for rate in tweak.changes.values())
            assert tweak.rewind is None or 0 <= tweak.rewind <= len(rows)


def test_rules_are_requested_by_name_or_as_objects():
    assert rules_of("plateau, smooth") == (LowerOnPlateau(), RaiseWhileSmooth())
    assert rules_of(["plateau", HalveAt(2)]) == (LowerOnPlateau(), HalveAt(2))
    assert rules_of(HalveAt(2)) == (HalveAt(2),)
    assert rules_of("none") == rules_of(()) == ()


def test_a_rule_may_be_defined_anywhere():
    @dataclass(frozen=True)
    class Never:
        def __call__(self, history):
            return None

    assert rules_of(Never()) == (Never(),)


@dataclass(frozen=True)
class Unwritable:
    data: object

    def __call__(self, history):
        return None


@pytest.mark.parametrize(
    ("requested", "words"),
    [
        ("plato", "did you mean 'plateau'"),
        ([lambda history: None], "must be a callable dataclass"),
        (7, "rules must be names or rules, got 7; try one or several of divergence"),
        (None, "rules must be names or rules, got None"),
        ([7], "must be a callable dataclass whose settings are plain data, got 7"),
        (LowerOnPlateau, "must be a callable dataclass"),
        (Unwritable(object()), "not JSON serializable"),
    ],
)
def test_an_invalid_rule_is_refused(requested, words):
    with pytest.raises(InputError, match=words):
        rules_of(requested)
