"""Settings: invalid ones are refused with a sentence, valid ones come back from their journal."""

import pytest
from hypothesis import given

from caviar.data.source import Source, SourceKind
from caviar.errors import CaviarError, InputError, StorageError
from caviar.records.early_stopping import Confirm, Halving, confirm_from, halving_from
from caviar.records.objective import Objective
from caviar.records.settings import Settings
from caviar.search import Budget, CoarseToFine, Random
from caviar.space import Space, uniform
from tests.records import strategies

ARRAYS = Source(SourceKind.ARRAYS)


def settings(**changes):
    defaults = {
        "name": "tiny",
        "source": ARRAYS,
        "space": Space(x=uniform(0, 1)),
        "objective": Objective("loss", "min"),
        "budget": Budget(8),
    }
    return Settings(**{**defaults, **changes})


@given(settings=strategies.settings())
def test_settings_come_back_from_plain_data(settings):
    assert Settings.from_plain(settings.to_plain()) == settings


@pytest.mark.parametrize("name", ["epochs", "search", "grow", "confirm", "early_stopping"])
def test_a_setting_with_a_default_may_be_missing_in_an_old_journal(name):
    plain = settings().to_plain()
    del plain[name]
    assert Settings.from_plain(plain) == settings()


def test_a_setting_of_a_newer_version_is_refused_with_a_sentence():
    with pytest.raises(StorageError, match="unknown setting 'telepathy'; open it with a newer Caviar"):
        Settings.from_plain({**settings().to_plain(), "telepathy": True})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": 3}, "name must be a non-empty string, got 3"),
        ({"epochs": 0}, "epochs must be an integer >= 1, got 0"),
        ({"space": {"x": uniform(0, 1)}}, "space must be a caviar.Space"),
        ({"search": "bayes"}, "search='bayes' is unknown"),
        ({"grow": "yes"}, "grow must be True or False, got 'yes'"),
        ({"budget": Budget(8, "continuous"), "early_stopping": Halving()}, "use 'asha'"),
        ({"space": Space(x=1)}, "nothing varies"),
        ({"name": "a\ud800"}, "name must be valid Unicode"),
        ({"space": Space(seed=uniform(0, 1))}, "'seed' has the name of a column"),
        ({"space": Space(loss=uniform(0, 1))}, "'loss' has the metric's name; rename one of them"),
    ],
)
def test_an_invalid_setting_is_one_sentence(changes, words):
    with pytest.raises(CaviarError, match=words) as error:
        settings(**changes)
    assert "\n" not in str(error.value)


def test_the_search_follows_from_the_settings():
    assert isinstance(settings().new_search(), CoarseToFine)
    assert isinstance(settings(search="random").new_search(), Random)
    halving = settings(budget=Budget(64), early_stopping=Halving(), epochs=20)
    assert halving.new_search().waves == settings(budget=Budget(64)).new_search().waves == (8,) * 8


@pytest.mark.parametrize(
    ("trials", "epochs", "waves"), [(64, 20, 2), (200, 20, 7), (5000, 20, 8), (20, 20, 2), (8, 20, 1), (64, 2, 8)]
)
def test_an_older_journal_with_early_stopping_keeps_its_waves(trials, epochs, waves):
    plain = settings(budget=Budget(trials), epochs=epochs).to_plain()
    plain["early_stopping"] = {"factor": 3, "first": 2, "asynchronous": False}
    assert plain["budget"]["waves"] == "auto"
    old = Settings.from_plain(plain)
    assert len(old.new_search().waves) == waves
    assert not old.early_stopping.predicted
    assert Settings.from_plain(old.to_plain()) == old


def test_early_stopping_as_users_write_it():
    assert halving_from(None) is None
    assert halving_from("halving") == Halving()
    assert halving_from("asha") == Halving(factor=3, asynchronous=True)
    assert not Halving(asynchronous=True).predicted
    assert halving_from(Halving(factor=4)) == Halving(factor=4)
    for value, words in (("halfing", "did you mean 'halving'"), (True, "must be"), ({"factor": 4}, "caviar.Halving")):
        with pytest.raises(InputError, match=words):
            halving_from(value)
    with pytest.raises(InputError, match="asynchronous must be True or False, got 'no'"):
        Halving(asynchronous="no")
    with pytest.raises(InputError, match="predicted must be True or False, got 'no'"):
        Halving(predicted="no")


@pytest.mark.parametrize(
    ("halving", "epochs", "rungs"),
    [
        (Halving(), 20, (2, 5, 10)),
        (Halving(), 50, (6, 12, 25)),
        (Halving(), 100, (12, 25, 50)),
        (Halving(first=2), 50, (2, 3, 6, 12, 25)),
        (Halving(factor=3), 50, (6, 17)),
        (Halving(factor=3, first=1), 20, (1, 2, 7)),
        (Halving(factor=2, first=5), 40, (5, 10, 20)),
        (Halving(), 2, ()),
        (Halving(), 1, ()),
    ],
)
def test_rungs(halving, epochs, rungs):
    assert halving.rungs(epochs) == rungs


def test_confirmation_as_users_write_it():
    assert confirm_from("auto", 64, seeded=True) == Confirm(3, 4)
    assert confirm_from("auto", 32, seeded=True) is None
    assert confirm_from("auto", 64, seeded=False) is None
    assert confirm_from(False, 64, seeded=True) is None
    assert confirm_from(True, 4, seeded=True) == Confirm(3, 4)
    assert confirm_from((5, 2), 64, seeded=True) == Confirm(5, 2)
    for value in ((0, 3), (3, 1), "yes", 3, (1, 2, 3), (1.5, 2)):
        with pytest.raises(InputError, match="must be"):
            confirm_from(value, 64, seeded=True)
