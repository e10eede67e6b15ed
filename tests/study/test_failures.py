"""Ten equal failures in a row stop a study; nothing else does."""

import pytest

from caviar.errors import PausedError
from caviar.records.trial import Result
from caviar.study.failures import FAILURES, Alarm, cause


def ended(trial, error="", host="one"):
    return Result(trial, 1, "failed" if error else "finished", {}, {}, 0, 0.0, 0, f"{host}:{trial}", error)


def numbers(results):
    return [result.trial for result in results]


def test_ten_equal_failures_in_a_row_ring_and_none_of_them_has_counted():
    alarm = Alarm()
    assert numbers(alarm.passed(ended(0))) == [0]
    for trial in range(1, FAILURES):
        assert alarm.passed(ended(trial, f"OSError: no space left on device {trial}")) == []
    with pytest.raises(PausedError, match="10 trials in a row failed with 'OSError: no space left on device 10'"):
        alarm.passed(ended(FAILURES, "OSError: no space left on device 10"))


def test_a_success_and_another_cause_break_the_row():
    alarm = Alarm()
    counted = []
    for trial in range(100):
        error = "" if trial % 10 == 9 else f"ValueError: {trial}"
        counted += numbers(alarm.passed(ended(trial, error)))
    for trial in range(100, 200):
        counted += numbers(alarm.passed(ended(trial, ("TypeError", "KeyError")[trial % 2])))
    counted += numbers(alarm.held())
    assert sorted(counted) == list(range(200))


def test_one_bad_host_among_good_ones_is_named():
    alarm = Alarm()
    for trial in range(FAILURES - 1):
        alarm.passed(ended(trial, "OSError: broken", "bad"))
        alarm.passed(ended(trial))
    with pytest.raises(PausedError, match="on host bad"):
        alarm.passed(ended(99, "OSError: broken", "bad"))


def test_a_cause_that_the_user_went_on_with_is_let_pass():
    failure = ended(1, "ValueError: 3 is too many")
    alarm = Alarm([cause(failure)])
    assert [numbers(alarm.passed(failure)) for _ in range(50)] == [[1]] * 50
