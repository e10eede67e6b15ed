"""Studies that end before their last wave, are extended, and go on after a crash: the same steps, the same table."""

import logging

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.cli.main import main
from caviar.errors import InputError, StorageError
from caviar.jobs.local import LocalJobs
from caviar.jobs.status import JobState
from caviar.records import journal
from caviar.records.event_lines import encode
from caviar.records.events import ForecastMade, StudyExtended
from caviar.study.file import study_from_file

SPACE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1))


def train(config, seed):
    noise = 0.02 * np.random.default_rng(seed).standard_normal()
    return {"loss": (config["x"] - 0.3) ** 2 + (config["y"] - 0.6) ** 2 + noise}


def study(folder, **settings):
    given = {"trials": 64, "waves": 8, "confirm": False, "workers": 0, "isolation": "none", **settings}
    return caviar.Study(train, space=SPACE, metric="loss", mode="min", out=folder, **given)


def opened(folder):
    return caviar.Study.open(folder, data=train, workers=0, isolation="none")


def table_of(study):
    return study.table.drop(columns=["seconds", "began", "ended", "worker"])


def assert_same(one, other):
    pd.testing.assert_frame_equal(table_of(one), table_of(other))


@pytest.mark.parametrize("stop", ["worth", "plateau", {"loss": 0.01}, {"gain": 0.05}, caviar.Worth(gain=0.05)])
def test_a_study_ends_at_a_wave_and_says_why(tmp_path, caplog, stop):
    caplog.set_level(logging.INFO, "caviar")
    one = study(tmp_path / "s", stop=stop)
    table = one.run(progress=False)
    assert len(table) % 8 == 0
    assert 8 <= len(table) < 64
    last = one.waves.iloc[-1]
    assert "the study ends here: " in last["next"]
    assert last["next"] == one.outcome.stopped
    assert one.outcome.stopped in caplog.messages
    assert not one.waves["next"].iloc[:-1].str.contains("ends here").any()
    whole = study(tmp_path / "whole")
    whole.run(progress=False)
    pd.testing.assert_frame_equal(table_of(whole).iloc[: len(table)], table_of(one))
    again = opened(tmp_path / "s")
    assert again.outcome.stopped == one.outcome.stopped
    assert len(again.run(progress=False)) == len(table)  # it stays ended


def test_each_wave_has_a_row_about_the_next_one(tmp_path):
    one = study(tmp_path / "s")
    one.run(progress=False)
    written = pd.read_csv(tmp_path / "s" / "waves.csv")
    assert (written["next_gain"].iloc[:-1] >= 0).all()
    assert written["next_probability"].iloc[:-1].between(0, 1).all()
    assert (written["next_minutes"].iloc[:-1] > 0).all()
    assert written["next"].iloc[0].startswith("after wave 1, 8 more trials are expected to gain ")
    assert written["next_gain"].isna().tolist() == [False] * 7 + [True]
    assert one.outcome.stopped == ""


def test_a_maximum_is_a_goal_too_and_gains_are_positive(tmp_path):
    def score(config, seed):
        return {"score": 1 - abs(config["x"] - 0.3)}

    one = caviar.Study(
        score, space={"x": caviar.uniform(0, 1)}, metric="score", mode="max", trials=32, stop={"score": 0.95},
        workers=0, isolation="none", out=tmp_path / "s",
    )  # fmt: skip
    table = one.run(progress=False)
    assert len(table) < 32
    assert table["score"].max() >= 0.95
    assert (one.waves["next_gain"] >= 0).all()
    assert f"trial {table['score'].idxmax()} has reached" in one.outcome.stopped


def test_a_constant_metric_is_a_plateau(tmp_path):
    constant = caviar.Study(
        lambda config, seed: 1.0, space=SPACE, metric="loss", mode="min", trials=64, waves=8, confirm=False,
        stop="plateau", workers=0, isolation="none", out=tmp_path / "s",
    )  # fmt: skip
    assert len(constant.run(progress=False)) == 24
    assert "the last 2 waves have gained 0" in constant.outcome.stopped


def test_the_winner_is_confirmed_after_the_end(tmp_path):
    one = study(tmp_path / "s", stop={"gain": 1.0}, confirm=(2, 3))
    table = one.run(progress=False)
    assert table["wave"].tolist() == [1] * 8 + [2] * 6
    assert len(one.confirmation) == 2


def test_minutes_decide_and_a_resumed_study_decides_the_same(tmp_path):
    """What a wave takes is wall time: that of the run that decided, which is in the journal."""
    never = study(tmp_path / "never", stop={"gain": 1, "minutes": 1e-9})
    assert len(never.run(progress=False)) == 8  # such a gain is worth no time at all
    always = study(
        tmp_path / "always",
        stop={
            "gain": 1e-9,
            "minutes": 1e9,
        },
    )
    path = tmp_path / "always" / journal.NAME
    always.run(progress=False)
    assert len(always.table) == 64
    lines = path.read_bytes().splitlines(keepends=True)
    forecasts = [i for i, line in enumerate(lines) if line.startswith(b'{"event":"forecast"')]
    slow = ForecastMade(3, 8, 0.001, 1.0, 0.0, 1e9, "they are not worth it")
    path.write_bytes(b"".join(lines[: forecasts[2]]) + encode(slow).encode() + b"\n")
    resumed = opened(tmp_path / "always")
    assert len(resumed.run(progress=False)) == 24
    assert "1e+09 minutes" in resumed.outcome.stopped


@pytest.mark.parametrize("kept", range(1, 8))
def test_a_study_that_was_cut_off_ends_at_the_same_wave(tmp_path, kept):
    whole = study(tmp_path / "whole", stop="worth", confirm=(2, 2))
    whole.run(progress=False)
    cut = study(tmp_path / "cut", stop="worth", confirm=(2, 2))
    lines = (tmp_path / "whole" / journal.NAME).read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / journal.NAME).write_bytes(b"".join(lines[: 1 + (len(lines) - 1) * kept // 8]))
    cut = opened(tmp_path / "cut")
    cut.run(progress=False)
    assert_same(cut, whole)
    assert cut.outcome.stopped.split(" in ")[0] == whole.outcome.stopped.split(" in ")[0]


def test_64_and_32_more_are_a_study_of_96_and_repeatable(tmp_path):
    both = [study(tmp_path / name, trials=64) for name in ("one", "other")]
    for one in both:
        one.run(progress=False)
        one.extend(trials=32)
        assert one.settings.budget.trials == 96
        assert len(one.run(progress=False)) == 96
    assert_same(*both)
    sizes = both[0].settings.budget.waves
    assert sum(sizes) == 96
    at_once = study(tmp_path / "at once", trials=96, waves=sizes)
    at_once.run(progress=False)
    assert_same(both[0], at_once)
    again = opened(tmp_path / "one")
    assert again.settings == both[0].settings
    assert_same(again, both[0])
    assert again.outcome.extended == (32,)


def test_an_extension_goes_on_after_a_stop_a_confirmation_and_a_crash(tmp_path):
    one = study(tmp_path / "s", stop={"gain": 1.0}, confirm=(2, 2))
    assert len(one.run(progress=False)) == 12
    assert LocalJobs(tmp_path).status("s").progress.startswith("12/12 trials, best loss ")
    one.extend(trials=24)
    assert len(one.run(progress=False)) == 12 + 24 + 4  # whatever stop says, and confirmed again
    assert one.outcome.stopped == ""
    assert LocalJobs(tmp_path).status("s").state is JobState.FINISHED
    assert one.best.trial in one.confirmation["trial"].tolist()
    lines = (tmp_path / "s" / journal.NAME).read_bytes().splitlines(keepends=True)
    extended = next(i for i, line in enumerate(lines) if line.startswith(b'{"event":"extended"'))
    for cut in (extended + 1, extended + 5, len(lines) - 2):
        folder = tmp_path / f"cut {cut}"
        folder.mkdir()
        (folder / journal.NAME).write_bytes(b"".join(lines[:cut]))
        again = opened(folder)
        again.run(progress=False)
        assert_same(again, one)


def test_an_extension_has_the_waves_that_auto_makes_of_it(tmp_path):
    one = study(tmp_path / "s", trials=8, waves=1, early_stopping="halving", epochs=20)
    one.run(progress=False)
    one.extend(trials=40)
    assert one.settings.budget.waves == (8, 8, 8, 8, 8, 8)


def test_what_cannot_be_extended_says_so(tmp_path):
    fresh = study(tmp_path / "fresh")
    with pytest.raises(InputError, match="has trials left to train; run it before it is extended"):
        fresh.extend(trials=8)
    with pytest.raises(InputError, match="trials must be an integer >= 1, got 0"):
        fresh.extend(trials=0)
    continuous = study(tmp_path / "continuous", trials=8, waves="continuous")
    continuous.run(progress=False)
    with pytest.raises(InputError, match="cannot be extended; try a new one that begins with its trials"):
        continuous.extend(trials=8)
    with pytest.raises(InputError, match="stop is decided when a wave ends"):
        study(tmp_path / "x", waves="continuous", stop="worth")


def test_an_extension_that_does_not_follow_is_damage(tmp_path):
    one = study(tmp_path / "s", trials=8, waves=1)
    one.run(progress=False)
    path = tmp_path / "s" / journal.NAME
    lines = path.read_bytes().splitlines(keepends=True)
    for position, waves in ((1, (8,)), (len(lines), ()), (len(lines), (0,))):
        event = encode(StudyExtended(waves)).encode() + b"\n"
        path.write_bytes(b"".join([*lines[:position], event, *lines[position:]]))
        with pytest.raises(StorageError, match="damaged"):
            opened(tmp_path / "s")
    path.write_bytes(b"".join([*lines, encode(ForecastMade(7, 8, 0.0, 0.0, 0.0, 0.0)).encode(), b"\n"]))
    with pytest.raises(StorageError, match="damaged"):
        opened(tmp_path / "s")


def test_the_file_and_the_command_line_take_rules(tmp_path, capsys):
    text = 'data = "digits"\ntrials = 4\nwaves = 4\n'
    for line, rule in [
        ('stop = "plateau"', "plateau"),
        ("stop = { val_accuracy = 0.98 }", {"val_accuracy": 0.98}),
        ("stop = { gain = 0.001, minutes = 10 }", caviar.Worth(gain=0.001, minutes=10)),
    ]:
        path = tmp_path / "study.toml"
        path.write_text(text + line, encoding="utf-8")
        given = caviar.Study("digits", trials=4, waves=4, stop=rule, out=tmp_path / "given").settings.stop
        assert study_from_file(path, out=tmp_path / "s").settings.stop == given
    run = ["run", "--trials", "16", "--epochs", "1", "--waves", "2", "--workers", "0", "--confirm", "no"]
    main([*run, "--stop", "val_accuracy=0.01", "--out", str(tmp_path / "c")])
    assert "the study ends here: trial" in " ".join(capsys.readouterr().out.split())
    assert len(caviar.Outcome.read(tmp_path / "c").table) == 8
    main(["resume", str(tmp_path / "c"), "--workers", "0", "--extend", "8"])
    assert len(caviar.Outcome.read(tmp_path / "c").table) == 16
    for wrong, words in [
        ("val_accuracy=high", "--stop must be worth, plateau or NAME=NUMBER"),
        ("money=3", "try --stop gain=0.001,money=5,hourly=0.4"),
        ("0.98", "a goal such as --stop val_accuracy=0.98, or None"),
        (
            "val_accuracy=98",
            "val_accuracy is never more than 1, got --stop val_accuracy=98; try --stop val_accuracy=0.98",
        ),
        ("plateau", "--stop plateau cannot end a study of fewer than 4 waves, got 2; try --waves 4"),
    ]:
        with pytest.raises(SystemExit):
            main([*run, "--stop", wrong])
        assert words in " ".join(capsys.readouterr().err.split())


def test_a_constant_metric_is_not_worth_another_wave(tmp_path):
    settings = {"space": SPACE, "metric": "loss", "mode": "min", "trials": 24, "waves": 3, "workers": 0}
    constant = caviar.Study(lambda config: 1.0, **settings, stop="worth", isolation="none", out=tmp_path / "s")
    assert len(constant.run(progress=False)) == 8
    assert constant.outcome.forecasts[0].gain == 0
    whole = caviar.Study(lambda config: 1.0, **settings, isolation="none", out=tmp_path / "whole")
    whole.run(progress=False)
    assert whole.waves["reason"].iloc[-1] == "all 16 finished trials are equal, so none of them shows where to search"


def test_settings_know_what_another_process_has_extended(tmp_path):
    study(tmp_path / "s", trials=8, waves=1).run(progress=False)
    one, other = opened(tmp_path / "s"), opened(tmp_path / "s")
    other.extend(8)
    other.run(progress=False)
    one.run(progress=False)
    assert one.settings.budget.trials == other.settings.budget.trials == len(one.table) == 16


def test_settings_know_it_after_a_run_that_was_interrupted(tmp_path):
    class Interrupting(caviar.Callback):
        def on_trial_end(self, result):
            raise KeyboardInterrupt

    study(tmp_path / "s", trials=8, waves=1).run(progress=False)
    one, other = opened(tmp_path / "s"), opened(tmp_path / "s")
    other.extend(8)
    for interrupted in (other, one):
        with pytest.raises(KeyboardInterrupt):
            interrupted.run(progress=False, callbacks=[Interrupting()])
    assert one.settings == other.settings
    assert one.settings.budget.trials == 16
