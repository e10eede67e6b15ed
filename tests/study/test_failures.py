"""Ten equal failures in a row pause a study; nothing else does."""

import math

import pytest

import caviar
from caviar.errors import InputError, PausedError
from caviar.records.trial import Result, State
from caviar.study.failures import FailureMonitor, error_signature


def ended(trial, error="", host="one"):
    state = State.FAILED if error else State.FINISHED
    return Result(trial, 1, state, {}, {}, 0, 0.0, 0, f"{host}:{trial}", error)


def numbers(results):
    return [result.trial for result in results]


def test_ten_equal_failures_in_a_row_pause_and_none_of_them_has_counted():
    monitor = FailureMonitor()
    assert numbers(monitor.check(ended(0))) == [0]
    for trial in range(1, 10):
        assert monitor.check(ended(trial, f"OSError: no space left on device {trial}")) == []
    with pytest.raises(PausedError, match="10 trials in a row failed with 'OSError: no space left on device 10'"):
        monitor.check(ended(10, "OSError: no space left on device 10"))


def test_a_success_and_another_cause_break_the_row():
    monitor = FailureMonitor()
    counted = []
    for trial in range(100):
        error = "" if trial % 10 == 9 else f"ValueError: {trial}"
        counted += numbers(monitor.check(ended(trial, error)))
    for trial in range(100, 200):
        counted += numbers(monitor.check(ended(trial, ("TypeError", "KeyError")[trial % 2])))
    counted += numbers(monitor.pending())
    assert sorted(counted) == list(range(200))


def test_one_bad_host_among_good_ones_is_named():
    monitor = FailureMonitor()
    for trial in range(9):
        monitor.check(ended(trial, "OSError: broken", "bad"))
        monitor.check(ended(trial))
    with pytest.raises(PausedError, match="on host bad"):
        monitor.check(ended(99, "OSError: broken", "bad"))


def test_a_signature_that_the_user_continued_with_is_ignored():
    failure = ended(1, "ValueError: 3 is too many")
    monitor = FailureMonitor([error_signature(failure)])
    assert [numbers(monitor.check(failure)) for _ in range(50)] == [[1]] * 50


@pytest.mark.parametrize("limit", [0, -1, 0.5, math.nan, None, True, "3"])
def test_a_limit_that_is_no_number_from_1_is_refused_before_anything_is_written(tmp_path, limit):
    study = caviar.Study(lambda config: 0.0, space={"x": [1, 2]}, metric="loss", mode="min", out=tmp_path / "s")
    with pytest.raises(InputError, match="failures must be a number >= 1"):
        study.run(failures=limit)
    assert not (tmp_path / "s").exists()


def test_the_limit_is_a_setting():
    with pytest.raises(PausedError, match="1 trials"):
        FailureMonitor(limit=1).check(ended(0, "ValueError"))
    endless = FailureMonitor(limit=math.inf)
    for trial in range(100):
        assert endless.check(ended(trial, "ValueError")) == []
    assert len(endless.pending()) == 100
