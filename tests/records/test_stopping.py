"""When a study ends before its last wave: how users write the rules, and what a gain costs."""

import pytest

from caviar.errors import InputError
from caviar.records.objective import Objective
from caviar.records.stopping import Goal, Plateau, Worth, as_written, from_plain, stopping_from, to_plain

OBJECTIVE = Objective("loss", "min")
RULES = [None, Worth(), Worth(0.1), Worth(0.1, minutes=3), Worth(money=2, hourly=0.5), Plateau(), Plateau(3), Goal(0.5)]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_rule_comes_back_from_a_journal_and_as_users_write_it(rule):
    assert from_plain(to_plain(rule)) == rule
    assert rule is None or stopping_from(as_written(rule, OBJECTIVE), OBJECTIVE) == rule


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("wurth", "stop must be 'worth', 'plateau', a goal such as stop=.*, or None, got 'wurth'.*'worth'"),
        (0.9, 'a goal such as stop={"loss": 0.9}, or None, got 0.9'),
        (True, "got True"),
        ({}, "got {}"),
        ({"accuracy": 0.9}, "stop must name the study's metric 'loss'"),
        ({"loss": "low"}, "stop must have a finite number for the metric, got 'low'"),
        ({"loss": float("nan")}, "finite"),
        ({"gain": 0}, "gain of stop must be a number > 0, got 0"),
        ({"minutes": -1}, "minutes of stop must be a number > 0, got -1"),
        ({"money": 5}, "money of stop needs hourly"),
        ({"minutes": 1, "money": 5, "hourly": 1}, "minutes or money, got both"),
        ({"waves": 0}, "waves of stop must be an integer >= 1"),
        ({"gain": 0.1, "wait": 3}, "'wait': 3}; choose one of loss, gain, minutes, money, hourly$"),
        ({"loss": 0.1, "gain": 0.1}, "metric 'loss' alone, or gain and minutes, got {'loss': 0.1, 'gain': 0.1}$"),
    ],
)
def test_a_wrong_rule_is_one_sentence(value, words):
    with pytest.raises(InputError, match=words):
        stopping_from(value, OBJECTIVE)


def test_a_gain_is_worth_minutes_or_money_in_proportion():
    assert Worth().enough(minutes=9, hours=9, progress=0.5) == 0.005  # 1% of what was gained
    assert Worth(gain=0.2).enough(minutes=9, hours=9, progress=0.5) == 0.2
    assert Worth(gain=0.2, minutes=3).enough(minutes=9, hours=9, progress=0.5) == pytest.approx(0.6)
    assert Worth(gain=0.2, money=4, hourly=2).enough(minutes=9, hours=9, progress=0.5) == pytest.approx(0.9)
    assert Worth(minutes=18).enough(minutes=9, hours=9, progress=0.5) == pytest.approx(0.0025)
