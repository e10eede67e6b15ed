"""What a run shows where there is no terminal, and what it logs."""

import contextlib
import logging

import pytest

from caviar.records.objective import Objective
from caviar.records.span import Span
from caviar.records.trial import Result, State
from caviar.study.progress import ProgressLine, describe_best, show_progress

LOSS = Objective("loss", "min")


def best(value):
    return Result(0, 1, State.FINISHED, {}, {"loss": value}, 1, 0.0, 0, "host:1")


@contextlib.contextmanager
def logging_not_configured():
    """Logging as in a program that has not configured it; pytest has."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        yield
    finally:
        root.handlers = handlers


def test_a_line_says_what_has_ended_and_how_long_the_rest_may_take():
    line = ProgressLine(90, 100, LOSS, seconds=0.0)
    assert line.next(90, None, None) == "90/100 trials, no best loss yet"
    assert line.next(90, None, None) is None  # nothing has changed
    assert line.next(95, best(0.5), Span(50, 61, 75)) == "95/100 trials, best loss 0.5, 61 s (50 to 75) left"
    assert line.next(100, best(0.25), Span(0, 0, 0)) == "100/100 trials, best loss 0.25"
    assert line.next(100, best(0.25), None) is None


def test_lines_come_at_intervals_and_at_the_end():
    line = ProgressLine(0, 10, LOSS, seconds=1000.0)
    assert [line.next(done, None, None) for done in range(1, 10)] == [None] * 9
    assert line.next(10, None, None) is not None


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt])
def test_a_run_that_ends_before_its_last_trial_says_how_far_it_has_come(caplog, ending):
    suppressed = contextlib.suppress(KeyboardInterrupt)
    with caplog.at_level(logging.INFO, "caviar"), suppressed, show_progress(0, 40, LOSS) as reporter:
        reporter(24, best(0.25), Span(50, 61, 75))
        if ending:
            raise ending
    assert caplog.messages == ["24/40 trials, best loss 0.25"]


def test_a_run_without_news_ends_without_a_line(caplog):
    with caplog.at_level(logging.INFO, "caviar"), show_progress(3, 40, LOSS):
        pass
    assert not caplog.messages


def test_a_run_prints_messages_where_nobody_has_configured_logging(capsys):
    with logging_not_configured(), show_progress(0, 2, LOSS) as reporter:
        logging.getLogger("caviar").info("wave 1: 2 trials on 1 trainers")
        reporter(2, best(0.25), None)
    logging.getLogger("caviar").info("after the run")
    assert capsys.readouterr().out.splitlines() == ["wave 1: 2 trials on 1 trainers", "2/2 trials, best loss 0.25"]


def test_a_run_that_shows_nothing_prints_nothing(capsys):
    with logging_not_configured(), show_progress(0, 2, LOSS, show=False) as reporter:
        logging.getLogger("caviar").info("wave 1")
        reporter(2, best(0.25), None)
    assert capsys.readouterr().out == ""


def test_a_program_that_configured_logging_routes_the_messages(caplog, capsys):
    with caplog.at_level(logging.INFO, "caviar"), show_progress(0, 2, LOSS) as reporter:
        reporter(2, best(0.25), None)
    assert caplog.messages == ["2/2 trials, best loss 0.25"]
    assert capsys.readouterr().out == ""


def test_the_best_value_in_words():
    assert describe_best(LOSS, best(0.123456)) == "best loss 0.1235"
