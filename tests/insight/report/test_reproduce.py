"""The command and the code in a report reproduce the settings of the study."""

import caviar
from caviar.insight.report.reproduce import reproduction, settings_table
from tests.insight.studies import cube, outcome_of


def arguments(settings):
    """The arguments that the code in the report passes to `Study`."""
    passed = {}
    code = reproduction(settings).replace("study.run()", "").replace("...,", "data,").replace("Study(", "keep(")
    exec(code, {"data": None, "keep": lambda data, **keywords: passed.update(keywords)})
    return passed


def test_the_code_of_a_space_recreates_it(outcome):
    passed = arguments(outcome.settings)
    assert passed["space"] == outcome.settings.space
    assert {name: passed[name] for name in ("trials", "waves", "seed")} == {"trials": 60, "waves": 3, "seed": 0}
    assert "grow" not in passed


def test_options_that_look_like_code_stay_as_they_are(tmp_path):
    space = caviar.Space(
        kind=caviar.choice({"choice(": None, 'it\'s "Space("': caviar.Space(beta=caviar.uniform(0, 1))}),
        note=" uniform(0, 1)",
    )
    outcome = outcome_of(tmp_path, space, lambda *_: 1.0, trials=2)
    assert arguments(outcome.settings)["space"] == space


def test_the_code_of_a_space_that_grows_says_so(tmp_path):
    outcome = outcome_of(tmp_path, cube(1), lambda c, _: c["x0"], trials=4, search="coarse-to-fine", grow=True)
    assert arguments(outcome.settings)["grow"] is True


def test_the_code_names_early_stopping(tmp_path):
    halving = caviar.Halving(factor=2)
    study = caviar.Study("digits", space=cube_of_rates(), early_stopping=halving, out=tmp_path / "new")
    assert arguments(study.settings)["early_stopping"] == halving
    assert "'digits'," in reproduction(study.settings)


def cube_of_rates():
    return caviar.Space(learning_rate=caviar.loguniform(1e-3, 1))


def test_a_study_of_digits_is_reproduced_by_a_command(tmp_path):
    digits = caviar.Study("digits", trials=5, waves=[3, 2], seed=7, early_stopping="asha", out=tmp_path)
    assert reproduction(digits.settings) == (
        "caviar run --metric val_accuracy --mode max --trials 5 --waves 3,2 --seed 7 --epochs 20 "
        "--search coarse-to-fine --confirm no --early-stopping asha"
    )


def test_a_study_with_scorers_is_reproduced_with_their_names(tmp_path):
    study = caviar.Study("digits", metric="f1_macro", metrics=["neg_log_loss"], out=tmp_path)
    assert "--metric val_f1_macro" in reproduction(study.settings)
    assert "--metrics f1_macro,neg_log_loss" in reproduction(study.settings)


def test_a_study_of_a_csv_file_is_reproduced_with_its_seed(tmp_path):
    file = tmp_path / "some data.csv"
    rows = "\n".join(f"{i * i % 59},{i % 2}" for i in range(60))
    file.write_text(f"x,y\n{rows}\n")
    study = caviar.Study(caviar.load_csv(file, target="y"), out=tmp_path / "a")
    assert f"--data '{file}' --target y" in reproduction(study.settings)
    study = caviar.Study(caviar.load_csv(file, target="y", task="regression", seed=3), out=tmp_path / "b")
    assert f"load_table({str(file)!r}, target='y', task='regression', seed=3)," in reproduction(study.settings)


def test_a_study_of_a_program_is_reproduced_with_its_command(tmp_path):
    program = caviar.program("train --name 'a b' {x}", tmp_path)
    space = caviar.Space(x=caviar.uniform(0, 1))
    study = caviar.Study(program, space=space, metric="loss", mode="min", out=tmp_path / "s")
    kept = []
    code = reproduction(study.settings).replace("study.run()", "").replace("Study(", "keep(")
    exec(code, {"keep": lambda data, **settings: kept.append(data)})
    assert kept == [program]
    assert (
        settings_table(study.outcome).set_index("setting")["value"]["data"].endswith("command: train --name 'a b' {x}")
    )


def test_the_settings_are_listed_with_space_and_versions(outcome):
    table = settings_table(outcome).set_index("setting")["value"]
    assert table["trials"] == "60"
    assert table["space: momentum"] == "reverseloguniform(0.9, 0.999)"
    assert "version of caviar" in table
