"""Prices: a number, or a file of instances of the user's own."""

import numpy as np
import pytest

import caviar
from caviar.cli.main import main
from caviar.errors import InputError
from caviar.records.cost import read_forecast
from caviar.study.cost.prices import Instance, hourly_price, read_instances

PRICES = """
small = { trainers = 2, memory = 8e9, price = 0.1 }
tiny = { trainers = 4, memory = 1e6, price = 0.001 }

[large]
trainers = 8
memory = 64e9
price = 0.8
"""


@pytest.mark.parametrize("price", [np.float32(0.5), np.int64(2)])
def test_a_price_may_be_a_number_of_numpy(price):
    assert type(hourly_price(price)) is type(price.item())


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(PRICES, encoding="utf-8")
    return path


@pytest.fixture
def study(tmp_path):
    return caviar.Study("digits", trials=8, epochs=2, workers=0, out=tmp_path / "s")


def test_instances_are_tables_of_a_file(prices):
    assert read_instances(prices)[0] == Instance("small", 2, 8e9, 0.1)
    assert [instance.name for instance in read_instances(str(prices))] == ["small", "tiny", "large"]


def test_a_forecast_prices_each_instance_and_names_the_cheapest_that_suffices(study, prices):
    forecast = study.forecast(price=prices)
    small, tiny, large = forecast.instances
    for instance, price in ((small, 0.1), (tiny, 0.001), (large, 0.8)):
        assert instance.money.median == pytest.approx(instance.minutes.median * price / 60)
    assert large.minutes.median <= small.minutes.median
    assert (small.fits, tiny.fits, large.fits) == (True, False, True)
    assert large.needed > small.needed
    assert forecast.cheapest is small
    assert "it needs" in str(tiny)
    assert str(forecast).count("the cheapest") == 1
    assert forecast.table().set_index("quantity").loc["money, small", "median"] == small.money.median
    assert forecast.money is None


def test_instances_come_back_from_the_file_of_the_forecast(study, prices):
    forecast = study.forecast(price=prices)
    study.run(progress=False)
    assert read_forecast(study.folder, study.settings)[0] == forecast


def test_no_instance_is_the_cheapest_if_none_suffices(study, tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text("[tiny]\ntrainers = 1\nmemory = 1\nprice = 0\n", encoding="utf-8")
    assert study.forecast(price=path).cheapest is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("small = 1", "small is not a table"),
        ("[small]", "missing"),
        ("[small", "Expected"),
        ("[small]\ntrainers = 0\nmemory = 1\nprice = 1", "trainers >= 1"),
        ("[small]\ntrainers = 1.5\nmemory = 1\nprice = 1", "trainers of Instance cannot be 1.5"),
        ("[small]\ntrainers = 1\nmemory = 1\nprice = nan", "price >= 0"),
        ("[small]\ntrainers = 1\nmemory = 1\nprice = 1\ncores = 2", "no 'cores'"),
        ("small = { trainers = 1, memory = 1, price = 1, name = 'x' }", "no 'name'"),
    ],
)
def test_a_file_that_holds_no_instances_is_one_sentence(tmp_path, text, reason):
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="must hold instances") as error:
        read_instances(path)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_instances(tmp_path / "none.toml")


def test_the_command_takes_either(prices, capsys):
    options = ["run", "--trials", "4", "--epochs", "1", "--workers", "0", "--dry-run", "--price"]
    main([*options, str(prices)])
    assert "on small, 2 trainers" in capsys.readouterr().out
    main([*options, "0.5"])
    assert "at 0.5 for an hour of a trainer" in capsys.readouterr().out
