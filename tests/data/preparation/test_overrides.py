"""What users say about columns, and what is wrong with it."""

import numpy as np
import pandas as pd
import pytest

from caviar.data.preparation.columns import Category, Date, LeftOut, Number, Ordered
from caviar.data.preparation.fit import fit_preparation
from caviar.errors import InputError

TABLE = pd.DataFrame(
    {
        "cut": ["Fair", "Good", "Ideal", "Good"] * 10,
        "zip": [101, 102, 103, 102] * 10,
        "size": ["1", "2", "x", "4"] * 10,
        "day": ["31/12/2020", "1/2/2021", "13/5/2021", "7/8/2021"] * 10,
        "name": [f"name {i}" for i in range(40)],
        "one": 1,
    }
)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("cut", ["Fair", "Good", "Ideal"], Ordered),
        ("zip", [103, 102, 101], Ordered),
        ("zip", "category", Category),
        ("zip", "drop", LeftOut),
        ("size", "number", Number),
        ("day", "date", Date),
        ("name", "keep", Category),
        ("one", "keep", Number),
    ],
)
def test_each_word_does_what_it_says(name, value, kind):
    fitted = fit_preparation(TABLE, np.arange(40), overrides={name: value})
    (column,) = (column for column in fitted.preparation.columns if column.name == name)
    assert type(column) is kind
    assert not any(note.startswith(name) and "left out" in note for note in fitted.notes)


def test_an_order_is_the_position_of_a_level():
    preparation = fit_preparation(TABLE, np.arange(40), overrides={"zip": [103, 102, 101]}).preparation
    zips = preparation.transform(TABLE)[:3, preparation.slices["zip"]].ravel()
    assert zips[0] > zips[1] > zips[2]


def test_dates_are_read_by_the_format_that_fits_most():
    preparation = fit_preparation(TABLE, np.arange(40), overrides={"day": "date"}).preparation
    days = preparation.transform(TABLE)[:4, preparation.slices["day"].start]
    assert list(np.argsort(days)) == [0, 1, 2, 3]


def test_cells_that_are_no_numbers_are_said():
    notes = fit_preparation(TABLE, np.arange(40), overrides={"size": "number"}).notes
    assert any("size: 10 training rows have text that is no number, such as " in note for note in notes)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"Cut": "drop"}, "'Cut'.*did you mean 'cut'"),
        ({"cut": "text"}, r"'keep' \(not left out\).*'drop'.*got 'text'"),
        ({"cut": ["Fair", "Good"]}, "lacks 'Ideal'"),
        ({"cut": ["Fair"]}, "two or more"),
        ({"cut": 3}, "got 3"),
        ({"cut": "number"}, "no numbers but 'Fair', 'Good', 'Ideal'"),
        ({"cut": "date"}, "no dates"),
        (["cut"], "must map names"),
        (dict.fromkeys(TABLE, "drop"), "no column to learn from"),
    ],
)
def test_wrong_overrides_raise_one_sentence(overrides, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_preparation(TABLE, np.arange(40), overrides=overrides)
