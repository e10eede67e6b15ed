"""The paragraph for a paper says what the outcome says, and is text in LaTeX whatever it names."""

import re

import pytest

import caviar
from caviar.errors import InputError
from caviar.insight import methods
from tests.insight.studies import cube, outcome_of


def test_it_says_what_was_searched_and_what_came_of_it(digits):
    text = methods(digits)
    confirmation = digits.confirmation.iloc[0]
    assert f"Caviar {caviar.__version__} in 9 trials, in 1 wave, coarse to fine" in text
    assert "`learning_rate` from 0.0001 to 1 on a log scale" in text
    assert "`momentum` from 0.9 to 0.999 with one minus the value on a log scale" in text
    assert "`batch_size` out of `32`, `64`" in text
    assert f"The 2 best configurations were trained 2 more times with fresh seeds; the best of them (`learning_rate` {digits.best.config['learning_rate']:.4g}" in text  # fmt: skip  # noqa: E501
    assert f"a mean `val_accuracy` of {confirmation['mean']:.4g}" in text
    assert f"On {digits.test.rows} rows that no choice depended on, its accuracy was " in text
    assert "seed 0" in text
    assert digits.fingerprint in text


def test_a_function_is_named_and_a_one_dimensional_space_is_in_the_singular(tmp_path):
    outcome = outcome_of(tmp_path / "study", cube(1), lambda config, number: config["x0"], trials=4)
    text = methods(outcome)
    assert "The space had 1 hyperparameter: `x0` from 0 to 1." in text
    assert "in 4 trials, in 1 wave, at random." in text
    one = outcome_of(tmp_path / "one", cube(1), lambda config, number: config["x0"], trials=1)
    assert "in 1 trial, in 1 wave, at random." in methods(one)
    assert re.search(r"Each trial ran `\S+train\S*` for 3 epochs", text)
    assert f"(`x0` {outcome.best.config['x0']:.4g}) reached a `score` of" in text


@pytest.mark.parametrize(
    ("stopping", "words"),
    [
        ("halving", "by successive halving: at each rung, one in 2 went on, by predicted ends; one trial in 8 was not"),
        (caviar.Halving(factor=4, predicted=False), "by successive halving: at each rung, one in 4 went on."),
        ("asha", "by asynchronous successive halving: at each rung, one in 3 went on."),
    ],
)
def test_it_says_how_trials_were_stopped(tmp_path, stopping, words):
    settings = {"space": cube(1), "metric": "x", "mode": "min", "trials": 8, "epochs": 8, "workers": 0}
    study = caviar.Study(lambda config: config["x0"], early_stopping=stopping, out=tmp_path / "s", **settings)
    study.run(progress=False)
    assert f"Trials were stopped early {words}" in methods(study.outcome)


def test_it_says_how_the_number_of_trials_came_about(tmp_path):
    settings = {"metric": "x", "mode": "min", "trials": 24, "workers": 0, "isolation": "none"}

    def text(stop, *more):
        study = caviar.Study(lambda c: c["x0"], space=cube(1), stop=stop, out=tmp_path / str(stop), **settings)
        study.run(progress=False)
        for trials in more:
            study.extend(trials)
            study.run(progress=False)
        return methods(study.outcome)

    assert "planned" not in text(None)
    goal = "Up to 24 trials were planned; a rule ended them after wave 1: trial "
    assert re.search(rf"in 8 trials, .*{goal}\d has reached 0\.", text({"x": 0.9}))
    assert re.search(
        r"wave 1: the next wave was expected to gain \S+, and 50 would have been worth it", text({"gain": 50})
    )
    assert "it was extended by 9, then by 1 trial. The space" in text({"x": 0.8}, 9, 1)


def test_latex_shows_every_name_as_text(outcome):
    text = methods(outcome, "latex")
    assert r"\texttt{<" not in text
    assert r"\textless{}script\textgreater{}" in text
    assert not re.search(r"(?<!\\)[_#%&$]", text)
    assert "`" not in text
    assert text.count(r"\texttt{") == methods(outcome).count("`") / 2


def test_the_fingerprint_is_that_of_the_promised_columns(tmp_path):
    outcomes = [
        outcome_of(tmp_path / name, cube(2), lambda config, number: config["x0"], trials=8, seed=seed)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    first, again, other = [outcome.fingerprint for outcome in outcomes]
    assert first == again != other


def test_a_study_without_a_finished_trial_and_an_unknown_form_are_refused(tmp_path, digits):
    failed = outcome_of(tmp_path / "study", cube(1), lambda config, number: "broken", trials=4)
    with pytest.raises(InputError, match=r"no trial of .* has finished"):
        methods(failed)
    with pytest.raises(InputError, match="form must be 'markdown' or 'latex', got 'html'"):
        methods(digits, "html")
