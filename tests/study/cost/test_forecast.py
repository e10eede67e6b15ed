"""What a study is forecast to cost: it adds up, touches nothing, and warns."""

import json
import logging
from pathlib import Path

import pytest

import caviar
from caviar.cli.main import main
from caviar.errors import InputError
from caviar.records.cost import FORECAST

SPACE = caviar.Space(size=caviar.lograndint(1, 64))


def train(config, seed):
    Path(config.get("folder", ".")).joinpath("called").touch()
    return {"loss": sum(i * i for i in range(20_000 * config["size"])) * 0.0 + config["size"]}


def network(out=None, **settings):
    return caviar.Study("digits", **{"trials": 16, "epochs": 2, "workers": 0, "seed": 1, **settings}, out=out)


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    return network(tmp_path_factory.mktemp("runs") / "s", confirm=(1, 2)).forecast(price=3600.0)


def test_intervals_hold_their_medians_and_the_money_is_that_of_all_trainers(forecast):
    for span in (forecast.minutes, forecast.core_hours, forecast.money, forecast.twice_the_workers):
        assert 0 < span.low <= span.median <= span.high
    assert forecast.trials == 18
    assert forecast.money.median == pytest.approx(60 * forecast.minutes.median * forecast.workers)
    assert forecast.minutes.median * 60 >= forecast.core_hours.median * 3600 * 0.9


def test_twice_the_workers_are_faster_but_not_twice(forecast):
    assert 0.4 * forecast.minutes.median < forecast.twice_the_workers.median < forecast.minutes.median


def test_words_and_table_say_the_same(forecast):
    words = str(forecast)
    assert words.startswith("18 trials of digits on 1 trainer,")
    assert "at 3600 for an hour of a trainer" in words
    table = forecast.table().set_index("quantity")
    assert table.loc["minutes", "median"] == forecast.minutes.median
    assert table.loc["bytes on disk", "median"] == forecast.disk_bytes


def test_nothing_begins_and_the_table_is_the_same(tmp_path):
    study = network(tmp_path / "forecast")
    study.forecast()
    assert [path.name for path in study.folder.iterdir()] == [FORECAST]
    study.run(progress=False)
    other = network(tmp_path / "plain")
    other.run(progress=False)
    assert study.table.drop(columns=["seconds", "began", "ended", "worker"]).equals(
        other.table.drop(columns=["seconds", "began", "ended", "worker"])
    )
    assert not (other.folder / FORECAST).exists()


def test_without_a_folder_of_its_own_nothing_is_written_before_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = network(trials=4, epochs=1)
    study.forecast()
    assert list(tmp_path.iterdir()) == []
    study.run(progress=False)
    assert (study.folder / FORECAST).exists()


def test_a_function_is_probed_by_two_trials_outside_of_the_study(tmp_path):
    out = tmp_path / "s"
    space = caviar.Space(size=caviar.lograndint(1, 64), folder=str(tmp_path))
    study = caviar.Study(train, space=space, metric="loss", mode="min", trials=24, workers=0, out=out)
    forecast = study.forecast()
    assert forecast.measured.startswith("2 trials of the first wave")
    assert (tmp_path / "called").exists()
    assert [path.name for path in out.iterdir()] == [FORECAST]
    assert forecast.trainer_bytes > 1e6
    assert forecast.with_halving is None
    study.run(progress=False)
    seconds = study.table["seconds"].sum()
    assert seconds / 4 < forecast.core_hours.median * 3600 < 4 * seconds


def test_a_function_that_fails_is_said_to(tmp_path):
    def broken(config):
        raise OSError("no data")

    study = caviar.Study(
        broken, space=SPACE, metric="loss", mode="min", workers=0, out=tmp_path / "s", isolation="none"
    )
    with pytest.raises(InputError, match=r"a trial that was trained to measure the time failed \(OSError: no data\)"):
        study.forecast()


def test_a_function_that_reports_may_be_probed(tmp_path):
    def steps(config):
        for _ in range(3):
            yield {"loss": config["size"]}

    settings = {"metric": "loss", "mode": "min", "workers": 0, "epochs": 3, "isolation": "none"}
    study = caviar.Study(steps, space=SPACE, trials=9, early_stopping="halving", out=tmp_path / "s", **settings)
    assert study.forecast().minutes.low > 0


def test_a_study_that_has_begun_is_not_forecast(tmp_path):
    study = network(tmp_path / "s", trials=4, epochs=1)
    study.run(progress=False)
    with pytest.raises(InputError, match="has begun, so it is too late to forecast it"):
        study.forecast()


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), True])
def test_a_price_is_a_number(tmp_path, price):
    with pytest.raises(InputError, match="price must be that of a trainer for an hour, a number >= 0"):
        network(tmp_path / "s").forecast(price=price)


def test_limits_that_will_be_exceeded_are_named(tmp_path):
    limits = {"resources": {"memory": 1e4}, "trial_timeout": 1e-6, "timeout": 1e-3}
    warnings = "\n".join(network(tmp_path / "s", **limits).forecast().warnings)
    assert "8 of 8 configs need more than 10 kB each" in warnings
    assert "8 of 8 configs are likely to exceed trial_timeout=1e-06 s" in warnings
    assert "the study may not end within timeout=0.001 s" in warnings


def test_waves_that_leave_trainers_idle_are_named(tmp_path):
    study = network(tmp_path / "s", waves=[15, 1], epochs=1, workers=2)
    forecast = study.forecast()
    assert forecast.workers == 2
    assert "the last wave keeps 1 of 2 trainers busy" in forecast.warnings


def test_the_command_prints_it_and_runs_nothing(tmp_path, capsys):
    line = ["run", "--trials", "8", "--epochs", "1", "--workers", "0", "--dry-run"]
    main([*line, "--price", "0.38", "--out", str(tmp_path / "s")])
    assert capsys.readouterr().out.startswith("8 trials of digits on 1 trainer")
    assert not (tmp_path / "s" / "journal.jsonl").exists()
    main([*line, "--json", "--out", str(tmp_path / "s")])
    plain = json.loads(capsys.readouterr().out)
    assert plain["trials"] == 8
    assert plain["money"] is None


def test_a_price_alone_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--price", "0.38"])
    assert "--price is for a forecast" in capsys.readouterr().err


def test_a_run_without_a_forecast_measures_nothing(tmp_path, caplog, monkeypatch):
    from caviar.study.cost import measurement

    monkeypatch.setattr(measurement, "measure_stacks", None)
    with caplog.at_level(logging.INFO, "caviar"):
        network(tmp_path / "s", trials=4, epochs=1).run(progress=False)
    assert caplog.messages[-1].startswith("4/4 trials")
