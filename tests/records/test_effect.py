"""Settings that could never have an effect: refused in a new study, kept in a journal."""

import pytest

import caviar
from caviar.errors import InputError
from caviar.records.effect import check_effect
from caviar.study.file import study_from_file


def study(tmp_path, **settings):
    return caviar.Study("digits", workers=0, out=tmp_path / "s", **{"trials": 8, "waves": 4, "epochs": 4, **settings})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"stop": "worth", "waves": 1}, r"stop='worth' cannot end a study of fewer than 2 waves, got 1; try waves=2"),
        ({"stop": {"val_accuracy": 0.9}, "trials": 1, "waves": 1}, r"got 1; leave out stop$"),
        ({"stop": "worth", "waves": "auto"}, r"got 1; try waves=2"),
        (
            {"stop": "plateau", "waves": 3},
            r"stop='plateau' cannot end a study of fewer than 4 waves, got 3; try waves=4",
        ),
        ({"stop": {"waves": 7}}, r"fewer than 9 waves, got 4; leave out stop$"),
        ({"early_stopping": "halving", "epochs": 2}, r"no rung in epochs=2, got Halving.*; try epochs=3, or leave out"),
        ({"early_stopping": "asha", "epochs": 1}, r"no rung in epochs=1, .*; try epochs=5,"),
        ({"early_stopping": caviar.Halving(first=9)}, r"no rung in epochs=4, .*; try epochs=18,"),
        (
            {"early_stopping": caviar.Halving(factor=99)},
            r"asynchronous=False, predicted=True\); leave out early_stopping$",
        ),
        ({"stop": {"val_accuracy": 98}}, r"never more than 1, got stop={\"val_accuracy\": 98}; try .* 0.98}$"),
        ({"stop": {"val_accuracy": 980}}, r"never more than 1, got stop={\"val_accuracy\": 980}$"),
        ({"stop": {"val_loss": -0.5}, "metric": "val_loss"}, r"val_loss is never less than 0, .*; try .* 0.5}$"),
        ({"stop": {"val_f1_macro": 95}, "metric": "f1_macro"}, r"never more than 1, .*; try .* 0.95}$"),
        ({"stop": {"val_neg_log_loss": 0.1}, "metric": "neg_log_loss"}, r"never more than 0, .*; try .* -0.1}$"),
    ],
)
def test_settings_without_effect_are_refused(tmp_path, settings, words):
    with pytest.raises(InputError, match=words):
        study(tmp_path, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"stop": "plateau"},
        {"stop": "worth", "waves": 2},
        {"stop": {"waves": 1}, "waves": 3},
        {"early_stopping": "halving", "epochs": 3},
        {"stop": {"val_accuracy": 1}},
        {"stop": {"val_loss": 3}, "metric": "val_loss"},
    ],
)
def test_others_are_taken(tmp_path, settings):
    study(tmp_path, **settings)


def test_the_range_of_a_functions_own_metric_is_unknown(tmp_path):
    caviar.Study(
        lambda config: 1.0, space={"x": caviar.uniform(0, 1)}, metric="val_accuracy", mode="max", trials=8, waves=2,
        stop={"val_accuracy": 98}, workers=0, isolation="none", out=tmp_path / "s",
    )  # fmt: skip


def test_a_study_file_says_it_its_own_way(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('data = "digits"\ntrials = 8\nwaves = 1\nstop = "worth"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r'stop = "worth" cannot .*; try waves = 2, or leave out stop'):
        study_from_file(path, out=tmp_path / "s")


def test_a_journal_with_them_still_opens_and_is_extended(tmp_path, monkeypatch):
    monkeypatch.setattr("caviar.records.record.check_effect", lambda settings: None)
    old = study(tmp_path, stop="plateau", waves=1, epochs=1, early_stopping="halving")
    old.run(progress=False)
    monkeypatch.setattr("caviar.records.record.check_effect", check_effect)
    resumed = caviar.Study.open(old.folder, workers=0)
    resumed.extend(4)
    assert len(resumed.run(progress=False)) == 12
