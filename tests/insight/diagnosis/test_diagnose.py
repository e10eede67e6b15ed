"""Planted faults are found with their numbers, and sound studies have none."""

import math
from dataclasses import replace

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.insight import diagnose
from caviar.insight.diagnosis.finding import Kind
from tests.insight.studies import cube, outcome_of


def bowl(config, _=0):
    return 1 - sum((value - 0.4) ** 2 for value in config.values())


def curves_of(folder, train, trials=12, confirm=False):
    """The outcome of a study whose trials report `train(config, epoch, noise)` for 40 epochs."""

    def run(config, seed):
        generator = np.random.default_rng(seed)
        for epoch in range(1, 41):
            yield train(config, epoch, 0.002 * generator.standard_normal())

    study = caviar.Study(
        run, space=cube(1), trials=trials, metric="val_loss", mode="min", epochs=40, search="random",
        confirm=confirm, out=folder, workers=0, isolation="none",
    )  # fmt: skip
    study.run(progress=False)
    return study.outcome


def only(diagnosis, kind):
    (finding,) = diagnosis.findings
    assert finding.kind is kind
    return finding


def test_a_sound_study_has_no_finding(tmp_path):
    diagnosis = diagnose(outcome_of(tmp_path, cube(2), bowl, trials=48, waves=3, search="coarse-to-fine"))
    assert diagnosis.findings == ()
    assert str(diagnosis) == "made: no problems were found"
    assert len(diagnosis.table()) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_the_edge_that_trials_diverge_beyond(tmp_path, sign):
    space = caviar.Space(rate=caviar.loguniform(1e-4, 1.0), x=caviar.uniform(0, 1))
    outcome = outcome_of(
        tmp_path, space, lambda c, _: math.nan if sign * c["rate"] > sign * 0.1 else bowl({"x": c["x"]}), trials=48
    )
    findings = diagnose(outcome).findings
    edge = next(finding for finding in findings if finding.kind is Kind.EDGE)
    assert {finding.kind for finding in findings} == {Kind.DIVERGED, Kind.EDGE}
    assert edge.hyperparameter == "rate"
    assert edge.low < 0.1 < edge.high
    assert f"let rate {'end' if sign > 0 else 'begin'} at" in edge.remedy
    trial = edge.trials[0]
    of_trial = only(diagnose(outcome, trial), Kind.DIVERGED)
    assert "its rate" in of_trial.sentence
    assert of_trial.low < 0.1 < of_trial.high


def test_an_edge_depends_on_the_other_hyperparameters_of_a_trial(tmp_path):
    outcome = outcome_of(
        tmp_path, cube(2), lambda c, _: math.nan if c["x0"] + 0.5 * c["x1"] > 0.9 else bowl(c), trials=80
    )
    diverged = outcome.table[outcome.table["state"] == "diverged"].sort_values("x1")
    for trial, x1 in ((diverged["trial"].iloc[0], diverged["x1"].iloc[0]), tuple(diverged[["trial", "x1"]].iloc[-1])):
        finding = only(diagnose(outcome, int(trial)), Kind.DIVERGED)
        assert finding.low - 0.02 < 0.9 - 0.5 * x1 < finding.high + 0.02


def test_failures_are_grouped_by_their_error(tmp_path):
    def value(config, number):
        return "no memory" if number % 5 == 0 else "no disk" if number % 7 == 0 else bowl(config)

    failed = [f for f in diagnose(outcome_of(tmp_path, cube(2), value, trials=30)).findings if f.kind is Kind.FAILED]
    assert [len(finding.trials) for finding in failed] == [6, 4]
    assert "no memory" in failed[0].sentence


def test_a_constant_metric_says_nothing_about_hyperparameters(tmp_path):
    finding = only(diagnose(outcome_of(tmp_path, cube(3), lambda *_: 0.5)), Kind.CONSTANT)
    assert "0.5 in all 32 finished trials" in finding.sentence


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(("constant", "shown"), [(-0.5, "score is -0.5 in"), (0.0, "score is 0 in")])
def test_a_constant_metric_has_its_sign(tmp_path, mode, constant, shown):
    outcome = outcome_of(tmp_path, cube(1), lambda *_: constant, mode=mode)
    assert shown in only(diagnose(outcome), Kind.CONSTANT).sentence


def test_a_metric_at_its_ceiling(tmp_path):
    outcome = outcome_of(tmp_path, cube(2), lambda c, _: min(1.0, 0.3 + c["x0"]), epochs=1)
    finding = only(diagnose(outcome), Kind.SATURATED)
    assert finding.value == 1.0
    assert set(finding.trials) == set(outcome.table["trial"][outcome.table["score"] == 1.0])


@pytest.mark.parametrize(("rows", "kinds"), [(20, (Kind.FEW_ROWS,)), (400, ())])
def test_a_few_validation_rows_cannot_tell_the_best_apart(tmp_path, rows, kinds):
    outcome = outcome_of(tmp_path, cube(2), lambda c, _: round(rows * (0.9 - 0.2 * c["x0"] * c["x1"])) / rows, epochs=1)
    diagnosis = diagnose(outcome)
    assert diagnosis.kinds == kinds
    if kinds:
        assert diagnosis.findings[0].value == rows


@pytest.mark.parametrize(("noise", "kinds"), [(1.0, (Kind.NOISE,)), (0.01, ())])
def test_noise_by_replicates(tmp_path, noise, kinds):
    def train(config, seed):
        return {"loss": config["x0"] ** 2 + noise * np.random.default_rng(seed).standard_normal()}

    study = caviar.Study(
        train, space=cube(2), trials=32, waves=[32], metric="loss", mode="min", confirm=(4, 8), out=tmp_path,
        workers=0, isolation="none",
    )  # fmt: skip
    study.run(progress=False)
    found = [finding for finding in diagnose(study.outcome).findings if finding.kind is not Kind.NO_INFLUENCE]
    assert tuple(finding.kind for finding in found) == kinds
    if kinds:
        assert found[0].value == pytest.approx(1.0, rel=0.35)


def test_noise_without_replicates(tmp_path):
    generator = np.random.default_rng(0)
    outcome = outcome_of(tmp_path, cube(2), lambda *_: generator.standard_normal(), trials=96, epochs=1)
    only(diagnose(outcome), Kind.NOISE)


def test_an_option_that_never_wins(tmp_path):
    space = caviar.Space(x=caviar.uniform(0, 1), kind=caviar.choice(["a", "b", "c"]))
    outcome = outcome_of(tmp_path, space, lambda c, _: bowl({"x": c["x"]}) - 2 * (c["kind"] == "b"), trials=48)
    finding = only(diagnose(outcome), Kind.LOSING_OPTION)
    assert finding.hyperparameter == "kind"
    assert set(finding.trials) == set(outcome.table["trial"][outcome.table["kind"] == "b"])


@pytest.mark.parametrize(("centre", "kinds"), [(1.5, (Kind.BOUND,)), (0.98, ())])
def test_a_bound_counts_only_if_the_metric_still_improves_towards_it(tmp_path, centre, kinds):
    outcome = outcome_of(
        tmp_path, cube(2), lambda c, _: -((c["x0"] - centre) ** 2) - (c["x1"] - 0.5) ** 2, trials=48, waves=3,
        search="coarse-to-fine",
    )  # fmt: skip
    diagnosis = diagnose(outcome)
    assert diagnosis.kinds == kinds
    assert [finding.hyperparameter for finding in diagnosis.findings] == ["x0"] * len(kinds)


def test_a_hyperparameter_without_influence(tmp_path):
    outcome = outcome_of(tmp_path, cube(3), lambda c, _: bowl({"x0": c["x0"], "x1": c["x1"]}), trials=64, waves=2)
    assert only(diagnose(outcome), Kind.NO_INFLUENCE).hyperparameter == "x2"


def test_over_fitting_from_an_epoch_on(tmp_path):
    def train(config, epoch, noise):
        return {"train_loss": 1 / epoch, "val_loss": 0.5 + 0.1 * config["x0"] + 0.0005 * (epoch - 15) ** 2 + noise}

    outcome = curves_of(tmp_path, train)
    finding = next(f for f in diagnose(outcome).findings if f.kind is Kind.OVERFITTING)
    assert finding.value == pytest.approx(15, abs=2)
    assert only(diagnose(outcome, 0), Kind.OVERFITTING).value == pytest.approx(15, abs=3)


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_training_that_ends_too_early(tmp_path, rate):
    def train(config, epoch, noise):
        return {"train_loss": epoch**-rate, "val_loss": (config["x0"] - 0.5) ** 2 + epoch**-rate + noise}

    finding = only(diagnose(curves_of(tmp_path, train, confirm=(3, 4))), Kind.TOO_SHORT)
    enough = ((1 - 2**-rate) / 0.002) ** (1 / rate)  # epochs, after which twice as many gain less than the noise
    if enough > 400:
        assert "more than 10 times" in finding.remedy
    else:
        assert finding.value == pytest.approx(enough, rel=0.4)


def test_curves_that_have_ended_are_sound(tmp_path):
    def train(config, epoch, noise):
        falling = math.exp(-epoch / 4) + 0.1 * config["x0"]
        return {"train_loss": falling, "val_loss": falling + noise}

    assert not {Kind.TOO_SHORT, Kind.OVERFITTING, Kind.NOT_LEARNING} & {*diagnose(curves_of(tmp_path, train)).kinds}


def test_networks_that_do_not_learn_lie_beyond_an_edge(tmp_path):
    space = {"learning_rate": caviar.loguniform(1e-3, 30), "hidden_units": 20, "hidden_layers": 3, "batch_norm": False}
    study = caviar.Study("digits", space=space, trials=20, waves=[20], epochs=8, confirm=False, workers=0, out=tmp_path)
    study.run(progress=False)
    stuck, edge, dead = diagnose(study.outcome).findings
    assert (stuck.kind, edge.kind, dead.kind) == (Kind.NOT_LEARNING, Kind.EDGE, Kind.DEAD_UNITS)
    table = study.table
    assert set(stuck.trials) == set(table["trial"][table["train_loss"] > 2.303])
    assert edge.low < edge.value < table["learning_rate"][list(stuck.trials)].min() * 1.5
    assert Kind.NOT_LEARNING in diagnose(study.outcome, stuck.trials[0]).kinds
    found = next(f for f in diagnose(study.outcome, dead.trials[0]).findings if f.kind is Kind.DEAD_UNITS)
    assert found.value == max(study.outcome.trial(dead.trials[0]).dead_units) >= 0.9
    assert "ReLU units of hidden layer" in found.sentence


def test_dead_units_are_looked_for_only_where_they_were_counted(tmp_path):
    space = {"learning_rate": caviar.loguniform(1e-3, 1e-2), "activation": "tanh", "hidden_units": 20}
    study = caviar.Study("digits", space=space, trials=2, epochs=1, confirm=False, workers=0, out=tmp_path)
    study.run(progress=False)
    assert any(sentence.startswith("dead units") for sentence in diagnose(study.outcome).unseen)


def test_small_batches_of_the_network(tmp_path):
    space = {"batch_size": [2, 64], "learning_rate": caviar.loguniform(3e-3, 1e-2), "hidden_units": 20}
    study = caviar.Study("digits", space=space, trials=20, waves=[20], epochs=2, confirm=False, workers=0, out=tmp_path)
    study.run(progress=False)
    diagnosis = diagnose(study.outcome)
    finding = next(f for f in diagnosis.findings if f.kind is Kind.SMALL_BATCHES)
    assert finding.hyperparameter == "batch_size"
    assert Kind.SMALL_BATCHES in diagnose(study.outcome, finding.trials[0]).kinds
    assert not any(sentence.startswith("dead units") for sentence in diagnosis.unseen)


def test_a_diagnosis_as_text_table_and_html(tmp_path):
    outcome = outcome_of(tmp_path, cube(1), lambda c, n: "<b>bad</b>" if n == 3 else bowl(c), name="x & y")
    diagnosis = diagnose(outcome)
    assert str(diagnosis).startswith("x & y: 1 of 32 trials failed: ValueError: <b>bad</b>")
    assert diagnosis.table()["trials"].tolist() == [1]
    assert "<b>bad</b>" not in diagnosis._repr_html_()


def test_what_has_not_ended_cannot_be_diagnosed(tmp_path):
    outcome = outcome_of(tmp_path, cube(1), bowl, trials=4)
    with pytest.raises(InputError, match="no trial 99"):
        diagnose(outcome, 99)
    with pytest.raises(InputError, match="a diagnosis needs a trial that has ended, got none in "):
        diagnose(replace(outcome, results=()))


def test_a_confirming_trial_stands_for_the_one_it_confirms(digits):
    confirming = digits.results[-1]
    assert (
        diagnose(digits, confirming.trial).subject == f"trial {confirming.trial}, which confirms {confirming.confirms}"
    )


def test_a_study_without_a_finished_trial_has_its_failures(tmp_path):
    diagnosis = diagnose(outcome_of(tmp_path, cube(1), lambda *_: "broken", trials=6))
    assert diagnosis.kinds == (Kind.FAILED,)
    assert (tmp_path / diagnosis.findings[0].remedy.split()[1]).is_dir()  # see output/ ...


def test_code_that_diverges_is_told_of_no_hyperparameter_of_the_network(tmp_path):
    finding = only(diagnose(outcome_of(tmp_path, cube(1), lambda *_: math.nan, trials=6)), Kind.DIVERGED)
    assert finding.remedy == "leave out the configs in which score is not finite"
