"""The timeline shows every trial once, and counts the time in which trainers had nothing to do."""

from dataclasses import replace

import pytest

from caviar.errors import InputError
from caviar.insight.figures.timeline import timeline


def at(outcome, times):
    """The outcome with trials that ran at the given times: (trainer, began, ended), None where it is not known."""
    results = [
        replace(result, worker=worker, began=began, ended=ended)
        for result, (worker, began, ended) in zip(outcome.results, times, strict=False)
    ]
    return replace(outcome, results=tuple(results))


def test_every_trial_has_a_bar_in_the_colour_of_its_state(outcome):
    figure = timeline(outcome)
    shown = {trace.name: len(trace.x) for trace in figure.data}
    states = outcome.table["state"].value_counts()
    assert shown == {
        "finished": states["finished"],
        "failed, diverged or timed out": states["failed"] + states["diverged"],
        "the winner": 1,
    }
    assert sum(shown.values()) == len(outcome.table) + 1


def test_the_caption_counts_idle_trainers_and_a_stack_once(outcome):
    figure = timeline(at(outcome, [("a", 100, 104), ("a", 100, 104), ("b", 102, 104), ("b", 104, 105)]))
    assert "nothing to train for 30% of the time" in figure.layout.meta["caption"]
    assert {name for trace in figure.data for name in trace.y} == {"a", "b"}
    assert max(base + x for trace in figure.data for base, x in zip(trace.base, trace.x, strict=True)) == 5


def test_a_study_without_times_is_refused_in_a_sentence(outcome):
    with pytest.raises(InputError, match="no trial has a time"):
        timeline(at(outcome, [("a", None, None)] * 3))


def test_thousands_of_trials_are_drawn_as_few_bars_over_the_same_time(outcome):
    results = [
        replace(
            outcome.results[1],
            trial=number,
            worker=f"w:{number % 2}",
            began=100.0 + number // 2,
            ended=101.0 + number // 2,
        )
        for number in range(3000)
    ]
    many = replace(outcome, results=tuple(results))
    traces = {trace.name: trace for trace in timeline(replace(many, search_log=())).data}
    (kind,) = [name for name in traces if name != "the winner"]
    assert len(traces[kind].x) == 2
    assert list(traces[kind].x) == [1500.0, 1500.0]
