"""The summary in a terminal: complete, and readable at 80 columns."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

import caviar
from caviar.insight.summary import print_summary
from tests.insight.studies import cube, mixed_space, outcome_of


def summary(outcome, width=80):
    console = Console(file=io.StringIO(), width=width)
    print_summary(outcome, console)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("summary") / "digits"
    study = caviar.Study("digits", trials=12, waves=2, epochs=1, confirm=(2, 2), out=folder, workers=0)
    study.run(progress=False)
    return study.outcome


def test_the_winner_on_unseen_rows_is_a_sentence(digits):
    test = digits.test
    line = f"On {test.rows} rows that no trial has seen: accuracy {test.metrics['test_accuracy']:.4g} (95% interval"
    assert line in summary(digits, width=200)
    assert "no trial has seen" not in summary(replace(digits, test=None), width=200)


def test_the_tables_of_six_hyperparameters_fit_80_columns(digits):
    lines = summary(digits).splitlines()
    assert "16 trials of digits: 16 finished" in lines
    assert "The ten best trials: the confirmed ones, then by estimate" in [line.rstrip() for line in lines]
    assert ["trial", "wave", "rate", "momentum", "units", "size", "layers", "lr", "decay", "accuracy"] in [
        line.split() for line in lines
    ]
    assert "The square of the last wave, and the whole space" in [line.rstrip() for line in lines]
    assert any(line.startswith("learning_rate") and "0.0001 to 1" in line for line in lines)
    folder = str(digits.folder)
    assert all(len(line) <= 80 for line in lines if folder not in line)
    assert lines[-2] == f"tables: {folder}/{{results,history,waves,confirmation}}.csv"
    assert lines[-1] == f"look closer with: caviar report {folder}"


def test_the_last_lines_are_of_the_winner_and_of_what_is_next(digits):
    last = "\n".join(summary(digits).splitlines()[-24:])  # what a terminal of 80 x 24 still shows
    assert f"Trial {digits.best.trial} of wave {digits.best.wave} was trained 2 more times" in last
    assert "rows that no trial has seen" in last
    assert "look closer with: caviar report" in last


def test_the_square_of_a_single_wave_is_not_shown(tmp_path):
    one, two = (outcome_of(tmp_path / str(n), cube(2), lambda c, _: c["x0"], trials=16, waves=n) for n in (1, 2))
    assert "The square of the last wave" not in summary(one)
    assert "The square of the last wave" in summary(two)


def test_the_winner_of_a_confirming_wave_has_an_interval(digits):
    text = summary(digits, width=200)
    first = digits.confirmation.iloc[0]
    assert f"Trial {digits.best.trial} of wave {digits.best.wave} was trained 2 more times with fresh seeds" in text
    assert f"{first['mean']:.4g} (95% interval {first['low']:.4g} to {first['high']:.4g}). It is the best of" in text


@pytest.mark.parametrize(("mode", "best"), [("min", min), ("max", max)])
def test_the_best_single_value_follows_the_mode(tmp_path, mode, best):
    outcome = outcome_of(tmp_path, cube(2), lambda c, _: c["x0"], trials=9, mode=mode)
    text = summary(outcome, width=200)
    assert f"Trial {outcome.best.trial} of wave 1 has the best estimate" in text
    assert f"the best single score was {best(outcome.table['score']):.4g}" in text


def test_a_narrow_terminal_gets_two_lines_a_trial(digits):
    lines = summary(digits, width=60).splitlines()
    best = digits.best
    start = f"  trial {best.trial} of wave {best.wave}: val_accuracy {best.metrics['val_accuracy']:.4g}"
    assert any(line.startswith(start) for line in lines)
    assert any(line.startswith("    learning_rate ") for line in lines)


def test_options_with_brackets_are_not_markup(tmp_path):
    space = caviar.Space(x=caviar.uniform(0, 1), kind=caviar.choice(["[bold]", "[red]"]))
    text = summary(outcome_of(tmp_path, space, lambda c, _: c["x"], trials=9), width=200)
    assert "[bold]" in text
    assert "[red]" in text


def test_a_study_without_a_finished_trial_shows_the_first_error(tmp_path):
    outcome = outcome_of(tmp_path, mixed_space(), lambda *_: "out of [memory]", trials=3)
    text = summary(outcome, width=200)
    assert "3 trials of made: 3 failed" in text
    assert "No trial finished. The first error: " in text
    assert "out of [memory]" in text


def test_a_study_whose_time_was_over_before_a_trial_ended_says_how_to_go_on(tmp_path):
    study = caviar.Study("digits", trials=4, timeout=1e-6, out=tmp_path / "s", workers=0)
    study.run(progress=False)
    assert summary(study.outcome) == f"No trial has ended; go on with: caviar resume {study.folder}\n"
